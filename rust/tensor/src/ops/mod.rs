//! The op table, a file a family. Each row is the only declaration of its operator.
//!
//! The rows' Rust functions are all reachable here: `ops::exp(x)`, with every argument `ops::sum_dim_with(x, dim, …)`.

pub mod activation;
pub mod binary;
pub mod cast;
pub mod compare;
pub mod factory;
pub mod query;
pub mod unary;
pub mod view;

#[allow(ambiguous_glob_reexports)]
pub use {activation::*, binary::*, cast::*, compare::*, factory::*, query::*, unary::*, view::*};
