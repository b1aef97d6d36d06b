//! Normalisation of layers, batches, groups and instances.

use super::all::*;
use crate::body::in_single;
use crate::lazy::T;
use crate::rules::norm::{self, Running};
use crate::value::Value;
use crate::{DType, Result, Tensor, fail};
use corten_tables::ops;

ops! { family = norm;

/// The last dimensions normalised by their mean and deviation, then scaled by `weight` and moved by `bias`.
layer_norm(input: Tensor, normalized_shape: Sizes, weight: Tensor?, bias: Tensor?, eps: float = 1e-5) -> Tensor { composite: native_layer_norm_with(input, normalized_shape, weight, bias, eps).pick(0); forms: fn; domain: any }
/// `layer_norm` with the means and reciprocal deviations that it used.
native_layer_norm(input: Tensor, normalized_shape: Sizes, weight: Tensor?, bias: Tensor?, eps: float) -> (output: Tensor, mean: Tensor, rstd: Tensor) { meta: norm::layer_meta(input, normalized_shape, weight, bias); kernel: norm::layer(input, normalized_shape, weight, bias, eps, outs); forms: fn; domain: any }
/// The gradients of `layer_norm`.
native_layer_norm_backward(grad_output: Tensor, input: Tensor, normalized_shape: Sizes, mean: Tensor, rstd: Tensor, weight: Tensor?) -> (input: Tensor, weight: Tensor, bias: Tensor) { meta: norm::layer_backward_meta(input, normalized_shape); kernel: norm::layer_backward(grad_output, input, normalized_shape, [mean, rstd], weight, outs); check: none }
/// Each channel (dimension 1) normalised by its mean and deviation: the batch's in training, else the running ones.
batch_norm(input: Tensor, weight: Tensor?, bias: Tensor?, running_mean: Tensor?, running_var: Tensor?, training: bool, momentum: float, eps: float) -> Tensor { composite: native_batch_norm_with(input, weight, bias, running_mean, running_var, training, momentum, eps).pick(0); forms: fn; domain: matrix(4, 3) }
/// `batch_norm` with the means and reciprocal deviations that it used; in training it moves the running statistics.
native_batch_norm(input: Tensor, weight: Tensor?, bias: Tensor?, running_mean: Tensor?, running_var: Tensor?, training: bool, momentum: float, eps: float) -> (output: Tensor, save_mean: Tensor, save_invstd: Tensor) { meta: norm::batch_meta(input, [weight, bias], Running { mean: running_mean, var: running_var, training, momentum, eps }); kernel: norm::batch(input, [weight, bias], Running { mean: running_mean, var: running_var, training, momentum, eps }, outs); forms: fn; domain: matrix(4, 3) }
/// The gradients of `batch_norm`.
native_batch_norm_backward(grad_output: Tensor, input: Tensor, weight: Tensor?, mean: Tensor, rstd: Tensor, training: bool) -> (input: Tensor, weight: Tensor, bias: Tensor) { meta: norm::batch_backward_meta(input); kernel: norm::batch_backward(grad_output, input, weight, [mean, rstd], training, outs); check: none }
/// Groups of channels of each sample normalised by their mean and deviation.
group_norm(input: Tensor, num_groups: int, weight: Tensor?, bias: Tensor?, eps: float = 1e-5) -> Tensor { composite: by_group(input, num_groups, weight, bias, eps); forms: fn; domain: matrix(2, 4, 3) }
/// Each channel of each sample normalised by its mean and deviation, or by the running ones.
instance_norm(input: Tensor, weight: Tensor?, bias: Tensor?, running_mean: Tensor?, running_var: Tensor?, use_input_stats: bool, momentum: float, eps: float) -> Tensor { composite: by_instance(input, [weight, bias], [running_mean, running_var], use_input_stats, momentum, eps); forms: fn; domain: matrix(2, 4, 3) }
/// The last dimensions divided by their root mean square, then scaled by `weight`.
rms_norm(input: Tensor, normalized_shape: Sizes, weight: Tensor?, eps: float?) -> Tensor { composite: by_root_mean_square(input, normalized_shape, weight, eps); forms: fn; domain: any }

}

