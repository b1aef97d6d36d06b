//! Convolutions over one to three spatial dimensions.

use super::all::*;
use crate::lazy::T;
use crate::rules::conv::{self, Settings};
use crate::{Result, Tensor, fail};
use corten_tables::ops;

ops! { family = conv;

/// The convolution of (N, C, *S), plain or transposed, with one number a spatial dimension for each setting.
convolution(input: Tensor, weight: Tensor, bias: Tensor?, stride: Sizes, padding: Sizes, dilation: Sizes, transposed: bool, output_padding: Sizes, groups: int) -> Tensor { meta: conv::meta(input, weight, bias, Settings { stride, padding, dilation, transposed, output_padding, groups }); kernel: conv::run(input, weight, bias, Settings { stride, padding, dilation, transposed, output_padding, groups }, &outs[0]); forms: fn; domain: conv(2) }
/// The gradient of `convolution`'s input.
convolution_backward_input(grad_output: Tensor, weight: Tensor, input_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, transposed: bool, output_padding: Sizes, groups: int) -> Tensor { meta: conv::gradient_meta(grad_output, weight, input_size, Settings { stride, padding, dilation, transposed, output_padding, groups }); kernel: conv::input_gradient(grad_output, weight, Settings { stride, padding, dilation, transposed, output_padding, groups }, &outs[0]); check: none }
/// The gradient of `convolution`'s weight.
convolution_backward_weight(grad_output: Tensor, input: Tensor, weight_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, transposed: bool, output_padding: Sizes, groups: int) -> Tensor { meta: conv::gradient_meta(grad_output, input, weight_size, Settings { stride, padding, dilation, transposed, output_padding, groups }); kernel: conv::weight_gradient(grad_output, input, Settings { stride, padding, dilation, transposed, output_padding, groups }, &outs[0]); check: none }

/// Cross-correlation of (N, C, L) or (C, L) with `weight`, plus `bias`.
conv1d(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints1 = 1, padding: Ints1 = 0, dilation: Ints1 = 1, groups: int = 1) -> Tensor { composite: convolve("conv1d", input, weight, bias, stride, padding, dilation, groups); forms: fn; domain: conv(1) }
/// The same with a padding by name: `valid` (none) or `same` (the input's size).
conv1d.padding(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints1 = 1, padding: str = "valid", dilation: Ints1 = 1, groups: int = 1) -> Tensor { composite: named("conv1d", input, weight, bias, stride, padding, dilation, groups); forms: fn; domain: conv(1) }
/// Cross-correlation of (N, C, H, W) or (C, H, W) with `weight`, plus `bias`.
conv2d(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints2 = 1, padding: Ints2 = 0, dilation: Ints2 = 1, groups: int = 1) -> Tensor { composite: convolve("conv2d", input, weight, bias, stride, padding, dilation, groups); forms: fn; domain: conv(2) }
/// The same with a padding by name: `valid` (none) or `same` (the input's size).
conv2d.padding(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints2 = 1, padding: str = "valid", dilation: Ints2 = 1, groups: int = 1) -> Tensor { composite: named("conv2d", input, weight, bias, stride, padding, dilation, groups); forms: fn; domain: conv(2) }
/// Cross-correlation of (N, C, D, H, W) or (C, D, H, W) with `weight`, plus `bias`.
conv3d(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints3 = 1, padding: Ints3 = 0, dilation: Ints3 = 1, groups: int = 1) -> Tensor { composite: convolve("conv3d", input, weight, bias, stride, padding, dilation, groups); forms: fn; domain: conv(3) }
/// The same with a padding by name: `valid` (none) or `same` (the input's size).
conv3d.padding(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints3 = 1, padding: str = "valid", dilation: Ints3 = 1, groups: int = 1) -> Tensor { composite: named("conv3d", input, weight, bias, stride, padding, dilation, groups); forms: fn; domain: conv(3) }
/// Transposed convolution of (N, C, L) or (C, L): the gradient of `conv1d`.
conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints1 = 1, padding: Ints1 = 0, output_padding: Ints1 = 0, groups: int = 1, dilation: Ints1 = 1) -> Tensor { composite: transposed("conv_transpose1d", input, weight, bias, [stride, padding, dilation, output_padding], groups); forms: fn; domain: conv(1) }
/// Transposed convolution of (N, C, H, W) or (C, H, W): the gradient of `conv2d`.
conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints2 = 1, padding: Ints2 = 0, output_padding: Ints2 = 0, groups: int = 1, dilation: Ints2 = 1) -> Tensor { composite: transposed("conv_transpose2d", input, weight, bias, [stride, padding, dilation, output_padding], groups); forms: fn; domain: conv(2) }
/// Transposed convolution of (N, C, D, H, W) or (C, D, H, W): the gradient of `conv3d`.
conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor?, stride: Ints3 = 1, padding: Ints3 = 0, output_padding: Ints3 = 0, groups: int = 1, dilation: Ints3 = 1) -> Tensor { composite: transposed("conv_transpose3d", input, weight, bias, [stride, padding, dilation, output_padding], groups); forms: fn; domain: conv(3) }

}

