//! PyTorch's CPU random numbers, bit for bit: a seed gives a tutorial's own numbers.
//!
//! The stream is drawn in order, whatever the number of threads; transformations of it run in parallel. Elements are
//! filled in the order of memory. Complex operands are filled as their real and imaginary parts.

mod binomial;
mod box_muller;
mod continuous;
mod discrete;
mod fill;
mod gamma;
mod generator;

pub use binomial::binomial;
pub use continuous::{cauchy, exponential, geometric, log_normal, normal, uniform};
pub use discrete::{bernoulli_scalar, bernoulli_tensor, multinomial, poisson, random_from_to, random_full, randperm};
pub use gamma::standard_gamma;
pub use generator::{Generator, STATE_BYTES};
