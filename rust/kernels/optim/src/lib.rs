//! Optimizer steps over many parameters at once, with torch.optim's formulas in their single-tensor order of operations.
//!
//! A parameter, its gradient and its state have one dtype (halves compute in float32) and one shape, and share no memory.

mod engine;
mod rules;

pub use rules::{
    Adadelta, AdadeltaParam, Adagrad, AdagradParam, Adam, AdamParam, Rmsprop, RmspropParam, Sgd, SgdParam, adadelta,
    adagrad, adam, rmsprop, sgd,
};
