//! What every kernel stands on: element types, operands, errors, instruction sets, threads and memory.
//!
//! A kernel takes [`Operand`]s (memory, dtype, sizes, strides: checked once, when they are made) and [`Scalar`]s, and
//! never allocates results. It gives the same bits on every instruction set and any number of threads.

pub mod alloc;
pub mod dtype;
pub mod element;
pub mod error;
pub mod half;
pub mod isa;
pub mod operand;
pub mod pool;
pub mod scalar;
pub mod scratch;

pub use dtype::DType;
pub use element::{Element, bf16, c64, c128, f16};
pub use error::{Error, Kind, Result};
pub use operand::{Flat, Memory, Operand};
pub use scalar::Scalar;
