//! Reductions and matrix products: values, sizes, dtypes and messages as PyTorch gives them.

mod common;

use common::{floats, message, typed, values};
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{DType, Device, Tensor};

const NONE: Value = Value::None;

fn counting(sizes: &[i64]) -> Tensor {
    let count: i64 = sizes.iter().product();
    floats(&(0..count).map(|i| i as f64).collect::<Vec<_>>(), sizes)
}

#[test]
fn sums() {
    let x = counting(&[2, 3]);
    assert_eq!(values(ops::sum(&x)), [15.0]);
    assert_eq!(values(ops::sum_dim_with(&x, [0], false, NONE)), [3.0, 5.0, 7.0]);
    assert_eq!(ops::sum_dim_with(&x, [1], true, NONE).tensor().unwrap().sizes(), [2, 1]);
    assert_eq!(values(ops::sum_dim_with(ops::t(&x), [-1], false, NONE)), [3.0, 5.0, 7.0]);
    let mask = typed(&[1.0, 1.0, 0.0], &[3], DType::Bool);
    assert_eq!(ops::sum(&mask).tensor().unwrap().dtype(), DType::I64);
    assert_eq!(values(ops::sum_with(&mask, DType::F64)), [2.0]);
    assert_eq!(values(ops::mean_dim_with(&x, [0], false, NONE)), [1.5, 2.5, 3.5]);
    assert_eq!(values(ops::prod(&x)), [0.0]);
    assert_eq!(values(ops::count_nonzero(&x)), [5.0]);
    assert!(message(ops::mean(typed(&[1.0], &[1], DType::I64))).ends_with("Got: Long"));
    assert!(message(ops::sum_dim_with(&x, [2], false, NONE)).contains("expected to be in range of [-2, 1], but got 2"));
}

#[test]
fn extremes_and_truth() {
    let x = counting(&[2, 3]);
    assert_eq!(values(ops::amax_with(&x, [1], false)), [2.0, 5.0]);
    assert_eq!(values(ops::amin(&x)), [0.0]);
    assert_eq!(values(ops::all_dim_with(&x, [0], false)), [0.0, 1.0, 1.0]);
    assert_eq!(values(ops::any(&x)), [1.0]);
    let empty = Tensor::empty(&[0, 3], DType::F32, Device::CPU).unwrap();
    assert_eq!(values(ops::sum(&empty)), [0.0]);
    assert_eq!(values(ops::all(&empty)), [1.0]);
    assert!(message(ops::amax(&empty)).starts_with("amax(): Expected reduction dim to be specified"));
    assert!(message(ops::amax_with(&empty, [0], false)).ends_with("dim 0 to have non-zero size."));
}

#[test]
fn spread_and_norms() {
    let x = floats(&[1.0, 2.0, 3.0, 4.0], &[2, 2]);
    assert!((values(ops::var(&x))[0] - 5.0 / 3.0).abs() < 1e-6);
    assert_eq!(values(ops::var_correction_with(&x, NONE, 0, false)), [1.25]);
    assert_eq!(values(ops::std_dim_with(&x, [0], false, false)), [1.0, 1.0]);
    let (var, mean) = (ops::var_mean(&x).pick(0), ops::var_mean(&x).pick(1));
    assert!((values(var)[0] - 5.0 / 3.0).abs() < 1e-6 && values(mean) == [2.5]);
    assert_eq!(values(ops::norm(floats(&[3.0, 4.0], &[2]))), [5.0]);
    assert_eq!(values(ops::linalg_vector_norm_with(&x, 1, [1], false, NONE)), [3.0, 7.0]);
    assert!((values(ops::logsumexp(&x, [1]))[0] - (1f64.exp() + 2f64.exp()).ln()).abs() < 1e-6);
}

#[test]
fn products() {
    let (a, b) = (counting(&[2, 3]), counting(&[3, 2]));
    assert_eq!(values(ops::mm(&a, &b)), [10.0, 13.0, 28.0, 40.0]);
    assert_eq!(values(ops::mm(&a, ops::t(&a))), [5.0, 14.0, 14.0, 50.0]);
    assert_eq!(values(ops::mv(&a, floats(&[1.0, 0.0, 2.0], &[3]))), [4.0, 13.0]);
    assert_eq!(values(ops::addmm_with(floats(&[1.0, 2.0], &[2]), &a, &b, 1, 1)), [11.0, 15.0, 29.0, 42.0]);
    assert_eq!(values(ops::addmm_with(floats(&[1.0, 2.0], &[2]), &a, &b, 2, 3)), [32.0, 43.0, 86.0, 124.0]);
    assert_eq!(values(ops::linear_with(&a, ops::t(&b), floats(&[1.0, 2.0], &[2]))), [11.0, 15.0, 29.0, 42.0]);
    assert_eq!(values(ops::outer(floats(&[1.0, 2.0], &[2]), floats(&[3.0, 4.0], &[2]))), [3.0, 4.0, 6.0, 8.0]);
    assert_eq!(values(ops::inner(&a, &a)), [5.0, 14.0, 14.0, 50.0]);
    let error = message(ops::mm(&a, &a));
    assert_eq!(error, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)");
    assert_eq!(
        message(ops::mm(&a, ops::double(&b))),
        "expected m1 and m2 to have the same dtype, but got: float != double"
    );
}

#[test]
fn matmul_by_dimensions() {
    let sizes = |a: &[i64], b: &[i64]| ops::matmul(counting(a), counting(b)).tensor().unwrap().sizes().to_vec();
    assert_eq!(sizes(&[3], &[3]), Vec::<i64>::new());
    assert_eq!(sizes(&[2, 3], &[3]), [2]);
    assert_eq!(sizes(&[3], &[3, 4]), [4]);
    assert_eq!(sizes(&[5, 2, 3], &[3]), [5, 2]);
    assert_eq!(sizes(&[5, 2, 3], &[3, 4]), [5, 2, 4]);
    assert_eq!(sizes(&[3], &[5, 3, 4]), [5, 4]);
    assert_eq!(sizes(&[2, 3], &[5, 3, 4]), [5, 2, 4]);
    assert_eq!(sizes(&[5, 1, 2, 3], &[7, 3, 4]), [5, 7, 2, 4]);
    assert_eq!(sizes(&[0, 2, 3], &[0, 3, 4]), [0, 2, 4]);
    let meta = Tensor::empty(&[6, 2, 3], DType::F32, Device::META).unwrap();
    assert!(ops::linear(&meta, ops::empty_like(counting(&[4, 3]))).get().is_err());
    let (x, w) = (counting(&[2, 2, 3]), counting(&[4, 3]));
    assert_eq!(values(ops::linear(&x, &w)), values(ops::matmul(&x, ops::t(&w))));
    assert_eq!(
        values(ops::linear(ops::transpose(&x, 0, 1), &w)),
        values(ops::matmul(ops::transpose(&x, 0, 1), ops::t(&w)))
    );
}
