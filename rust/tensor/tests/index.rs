//! Indexing: keys, index tensors and masks, with values, sizes and messages as PyTorch gives them.

mod common;

use common::{floats, message, typed, values};
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::{IndexItem, IndexItem::*, Value};
use corten_tensor::{DType, Tensor};

fn counting(sizes: &[i64]) -> Tensor {
    let count: i64 = sizes.iter().product();
    floats(&(0..count).map(|i| i as f64).collect::<Vec<_>>(), sizes)
}

fn key(items: &[IndexItem]) -> Value {
    Value::Key(items.into())
}

fn get(x: &Tensor, items: &[IndexItem]) -> T {
    ops::index(x, key(items))
}

fn sizes(x: &Tensor, items: &[IndexItem]) -> Vec<i64> {
    get(x, items).tensor().unwrap().sizes().to_vec()
}

fn ints(values: &[f64]) -> IndexItem {
    IndexItem::Tensor(typed(values, &[values.len() as i64], DType::I64))
}

const ALL: IndexItem = Slice(None, None, None);

#[test]
fn basic_keys_are_views() {
    let x = counting(&[2, 3, 4]);
    let view = get(&x, &[Int(1), ALL, Slice(None, None, Some(-2))]).tensor().unwrap();
    assert!(view.core().shares_storage(x.core()));
    assert_eq!(values(view.into()), [15.0, 13.0, 19.0, 17.0, 23.0, 21.0]);
    assert_eq!(sizes(&x, &[Ellipsis, NewAxis, Int(-1)]), [2, 3, 1]);
    assert_eq!(sizes(&x, &[Slice(Some(1), Some(100), None)]), [1, 3, 4]);
    assert_eq!(sizes(&x, &[Bool(true)]), [1, 2, 3, 4]);
    assert_eq!(sizes(&x, &[Bool(false)]), [0, 2, 3, 4]);
    assert_eq!(message(get(&counting(&[3]), &[Int(0), Int(0)])), "too many indices for tensor of dimension 1");
    assert_eq!(message(get(&counting(&[3]), &[Int(5)])), "index 5 is out of bounds for dimension 0 with size 3");
    assert_eq!(message(get(&x, &[Slice(None, None, Some(0))])), "slice step cannot be zero");
}

#[test]
fn tensors_choose_elements() {
    let x = counting(&[3, 4]);
    assert_eq!(values(get(&x, &[ints(&[2.0, 0.0])])), [8.0, 9.0, 10.0, 11.0, 0.0, 1.0, 2.0, 3.0]);
    assert_eq!(values(get(&x, &[ints(&[2.0, 0.0]), ints(&[-1.0, 1.0])])), [11.0, 1.0]);
    assert_eq!(values(get(&x, &[ALL, ints(&[1.0])])), [1.0, 5.0, 9.0]);
    let y = counting(&[2, 3, 4, 5]);
    assert_eq!(sizes(&y, &[ALL, ints(&[0.0, 1.0]), ints(&[0.0, 1.0])]), [2, 2, 5]);
    assert_eq!(sizes(&y, &[ints(&[0.0, 1.0]), ALL, ints(&[0.0, 1.0])]), [2, 3, 5]);
    assert_eq!(sizes(&y, &[ALL, ints(&[0.0, 1.0, 1.0]), ALL, ints(&[0.0, 1.0, 2.0])]), [3, 2, 4]);
    let mask = ops::gt(&x, 8).tensor().unwrap();
    assert_eq!(values(get(&x, &[IndexItem::Tensor(mask)])), [9.0, 10.0, 11.0]);
    let short = typed(&[1.0, 0.0], &[2], DType::Bool);
    assert_eq!(
        message(get(&x, &[IndexItem::Tensor(short)])),
        "The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [3, 4] at index 0"
    );
    assert_eq!(message(get(&x, &[ints(&[3.0])])), "index 3 is out of bounds for dimension 0 with size 3");
}

