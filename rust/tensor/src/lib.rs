//! Corten's tensor: storage, views, dtypes, promotion, the op table and dispatch. No Python here.
//!
//! An operator is a row of the op table ([`ops`]); [`dispatch`] takes a call through the layers that the arguments ask
//! for; a tensor is an identity with a replaceable value ([`tensor`], [`core`]).

// Both tables name this crate by its own name.
extern crate self as corten_tensor;

pub mod attached;
pub mod autocast;
pub mod body;
pub mod core;
pub mod device;
pub mod dispatch;
pub mod lazy;
pub mod mode;
pub mod op;
pub mod ops;
pub mod pointwise;
pub mod promote;
pub mod registry;
pub mod rules;
pub mod storage;
pub mod tensor;
pub mod text;
pub mod value;

pub use crate::core::{Core, Dims};
pub use corten_base::{DType, Error, Kind, Result, Scalar, error, fail};
pub use device::{Device, DeviceKind};
pub use tensor::{Tensor, key};
