//! What elements can do: arithmetic, order, bits, and the functions of real and complex analysis.
//!
//! No function here calls the system's mathematics library, so that results do not depend on the machine.

mod complex;
mod double;
mod float;
mod integer;
mod single;
mod special;
mod traits;

pub(crate) use traits::{Bits, Field, Float, Num, Real};