/// A vector of one number a channel, shaped to lie along dimension 1 of `ndim`.
fn along_channels(x: &Tensor, ndim: usize) -> T {
    let mut sizes = vec![1; ndim];
    sizes[1] = -1;
    view(x, sizes)
}

fn by_group(x: &Tensor, groups: i64, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64) -> Result<T> {
    let sizes = x.sizes();
    if sizes.len() < 2 {
        fail!(Runtime, "Expected at least 2 dimensions for input tensor but received {}", sizes.len());
    }
    if groups <= 0 || sizes[1] % groups != 0 {
        fail!(
            Runtime,
            "Expected number of channels in input to be divisible by num_groups, but got input of shape {} and num_groups={groups}",
            crate::text::sizes(sizes)
        );
    }
    for (name, p) in [("weight", weight), ("bias", bias)] {
        if let Some(p) = p
            && p.sizes() != [sizes[1]]
        {
            fail!(
                Runtime,
                "Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape {} and input of shape {}",
                crate::text::sizes(p.sizes()),
                crate::text::sizes(sizes)
            );
        }
    }
    let columns: i64 = sizes[2..].iter().product::<i64>() * (sizes[1] / groups);
    let Some(rows) = sizes[0].checked_mul(groups) else {
        fail!(Runtime, "group_norm: {} samples of num_groups={groups} are too many", sizes[0]);
    };
    in_single(x.dtype(), [x], |[x]| {
        let rows = reshape(x, [rows, columns]);
        let normal = native_layer_norm_with(rows, [columns], Value::None, Value::None, eps).pick(0);
        let normal = view(normal, sizes);
        let scaled = weight.map_or(normal.clone(), |w| mul(normal, along_channels(w, sizes.len())));
        Ok(bias.map_or(scaled.clone(), |b| add(scaled, along_channels(b, sizes.len()))))
    })
}

fn by_instance(
    x: &Tensor,
    parameters: [Option<&Tensor>; 2],
    running: [Option<&Tensor>; 2],
    training: bool,
    momentum: f64,
    eps: f64,
) -> Result<T> {
    if x.ndim() < 2 {
        fail!(Runtime, "instance_norm: expected an input of at least 2 dimensions, got {}", x.ndim());
    }
    if !training && running.iter().any(Option::is_none) {
        fail!(Runtime, "Expected running_mean and running_var to be defined when use_input_stats is false");
    }
    let (n, c) = (x.sizes()[0], x.sizes()[1]);
    let repeated = |p: Option<&Tensor>| -> Result<Value> { p.map_or(Ok(Value::None), |p| repeat(p, [n]).get()) };
    let [weight, bias] = [repeated(parameters[0])?, repeated(parameters[1])?];
    let [mean, var] = [repeated(running[0])?, repeated(running[1])?];
    let flat = reshape(x, [&[1, n * c], &x.sizes()[2..]].concat());
    let out = batch_norm_with(flat, &weight, &bias, &mean, &var, training, momentum, eps);
    let out = out.tensor()?;
    if training {
        let _below = crate::mode::no_grad();
        for (running, moved) in running.iter().zip([mean, var]) {
            if let (Some(running), Value::Tensor(moved)) = (running, moved) {
                copy_(*running, mean_dim_with(view(moved, [n, c]), [0], false, Value::None)).get()?;
            }
        }
    }
    Ok(view(out, x.sizes()))
}

fn by_root_mean_square(x: &Tensor, shape: &[i64], weight: Option<&Tensor>, eps: Option<f64>) -> Result<T> {
    if x.dtype().is_complex() {
        norm::check_layer(x, shape, weight, None)?;
    } else {
        norm::layer_meta(x, shape, weight, None)?;
    }
    let x = &contiguous(x).tensor()?;
    let eps = eps.unwrap_or(match x.dtype().to_real() {
        DType::F64 => f64::EPSILON,
        _ => f32::EPSILON as f64,
    });
    let dims: Vec<i64> = (1..=shape.len() as i64).map(|d| -d).collect();
    in_single(x.dtype(), [x], |[x]| {
        let scale = rsqrt(add(mean_dim_with(square(&x), dims, true, Value::None), eps));
        let normal = mul(x, scale);
        Ok(weight.map_or(normal.clone(), |w| mul(normal, w)))
    })
}
