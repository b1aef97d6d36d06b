//! The op table, a file a family. Each row is the only declaration of its operator.

pub mod activation;
pub mod attention;
pub mod binary;
pub mod cast;
pub mod compare;
pub mod conv;
pub mod derived;
pub mod factory;
pub mod fft;
pub mod index;
pub mod join;
pub mod linalg;
pub mod loss;
pub mod matrix;
pub mod neural;
pub mod norm;
pub mod order;
pub mod pool;
pub mod query;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod resample;
pub mod sequence;
pub mod special;
pub mod unary;
pub mod view;

/// The Rust functions of all families: `exp(x)`, and with every argument `sum_dim_with(x, dim, …)`.
#[allow(ambiguous_glob_reexports)]
pub mod all {
    pub use super::activation::*;
    pub use super::attention::*;
    pub use super::binary::*;
    pub use super::cast::*;
    pub use super::compare::*;
    pub use super::conv::*;
    pub use super::derived::*;
    pub use super::factory::*;
    pub use super::fft::*;
    pub use super::index::*;
    pub use super::join::*;
    pub use super::linalg::*;
    pub use super::loss::*;
    pub use super::matrix::*;
    pub use super::neural::*;
    pub use super::norm::*;
    pub use super::order::*;
    pub use super::pool::*;
    pub use super::query::*;
    pub use super::random::*;
    pub use super::recurrent::*;
    pub use super::reduce::*;
    pub use super::resample::*;
    pub use super::sequence::*;
    pub use super::special::*;
    pub use super::unary::*;
    pub use super::view::*;
}
