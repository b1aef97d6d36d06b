//! Elementwise rows: values, promotion and messages as PyTorch gives them.

mod common;

use common::{floats, message, typed, values};
use corten_tensor::ops::all as ops;
use corten_tensor::{DType, Scalar, Tensor};

fn dtype(result: corten_tensor::lazy::T) -> DType {
    result.tensor().unwrap().dtype()
}

#[test]
fn numbers_are_weak() {
    let x = typed(&[1.0, 2.0], &[2], DType::I64);
    assert_eq!(dtype(ops::add(&x, 1)), DType::I64);
    assert_eq!(dtype(ops::add(&x, 1.5)), DType::F32);
    assert_eq!(dtype(ops::div(&x, 2)), DType::F32);
    assert_eq!(dtype(ops::floor_divide(&x, 2)), DType::I64);
    assert_eq!(dtype(ops::exp(&x)), DType::F32);
    assert_eq!(dtype(ops::eq(&x, 1)), DType::Bool);
    assert_eq!(dtype(ops::floor(&x)), DType::I64);
    assert_eq!(dtype(ops::float_power(&x, 2)), DType::F64);
    assert_eq!(dtype(ops::abs(typed(&[1.0], &[1], DType::C64))), DType::F32);
    assert_eq!(dtype(ops::complex(floats(&[1.0], &[1]), floats(&[2.0], &[1]))), DType::C64);
    assert_eq!(dtype(ops::where_(typed(&[1.0], &[1], DType::Bool), 1, 2.0)), DType::F32);
}

#[test]
fn rounding() {
    let (x, y) = (floats(&[-7.0, 7.0], &[2]), floats(&[2.0, -2.0], &[2]));
    assert_eq!(values(ops::div_mode_with(&x, &y, "floor")), [-4.0, -4.0]);
    assert_eq!(values(ops::div_mode_with(&x, &y, "trunc")), [-3.0, -3.0]);
    assert_eq!(values(ops::remainder(&x, &y)), [1.0, -1.0]);
    assert_eq!(values(ops::fmod(&x, &y)), [-1.0, 1.0]);
    assert_eq!(values(ops::round_decimals_with(floats(&[1.25, 1.35], &[2]), 0)), [1.0, 1.0]);
    assert_eq!(values(ops::round_decimals_with(floats(&[123.0], &[1]), -1)), [120.0]);
    assert!(message(ops::div_mode_with(&x, &y, "up")).contains("but found 'up'"));
}

#[test]
fn limits() {
    let x = floats(&[-2.0, 0.5, 2.0], &[3]);
    assert_eq!(values(ops::clamp_with(&x, -1, 1)), [-1.0, 0.5, 1.0]);
    assert_eq!(values(ops::clamp_with(&x, None::<f64>, 1)), [-2.0, 0.5, 1.0]);
    assert_eq!(values(ops::clamp_min(&x, 0)), [0.0, 0.5, 2.0]);
    assert_eq!(values(ops::clamp_max(&x, 0)), [-2.0, 0.0, 0.0]);
    assert_eq!(values(ops::hardtanh(&x)), [-1.0, 0.5, 1.0]);
    assert!(message(ops::clamp(&x)).contains("At least one of 'min' or 'max' must not be None"));
}

#[test]
fn sums_with_alpha() {
    let (x, y) = (floats(&[1.0, 2.0], &[2]), floats(&[10.0, 20.0], &[2]));
    assert_eq!(values(ops::add_with(&x, &y, 2)), [21.0, 42.0]);
    assert_eq!(values(ops::rsub_with(&x, &y, 2)), [8.0, 16.0]);
    assert_eq!(values(ops::rsub_scalar(&x, 1)), [0.0, -1.0]);
    assert_eq!(values(ops::addcmul_with(&x, &y, &y, 2)), [201.0, 802.0]);
    assert_eq!(values(ops::lerp(&x, &y, 0.5)), [5.5, 11.0]);
    let ints = typed(&[1.0], &[1], DType::I64);
    assert!(message(ops::add_with(&ints, &ints, 1.5)).contains("argument alpha must not be a floating point number"));
}

#[test]
fn bool_has_no_sign() {
    let mask = typed(&[1.0, 0.0], &[2], DType::Bool);
    assert!(message(ops::neg(&mask)).starts_with("Negation, the `-` operator, on a bool tensor is not supported."));
    assert!(message(ops::sub(&mask, &mask)).starts_with("Subtraction, the `-` operator, with two bool tensors"));
    assert!(
        message(ops::sub(floats(&[1.0], &[1]), true)).starts_with("Subtraction, the `-` operator, with a bool tensor")
    );
    assert_eq!(values(ops::bitwise_not(&mask)), [0.0, 1.0]);
    assert_eq!(dtype(ops::square(&mask)), DType::I64);
}

#[test]
fn activations() {
    let x = floats(&[-1.0, 0.0, 2.0], &[3]);
    assert_eq!(values(ops::relu(&x)), [0.0, 0.0, 2.0]);
    assert_eq!(values(ops::leaky_relu_with(&x, 0.5)), [-0.5, 0.0, 2.0]);
    assert_eq!(values(ops::threshold(&x, 1, 7)), [7.0, 7.0, 2.0]);
    assert_eq!(values(ops::softshrink(&x)), [-0.5, 0.0, 1.5]);
    assert_eq!(values(ops::hardshrink(floats(&[-0.5, 0.6], &[2]))), [0.0, 0.6f32 as f64]);
    assert_eq!(values(ops::prelu(&x, floats(&[0.25], &[1]))), [-0.25, 0.0, 2.0]);
    assert_eq!(values(ops::threshold_backward(&x, &x, 0)), [0.0, 0.0, 2.0]);
    let elu = values(ops::elu_with(&x, 2, 3, 1));
    assert!((elu[0] - 6.0 * (-1.0f64).exp_m1()).abs() < 1e-6 && elu[2] == 6.0);
    let softplus = values(ops::softplus(floats(&[0.0, 30.0], &[2])));
    assert!((softplus[0] - 2.0f64.ln()).abs() < 1e-6 && softplus[1] == 30.0);
}

#[test]
fn questions() {
    let x = floats(&[1.0, f64::NAN, f64::INFINITY], &[3]);
    assert_eq!(values(ops::isclose_with(&x, &x, 1e-5, 1e-8, true)), [1.0, 1.0, 1.0]);
    assert_eq!(values(ops::isclose(&x, &x)), [1.0, 0.0, 1.0]);
    assert_eq!(values(ops::nan_to_num(&x)), [1.0, 0.0, f32::MAX as f64]);
    assert!(matches!(ops::equal(&x, &x).get(), Ok(corten_tensor::value::Value::Scalar(Scalar::Bool(false)))));
    assert!(message(ops::item(&x)).contains("a Tensor with 3 elements cannot be converted to Scalar"));
}

#[test]
fn broadcast_errors_name_the_sizes() {
    let error = message(ops::add(floats(&[1.0, 2.0], &[2]), floats(&[1.0, 2.0, 3.0], &[3])));
    assert_eq!(error, "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0");
    let meta = Tensor::empty(&[2, 3], DType::F32, corten_tensor::Device::META).unwrap();
    assert_eq!(ops::exp(&meta).tensor().unwrap().sizes(), [2, 3]);
}