/// Applies `run` to a batch; an input without a batch dimension is a batch of one.
fn batched(name: &str, input: &Tensor, spatial: usize, run: impl FnOnce(T) -> T) -> Result<T> {
    match input.ndim() {
        n if n == spatial + 2 => Ok(run(T::from(input))),
        n if n == spatial + 1 => Ok(squeeze_dim(run(unsqueeze(input, 0)), [0])),
        _ => fail!(
            Runtime,
            "Expected {}D (unbatched) or {}D (batched) input to {name}, but got input of size: {}",
            spatial + 1,
            spatial + 2,
            crate::text::sizes(input.sizes())
        ),
    }
}

fn convolve(
    name: &str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    groups: i64,
) -> Result<T> {
    let none = vec![0; stride.len()];
    batched(name, input, stride.len(), |x| {
        convolution_with(x, weight, bias, stride, padding, dilation, false, none, groups)
    })
}

fn named(
    name: &str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &str,
    dilation: &[i64],
    groups: i64,
) -> Result<T> {
    let spatial = stride.len();
    let zero = vec![0; spatial];
    match padding {
        "valid" => return convolve(name, input, weight, bias, stride, &zero, dilation, groups),
        "same" if stride.iter().any(|&n| n != 1) => {
            fail!(Runtime, "padding='same' is not supported for strided convolutions")
        }
        "same" if weight.ndim() == spatial + 2 => {}
        "same" => fail!(Runtime, "{name}: expected a weight of {} dimensions, got {}", spatial + 2, weight.ndim()),
        _ => fail!(Runtime, "Invalid padding string: '{padding}'"),
    }
    let totals = dilation.iter().zip(&weight.sizes()[2..]).map(|(&d, &k)| d.saturating_mul(k - 1));
    let totals: Vec<i64> = totals.collect();
    let half: Vec<i64> = totals.iter().map(|n| n / 2).collect();
    if totals.iter().all(|n| n % 2 == 0) {
        return convolve(name, input, weight, bias, stride, &half, dilation, groups);
    }
    // What is odd goes behind the last element.
    let rest: Vec<i64> = totals.iter().rev().flat_map(|n| [0, n % 2]).collect();
    let padded = constant_pad_nd(input, rest).tensor()?;
    convolve(name, &padded, weight, bias, stride, &half, dilation, groups)
}

fn transposed(
    name: &str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    [stride, padding, dilation, output_padding]: [&[i64]; 4],
    groups: i64,
) -> Result<T> {
    batched(name, input, stride.len(), |x| {
        convolution_with(x, weight, bias, stride, padding, dilation, true, output_padding, groups)
    })
}
