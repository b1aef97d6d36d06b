//! What the tests of the rows share.
#![allow(dead_code)]

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::read;
use corten_tensor::{DType, Scalar, Tensor};

/// A float32 tensor of these values and sizes.
pub fn floats(values: &[f64], sizes: &[i64]) -> Tensor {
    typed(values, sizes, DType::F32)
}

/// A tensor of these values and sizes.
pub fn typed(values: &[f64], sizes: &[i64], dtype: DType) -> Tensor {
    let out = Tensor::empty(&[values.len() as i64], dtype, corten_tensor::Device::CPU).unwrap();
    for (i, &value) in values.iter().enumerate() {
        ops::fill_(ops::select(&out, 0, i), value).get().unwrap();
    }
    ops::view(out, sizes).tensor().unwrap()
}

/// Every value of a result, as doubles.
pub fn values(result: T) -> Vec<f64> {
    read::scalars(&result.tensor().unwrap()).unwrap().into_iter().map(Scalar::to_f64).collect()
}

/// The message of a failed result.
pub fn message(result: T) -> String {
    match result.get() {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.message().to_string(),
    }
}
