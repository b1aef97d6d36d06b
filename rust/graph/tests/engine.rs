//! The engine over real operators: values, orders, freeing, views and in-place changes.

use corten_graph::engine::{Options, run};
use corten_graph::node::edge_of;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::factory::require_grad;
use corten_tensor::{DType, Device, Result, Tensor};

fn leaf(value: f64) -> Tensor {
    corten_graph::activate();
    let x = Tensor::empty(&[2], DType::F64, Device::CPU).unwrap();
    ops::fill_(&x, value).get().unwrap();
    require_grad(&x, true).unwrap();
    x
}

fn first(x: &Tensor) -> f64 {
    let core = x.core();
    let operand = core.operand().unwrap();
    // SAFETY: the tensor has at least one float64 element.
    unsafe { operand.ptr().cast::<f64>().read() }
}

fn backward(y: T, retain: bool) -> Result<()> {
    let y = y.tensor()?;
    let seed = ops::ones_like(&y).tensor()?;
    let options = Options { retain_graph: retain, create_graph: false, targets: None };
    run(vec![(edge_of(&y).expect("recorded"), seed)], options).map(|_| ())
}

fn grad(y: &T, x: &Tensor, create_graph: bool) -> Tensor {
    let y = y.clone().tensor().unwrap();
    let seed = ops::ones_like(&y).tensor().unwrap();
    let targets = [edge_of(x).unwrap()];
    let options = Options { retain_graph: create_graph, create_graph, targets: Some(&targets) };
    run(vec![(edge_of(&y).unwrap(), seed)], options).unwrap().remove(0).unwrap()
}

#[test]
fn gradients_accumulate_in_leaves() {
    let x = leaf(3.0);
    let y = ops::mul(&x, &x) + ops::mul(&x, 2.0);
    backward(y, false).unwrap();
    assert_eq!(first(&x.grad().unwrap()), 8.0);
    backward(ops::exp(&x), false).unwrap();
    assert!((first(&x.grad().unwrap()) - (8.0 + 3f64.exp())).abs() < 1e-12);
}

#[test]
fn a_second_pass_is_refused_unless_the_graph_is_kept() {
    let x = leaf(3.0);
    let y = ops::mul(&x, &x);
    backward(y.clone(), true).unwrap();
    backward(y.clone(), false).unwrap();
    let error = backward(y, false).unwrap_err();
    assert!(error.message().contains("second time"), "{error}");
}

#[test]
fn higher_orders_come_from_the_same_rows() {
    let x = leaf(2.0);
    let y = ops::pow(&x, 4);
    let first_order = T::from(grad(&y, &x, true));
    let second_order = T::from(grad(&first_order, &x, true));
    assert_eq!(first(&first_order.tensor().unwrap()), 32.0);
    assert_eq!(first(&second_order.clone().tensor().unwrap()), 48.0);
    assert_eq!(first(&grad(&second_order, &x, false)), 48.0);
}

#[test]
fn a_saved_tensor_that_changed_is_refused() {
    let x = leaf(2.0);
    let y = T::from(ops::mul(&x, 1.0).tensor().unwrap());
    let z = ops::mul(&y, &y);
    ops::add_(&y, 1.0, 1i64).get().unwrap();
    let error = backward(z, false).unwrap_err();
    assert!(error.message().contains("modified by an inplace operation"), "{error}");
    assert!(error.message().contains("add_()"), "{error}");
}

#[test]
fn in_place_changes_of_views_reach_their_base() {
    let x = leaf(2.0);
    let base = T::from(ops::mul(&x, 3.0).tensor().unwrap());
    let view = T::from(ops::narrow(&base, 0i64, 0i64, 1i64).tensor().unwrap());
    let other = T::from(ops::narrow(&base, 0i64, 0i64, 1i64).tensor().unwrap());
    ops::mul_(&view, 10.0).get().unwrap();
    backward(ops::mul(&base, 1.0), true).unwrap();
    assert_eq!(first(&x.grad().unwrap()), 30.0);
    x.set_grad(None);
    backward(ops::mul(&other, 1.0), false).unwrap();
    assert_eq!(first(&x.grad().unwrap()), 30.0);
}

#[test]
fn a_leaf_is_not_changed_in_place() {
    let x = leaf(2.0);
    let error = ops::add_(&x, 1.0, 1i64).get().err().unwrap();
    assert!(error.message().contains("a leaf Variable that requires grad"), "{error}");
}

#[test]
fn a_million_nodes_build_run_and_are_freed() {
    let x = leaf(1.0);
    let mut y = ops::mul(&x, 1.0);
    for _ in 0..1_000_000 {
        y = ops::mul(y, 1.0);
    }
    backward(y, false).unwrap();
    assert_eq!(first(&x.grad().unwrap()), 1.0);
    let mut y = ops::add(&x, 1.0);
    for _ in 0..1_000_000 {
        y = ops::add(y, 1.0);
    }
    drop(y);
}
