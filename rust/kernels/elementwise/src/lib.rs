//! Elementwise kernels over strided operands of any dtype.
//!
//! Each operator is one line of a list ([`Unary`], [`Binary`], [`Ternary`], [`Quaternary`]): a name, the types that it
//! is computed in, and scalar Rust. The list makes one contiguous loop per operator, compute type and instruction set;
//! the driver brings everything else (other dtypes, strides, scalars) to those loops in blocks that stay in L1.

mod binary;
mod blocks;
mod cells;
mod convert;
mod driver;
mod halves;
mod kernel;
mod math;
mod plan;
mod quaternary;
mod small;
mod ternary;
mod transpose;
mod unary;
mod work;

pub use binary::{Binary, binary, binary_flat};
pub use cells::{gru_cell, gru_cell_backward, lstm_cell, lstm_cell_backward};
pub use driver::{Src, copy, fill};
pub use math::{magnitude_powers_f32, magnitude_powers_f64};
pub use quaternary::{Quaternary, quaternary};
pub use ternary::{Ternary, ternary};
pub use unary::{Unary, unary, unary_flat};
