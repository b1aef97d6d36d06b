//! The op table, a file a family. Each row is the only declaration of its operator.

pub mod cast;
pub mod factory;
pub mod math;
pub mod view;

/// The Rust functions of all families.
#[allow(ambiguous_glob_reexports)]
pub mod all {
    pub use super::cast::*;
    pub use super::factory::*;
    pub use super::math::*;
    pub use super::view::*;
}
