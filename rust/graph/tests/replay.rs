//! Gradients of replayed operators: their values, what stands apart, and further orders.

use corten_graph::engine::{Options, run};
use corten_graph::node::edge_of;
use corten_graph::rules::replay::replay;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::factory::require_grad;
use corten_tensor::rules::read;
use corten_tensor::value::Value;
use corten_tensor::{DType, Device, Tensor};

fn leaf(value: f64) -> Tensor {
    corten_graph::activate();
    let x = Tensor::empty(&[], DType::F64, Device::CPU).unwrap();
    ops::fill_(&x, value).get().unwrap();
    require_grad(&x, true).unwrap();
    x
}

fn number(x: &T) -> f64 {
    read::item(&x.clone().tensor().unwrap()).unwrap().to_f64()
}

fn gradient(y: &T, x: &Tensor) -> T {
    let y = y.clone().tensor().unwrap();
    let seed = ops::ones_like(&y).tensor().unwrap();
    let targets = [edge_of(x).unwrap()];
    let options = Options { retain_graph: true, create_graph: true, targets: Some(&targets) };
    run(vec![(edge_of(&y).unwrap(), seed)], options).unwrap().remove(0).unwrap().into()
}

/// Two results: x y² and exp(x).
fn compute(from: &[T]) -> corten_tensor::Result<Vec<T>> {
    Ok(vec![&from[0] * &from[1] * &from[1], ops::exp(&from[0])])
}

#[test]
fn equal_inputs_have_gradients_of_their_own_and_further_orders() {
    let (x, g, g1) = (leaf(3.0), leaf(2.0), leaf(1.0));
    let (input, g, g1) = (T::from(&x), T::from(&g), T::from(&g1));
    let found = replay(&[&input, &input], &[&g, &g1], &[true, false], compute).unwrap();
    assert_eq!((number(&found[0]), number(&found[1])), (18.0, 36.0));
    // By x: 2 g y² has the slope 4 g y = 2 · 2 · 3 where both are x; the second result did not count.
    assert_eq!(number(&gradient(&found[0], &x)), 12.0);
    assert_eq!(number(&gradient(&found[1], &x)), 24.0);
    assert_eq!(number(&gradient(&found[1], &g.tensor().unwrap())), 18.0);
    assert_eq!(number(&gradient(&gradient(&found[1], &x), &x)), 8.0);
}

#[test]
fn what_takes_no_gradient_gets_none() {
    let (x, g) = (leaf(0.0), T::from(leaf(2.0)));
    let (input, fixed, absent) = (T::from(&x), T::from(x.detached()), T::value(Value::None));
    let found = replay(&[&fixed, &input, &absent], &[&g, &g], &[true, true], compute).unwrap();
    assert_eq!(found.iter().map(T::is_none).collect::<Vec<_>>(), [true, false, true]);
    let none = replay(&[&input, &input], &[&g, &g], &[false, false], compute).unwrap();
    assert!(none.iter().all(T::is_none));
    let error = replay(&[&input, &input], &[&g], &[true], compute).err().unwrap();
    assert!(error.message().contains("1 gradients for 2 results"), "{error}");
}
