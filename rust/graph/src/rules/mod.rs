//! What formulas of several families share.

pub mod complex;
pub mod powers;
pub mod strided;
