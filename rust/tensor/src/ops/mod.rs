//! The op table, a file a family. Each row is the only declaration of its operator.

pub mod cast;
pub mod factory;
pub mod math;
pub mod view;
