//! Sizes, dtypes and argument checks that rows of several families share.

pub mod attention;
pub mod checks;
pub mod conv;
pub mod dims;
pub mod distance;
pub mod factory;
pub mod fft;
pub mod index;
pub mod join;
pub mod key;
pub mod linalg;
pub mod lines;
pub mod loss;
pub mod matrix;
pub mod neural;
pub mod norm;
pub mod pool;
pub mod random;
pub mod ranges;
pub mod read;
pub mod recurrent;
pub mod reduce;
pub mod replace;
pub mod resample;
pub mod sequence;
pub mod view;
