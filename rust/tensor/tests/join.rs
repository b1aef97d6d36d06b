//! Joining and moving elements: values, sizes and messages as PyTorch gives them.

mod common;

use common::{floats, message, typed, values};
use corten_tensor::ops::all as ops;
use corten_tensor::{DType, Device, Tensor};

fn row() -> Tensor {
    floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[2, 3])
}

#[test]
fn joins() {
    let ints = typed(&[7.0, 8.0, 9.0], &[1, 3], DType::I64);
    let joined = ops::cat(vec![row(), ints.clone()]).tensor().unwrap();
    assert_eq!((joined.sizes(), joined.dtype()), (&[3, 3][..], DType::F32));
    assert_eq!(
        values(ops::cat_with(vec![row(), row()], 1)),
        [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 3.0, 4.0, 5.0]
    );
    let empty = Tensor::empty(&[0], DType::F32, Device::CPU).unwrap();
    assert_eq!(ops::cat(vec![empty, row()]).tensor().unwrap().sizes(), [2, 3]);
    assert_eq!(ops::stack_with(vec![row(), row()], -1).tensor().unwrap().sizes(), [2, 3, 2]);
    assert_eq!(
        message(ops::cat_with(vec![row(), ints], 1)),
        "Sizes of tensors must match except in dimension 1. Expected size 2 but got size 1 for tensor number 1 in the list."
    );
}

#[test]
fn moves() {
    assert_eq!(values(ops::flip(row(), [0, 1])), [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
    assert_eq!(values(ops::roll_with(row(), [1], [1])), [2.0, 0.0, 1.0, 5.0, 3.0, 4.0]);
    assert_eq!(values(ops::roll(row(), [2])), [4.0, 5.0, 0.0, 1.0, 2.0, 3.0]);
    assert_eq!(values(ops::roll_with(row(), [1, -1], [1, 0])), [5.0, 3.0, 4.0, 2.0, 0.0, 1.0]);
    assert_eq!(values(ops::repeat(row(), [1, 2])), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 3.0, 4.0, 5.0]);
    assert_eq!(ops::repeat(row(), [2, 1, 3]).tensor().unwrap().sizes(), [2, 2, 9]);
    assert_eq!(ops::tile(row(), [2]).tensor().unwrap().sizes(), [2, 6]);
    assert_eq!(values(ops::tril(row())), [0.0, 0.0, 0.0, 3.0, 4.0, 0.0]);
    assert_eq!(values(ops::triu_with(row(), 1)), [0.0, 1.0, 2.0, 0.0, 0.0, 5.0]);
    assert_eq!(ops::movedim(row(), [0], [1]).tensor().unwrap().sizes(), [3, 2]);
    assert_eq!(ops::unflatten(row(), 1, [-1, 1]).tensor().unwrap().sizes(), [2, 3, 1]);
}

#[test]
fn borders_and_diagonals() {
    assert_eq!(values(ops::constant_pad_nd_with(row(), [1, -1], 9)), [9.0, 0.0, 1.0, 9.0, 3.0, 4.0]);
    assert_eq!(values(ops::diag(floats(&[1.0, 2.0], &[2]))), [1.0, 0.0, 0.0, 2.0]);
    assert_eq!(values(ops::diag_with(row(), 1)), [1.0, 5.0]);
    assert_eq!(values(ops::trace(row())), [4.0]);
    assert_eq!(ops::diag_embed_with(row(), -1, 0, 2).tensor().unwrap().sizes(), [4, 2, 4]);
    assert_eq!(values(ops::select_scatter(row(), floats(&[8.0, 9.0], &[2]), 1, 0)), [8.0, 1.0, 2.0, 9.0, 4.0, 5.0]);
}
