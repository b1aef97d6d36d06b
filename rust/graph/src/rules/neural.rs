//! Gradients of convolutions, pooling, normalisation and activated products.
//!
//! Normalisation has a fused gradient; where the gradient itself is recorded, it is written out in rows instead, so that
//! every higher order follows.

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{Dims, Result, Scalar, fail, mode};

/// The settings of a convolution.
#[allow(missing_docs)]
pub struct Convolution<'a> {
    pub stride: &'a [i64],
    pub padding: &'a [i64],
    pub dilation: &'a [i64],
    pub transposed: bool,
    pub output_padding: &'a [i64],
    pub groups: i64,
}

impl Convolution<'_> {
    /// The convolution itself, without bias.
    pub fn forward(&self, x: &T, w: &T) -> T {
        ops::convolution_with(
            x,
            w,
            Value::None,
            self.stride,
            self.padding,
            self.dilation,
            self.transposed,
            self.output_padding,
            self.groups,
        )
    }
}

/// The sum over all but the channels: dimension 1, or dimension 0 of an input without batch.
pub fn channels(g: &T, bias: &Dims) -> Result<T> {
    let sizes = g.clone().tensor()?.dims();
    let channel = if sizes.get(1) == bias.first() || bias.is_empty() { 1 } else { 0 };
    let others: Dims = (0..sizes.len()).filter(|&d| d != channel).map(|d| d as i64).collect();
    Ok(ops::sum_dim_with(g, others, false, Value::None))
}

/// Of the gradient of max pooling: `g` read where the maxima were.
pub fn at_maxima(g: &T, indices: &corten_tensor::Tensor, spatial: i64) -> Result<T> {
    let sizes = indices.dims();
    let lead = sizes.len() - spatial as usize;
    let flat: Dims = sizes[..lead].iter().copied().chain([-1]).collect();
    let read = ops::gather(ops::reshape(g, flat.clone()), -1i64, ops::reshape(indices, flat));
    Ok(ops::reshape(read, sizes))
}

/// Of the gradient of average pooling: the averages of `g`.
pub fn averages(
    g: &T,
    kernel: &[i64],
    stride: &[i64],
    padding: &[i64],
    (ceil_mode, include): (bool, bool),
    divisor: Option<i64>,
) -> T {
    match kernel.len() {
        1 => ops::avg_pool1d_with(g, kernel, stride, padding, ceil_mode, include),
        2 => ops::avg_pool2d_with(g, kernel, stride, padding, ceil_mode, include, divisor),
        _ => ops::avg_pool3d_with(g, kernel, stride, padding, ceil_mode, include, divisor),
    }
}

/// Of the gradient of adaptive average pooling: the averages of `g`.
pub fn adaptive_averages(g: &T, pooled: &Dims, spatial: i64) -> T {
    let size = &pooled[pooled.len() - spatial as usize..];
    match spatial {
        1 => ops::adaptive_avg_pool1d(g, size),
        2 => ops::adaptive_avg_pool2d(g, size),
        _ => ops::adaptive_avg_pool3d(g, size),
    }
}

fn mean_of(x: &T, dims: &Dims) -> T {
    ops::mean_dim_with(x, dims, true, Value::None)
}

fn sum_of(x: T, dims: &Dims, keepdim: bool) -> T {
    ops::sum_dim_with(x, dims, keepdim, Value::None)
}

/// Of an input normalised over `dims`: with the gradient `g` of the normalised values, `normal`.
fn through_statistics(g: &T, normal: &T, rstd: &T, dims: &Dims) -> T {
    rstd * &(g - &mean_of(g, dims) - normal * &mean_of(&(g * normal), dims))
}

fn statistics(x: &T, dims: &Dims, eps: f64) -> (T, T) {
    let centred = x - &mean_of(x, dims);
    let rstd = ops::rsqrt(mean_of(&(&centred * &centred), dims) + eps);
    (centred * &rstd, rstd)
}

