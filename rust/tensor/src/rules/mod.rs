//! Sizes, dtypes and argument checks that rows of several families share.

pub mod dims;
pub mod factory;
pub mod ranges;
pub mod view;
