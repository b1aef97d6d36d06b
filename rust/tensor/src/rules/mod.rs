//! Sizes, dtypes and argument checks that rows of several families share.

pub mod checks;
pub mod dims;
pub mod factory;
pub mod ranges;
pub mod read;
pub mod view;
