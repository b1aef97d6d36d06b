//! What elements can do: arithmetic, order, bits, and the functions of real and complex analysis.
//!
//! No function here calls the system's mathematics library, so that results do not depend on the machine.

pub(crate) mod bessel;
mod complex;
mod double;
mod float;
pub(crate) mod gamma;
mod gelu;
mod integer;
pub(crate) mod normal;
pub(crate) mod polynomials;
mod quotient;
mod single;
pub(crate) mod special;
mod traits;

pub(crate) use traits::{Bits, Field, Float, Num, Real};
