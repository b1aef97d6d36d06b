//! Random numbers, convolutions, pooling, normalisation and losses: PyTorch's numbers, sizes and messages.

mod common;

use common::{floats, message, typed, values};
use corten_tensor::ops::all as ops;
use corten_tensor::rules::random::default_generator;
use corten_tensor::value::Value;
use corten_tensor::{DType, Tensor};

const NONE: Value = Value::None;

fn counting(sizes: &[i64]) -> Tensor {
    let count: i64 = sizes.iter().product();
    floats(&(0..count).map(|i| i as f64).collect::<Vec<_>>(), sizes)
}

fn near(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4)
}

#[test]
fn seeds_give_the_numbers_of_pytorch() {
    default_generator().lock().unwrap().manual_seed(0);
    assert!(near(&values(ops::rand([3])), &[0.4963, 0.7682, 0.0885]));
    default_generator().lock().unwrap().manual_seed(0);
    assert!(near(&values(ops::randn([3])), &[1.5410, -0.2934, -2.1788]));
    default_generator().lock().unwrap().manual_seed(0);
    assert_eq!(values(ops::randperm(5)), [4.0, 0.0, 1.0, 3.0, 2.0]);
    assert!(message(ops::randint(0, [2])).starts_with("random_ expects 'from' to be less than 'to'"));
}

#[test]
fn convolutions() {
    let (x, w) = (counting(&[1, 1, 3, 3]), counting(&[1, 1, 2, 2]));
    assert_eq!(values(ops::conv2d(&x, &w)), [19.0, 25.0, 37.0, 43.0]);
    let back = ops::conv_transpose2d(&x, &w).tensor().unwrap();
    assert_eq!(back.sizes(), [1, 1, 4, 4]);
    let same = ops::conv2d_padding_with(&x, &w, NONE, [1, 1], "same", [1, 1], 1).tensor().unwrap();
    assert_eq!(same.sizes(), [1, 1, 3, 3]);
    assert_eq!(ops::conv2d(counting(&[1, 3, 3]), &w).tensor().unwrap().sizes(), [1, 2, 2]);
    assert_eq!(
        message(ops::conv2d(counting(&[1, 2, 3, 3]), &w)),
        "Given groups=1, weight of size [1, 1, 2, 2], expected input[1, 2, 3, 3] to have 1 channels, but got 2 channels instead"
    );
}

#[test]
fn pooling() {
    let x = counting(&[1, 1, 4, 4]);
    let both = ops::max_pool2d_with_indices(&x, [2, 2]);
    assert_eq!(values(both.clone().pick(0)), [5.0, 7.0, 13.0, 15.0]);
    assert_eq!(values(both.pick(1)), [5.0, 7.0, 13.0, 15.0]);
    assert_eq!(values(ops::avg_pool2d(&x, [2, 2])), [2.5, 4.5, 10.5, 12.5]);
    assert_eq!(values(ops::adaptive_avg_pool2d(&x, [1, 1])), [7.5]);
    assert!(
        message(ops::max_pool2d_with(&x, [2, 2], [2, 2], [2, 2], [1, 1], false)).starts_with("pad should be at most")
    );
}

#[test]
fn normalisation() {
    let x = floats(&[1.0, 2.0, 3.0, 5.0], &[2, 2]);
    assert!(near(&values(ops::layer_norm(&x, [2])), &[-1.0, 1.0, -1.0, 1.0]));
    let (mean, var) = (floats(&[0.0, 0.0], &[2]), floats(&[1.0, 1.0], &[2]));
    let out = ops::batch_norm(&x, true, 0.1, 1e-5);
    assert!(near(&values(out), &[-1.0, -1.0, 1.0, 1.0]));
    ops::batch_norm_with(&x, NONE, NONE, &mean, &var, true, 0.1, 1e-5).get().unwrap();
    assert!(near(&values(ops::clone(&mean)), &[0.2, 0.35]));
    assert!(near(&values(ops::clone(&var)), &[1.1, 1.35]));
}

#[test]
fn losses() {
    let (x, target) = (floats(&[1.0, 2.0, 3.0, 5.0], &[2, 2]), typed(&[1.0, 0.0], &[2], DType::I64));
    let expected = ((1.0 + (-1f64).exp()).ln() + (1.0 + 2f64.exp()).ln()) / 2.0;
    assert!(near(&values(ops::cross_entropy_loss(&x, &target)), &[expected]));
    assert_eq!(values(ops::mse_loss(&x, ops::zeros_like(&x))), [39.0 / 4.0]);
    assert_eq!(values(ops::embedding(&x, &target)), [3.0, 5.0, 1.0, 2.0]);
    let far = typed(&[7.0], &[1], DType::I64);
    assert_eq!(message(ops::embedding(&x, far)), "index out of range in self");
}
