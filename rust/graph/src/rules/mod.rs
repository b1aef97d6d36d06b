//! What formulas of several families share.

pub mod attention;
pub mod complex;
pub mod distance;
pub mod fourier;
pub mod index;
pub mod join;
pub mod linalg;
pub mod loss;
pub mod names;
pub mod neural;
pub mod order;
pub mod powers;
pub mod recurrent;
pub mod reduce;
pub mod replay;
pub mod resample;
pub mod special;
pub mod strided;