/// Of layer normalisation: input, weight, bias.
pub fn layer_norm(g: &T, x: &T, shape: &[i64], saved: [&T; 2], w: &T, eps: f64) -> Result<Vec<T>> {
    let none = || T::value(Value::None);
    if !mode::grad_enabled() {
        let all = ops::native_layer_norm_backward_with(g, x, shape, saved[0], saved[1], w);
        let grads = all.tensors()?;
        return Ok(grads.into_iter().map(T::from).collect());
    }
    let ndim = x.clone().tensor()?.ndim();
    let inner: Dims = (ndim - shape.len()..ndim).map(|d| d as i64).collect();
    let outer: Dims = (0..ndim - shape.len()).map(|d| d as i64).collect();
    let (normal, rstd) = statistics(x, &inner, eps);
    let gn = if w.is_none() { g.clone() } else { g * w };
    let over = |t: T| if outer.is_empty() { t } else { sum_of(t, &outer, false) };
    let weight = if w.is_none() { none() } else { over(g * &normal) };
    Ok(vec![through_statistics(&gn, &normal, &rstd, &inner), weight, over(g.clone())])
}

/// Of batch normalisation: input, weight, bias.
pub fn batch_norm(g: &T, x: &T, w: &T, [mean, rstd]: [&T; 2], training: bool, eps: f64) -> Result<Vec<T>> {
    if !mode::grad_enabled() {
        let all = ops::native_batch_norm_backward_with(g, x, w, mean, rstd, training).tensors()?;
        return Ok(all.into_iter().map(T::from).collect());
    }
    let sizes = x.clone().tensor()?.dims();
    let others: Dims = (0..sizes.len()).filter(|&d| d != 1).map(|d| d as i64).collect();
    let column: Dims = (0..sizes.len()).map(|d| if d == 1 { sizes[1] } else { 1 }).collect();
    let gn = if w.is_none() { g.clone() } else { g * &ops::reshape(w, &column) };
    let (normal, input) = if training {
        let (normal, rstd) = statistics(x, &others, eps);
        let input = through_statistics(&gn, &normal, &rstd, &others);
        (normal, input)
    } else {
        let fixed = |t: &T| ops::reshape(T::from(t.clone().tensor()?.detached()), &column).tensor();
        let (mean, rstd) = (T::from(fixed(mean)?), T::from(fixed(rstd)?));
        ((x - &mean) * &rstd, gn * rstd)
    };
    let weight = if w.is_none() { T::value(Value::None) } else { sum_of(g * &normal, &others, false) };
    Ok(vec![input, weight, sum_of(g.clone(), &others, false)])
}

/// Of dropout: scaled as what was kept.
pub fn kept(g: &T, mask: &T, p: f64, train: Option<bool>) -> T {
    let scale = match (train, p) {
        (Some(false), _) => 1.0,
        (_, 1.0) => 0.0,
        _ => 1.0 / (1.0 - p),
    };
    ops::mul(g * mask, scale)
}

/// Of the gradient of an embedding: the rows of `g`, none for the padding.
pub fn embedded(g: &T, indices: &corten_tensor::Tensor, padding_idx: i64, scale: bool) -> Result<T> {
    if scale {
        fail!(NotImplemented, "the second derivative of embedding with scale_grad_by_freq=True is not implemented");
    }
    let rows = ops::embedding(g, indices);
    let padded = ops::unsqueeze(ops::eq(indices, padding_idx), -1i64);
    Ok(if padding_idx < 0 { rows } else { ops::masked_fill(rows, padded, 0) })
}

/// The last two sizes: height and width.
pub fn plane(shape: &Dims) -> Dims {
    shape[shape.len() - 2..].into()
}

/// Of `_addmm_activation`: of `relu` by its result; the argument of `gelu` is computed again.
pub fn activated_product(g: &T, [x, a, b]: [&T; 3], [beta, alpha]: [Scalar; 2], gelu: bool, out: &T) -> Result<[T; 3]> {
    let g = if gelu {
        ops::gelu_backward(g, ops::addmm_with(x, a, b, beta, alpha))
    } else {
        ops::threshold_backward(g, out, 0)
    };
    let [left, right] = [ops::mm(&g, ops::t(b)), ops::mm(ops::t(a), &g)];
    Ok([ops::mul(&g, beta), ops::mul(left, alpha), ops::mul(right, alpha)])
}