#[test]
fn assignment() {
    let x = counting(&[2, 3]);
    ops::index_put__with(&x, key(&[ALL, Int(1)]), 9, false).get().unwrap();
    assert_eq!(values(T::from(&x)), [0.0, 9.0, 2.0, 3.0, 9.0, 5.0]);
    ops::index_put__with(&x, key(&[Int(0)]), floats(&[7.0], &[1, 1]), false).get().unwrap();
    assert_eq!(values(T::from(&x)), [7.0, 7.0, 7.0, 3.0, 9.0, 5.0]);
    let mask = ops::eq(&x, 7).tensor().unwrap();
    ops::index_put__with(&x, key(&[IndexItem::Tensor(mask)]), 0, false).get().unwrap();
    assert_eq!(values(T::from(&x)), [0.0, 0.0, 0.0, 3.0, 9.0, 5.0]);
    let before = x.core().version();
    ops::index_put__with(&x, key(&[ALL, ints(&[0.0, 0.0])]), 1, true).get().unwrap();
    assert_eq!(values(T::from(&x)), [2.0, 0.0, 0.0, 5.0, 9.0, 5.0]);
    assert!(x.core().version() > before);
    let wrong = ops::index_put__with(&x, key(&[ints(&[0.0, 1.0])]), floats(&[1.0, 2.0], &[2]), false);
    assert_eq!(
        message(wrong),
        "shape mismatch: value tensor of shape [2] cannot be broadcast to indexing result of shape [2, 3]"
    );
}

#[test]
fn along_a_dimension() {
    let x = counting(&[2, 3]);
    let index = typed(&[1.0, 0.0], &[2, 1], DType::I64);
    assert_eq!(values(ops::gather(&x, 1, &index)), [1.0, 3.0]);
    assert_eq!(values(ops::scatter_value(&x, 1, &index, 9)), [0.0, 9.0, 2.0, 9.0, 4.0, 5.0]);
    let row = typed(&[0.0, 0.0], &[2], DType::I64);
    assert_eq!(values(ops::index_select(&x, 1, &row)), [0.0, 0.0, 3.0, 3.0]);
    assert_eq!(values(ops::index_add(&x, 0, &row, &x)), [3.0, 6.0, 9.0, 3.0, 4.0, 5.0]);
    assert_eq!(
        values(ops::scatter_reduce_with(&x, 1, &index, floats(&[9.0, 9.0], &[2, 1]), "amax", false)),
        [0.0, 9.0, 2.0, 9.0, 4.0, 5.0]
    );
    assert_eq!(values(ops::take(&x, typed(&[5.0, -6.0], &[2], DType::I64))), [5.0, 0.0]);
    assert_eq!(values(ops::masked_select(&x, ops::gt(&x, 3))), [4.0, 5.0]);
    assert_eq!(values(ops::nonzero(ops::gt(&x, 3))), [1.0, 1.0, 1.0, 2.0]);
    assert_eq!(
        values(ops::take_along_dim_with(&x, ops::argsort_with(&x, 1, true, false), 1)),
        [2.0, 1.0, 0.0, 5.0, 4.0, 3.0]
    );
}

#[test]
fn order() {
    let x = floats(&[3.0, 1.0, 2.0, 6.0, 5.0, 4.0], &[2, 3]);
    assert_eq!(values(ops::max_dim(&x, 1).pick(1)), [0.0, 0.0]);
    assert_eq!(values(ops::argmin(&x)), [1.0]);
    assert_eq!(values(ops::sort(&x).pick(0)), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(values(ops::topk(&x, 2).pick(1)), [0.0, 2.0, 0.0, 1.0]);
    assert_eq!(values(ops::median(&x)), [3.0]);
    assert_eq!(values(ops::cumsum(&x, 1)), [3.0, 4.0, 6.0, 6.0, 11.0, 15.0]);
    let soft = values(ops::sum_dim_with(ops::softmax(&x, 1), [1], false, Value::None));
    assert!(soft.iter().all(|s| (s - 1.0).abs() < 1e-6));
    assert!(message(ops::topk(&x, 4)).contains("selected index k out of range"));
    assert_eq!(values(ops::sort(floats(&[2.0], &[])).pick(1)), [0.0]);
}
