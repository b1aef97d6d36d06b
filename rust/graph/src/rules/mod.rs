//! What formulas of several families share.

pub mod complex;
pub mod pending;
pub mod powers;
pub mod reduce;
pub mod strided;
