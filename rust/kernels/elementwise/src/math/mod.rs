//! What elements can do: arithmetic, order, bits, and the functions of real and complex analysis.
//!
//! No function here calls the system's mathematics library, so that results do not depend on the machine.

pub(crate) mod bessel;
mod complex;
pub(crate) mod double;
pub(crate) mod error;
mod float;
pub(crate) mod gamma;
mod integer;
mod mixed;
pub(crate) mod normal;
pub(crate) mod polynomials;
mod power;
mod quotient;
mod single;
pub(crate) mod special;
mod traits;

pub use power::{magnitude_powers_f32, magnitude_powers_f64};
pub(crate) use traits::{Bits, Field, Float, Num, Real};
