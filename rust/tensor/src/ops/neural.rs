//! Embeddings, dropout, rearrangements of channels, distances and windows.

use super::all::*;
use crate::body::in_single;
use crate::device::DeviceKind;
use crate::lazy::T;
use crate::pointwise::fresh;
use crate::rules::{distance, neural};
use crate::value::{Number, SharedGenerator, Value};
use crate::{DType, Result, Tensor, fail};
use corten_base::alloc::room;
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = neural;

/// The rows of `weight` that `indices` name; the row `padding_idx` gets no gradient.
embedding(weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = false, sparse: bool = false) -> Tensor { meta: { let _gradient = (padding_idx, scale_grad_by_freq); neural::embedding_meta(weight, indices, sparse) }; kernel: neural::embedding(weight, indices, &outs[0]); forms: fn; domain: embedding }
/// The gradient of `embedding`'s weight: rows added up where the indices took them.
embedding_dense_backward(grad_output: Tensor, indices: Tensor, num_weights: int, padding_idx: int, scale_grad_by_freq: bool) -> Tensor { meta: Ok(smallvec![fresh(grad_output, [num_weights, grad_output.sizes().last().copied().unwrap_or(1)].to_vec(), grad_output.dtype())]); kernel: neural::embedding_backward(grad_output, indices, padding_idx, scale_grad_by_freq, &outs[0]); check: none }
/// The rows that `indices` name, shortened to the norm `max_norm`.
embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Self { composite: shorten(input, indices, max_norm, norm_type); forms: fn; check: none }
/// Ones at the places that `tensor` names in a new last dimension.
one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor { composite: one_hot_of(tensor, num_classes); forms: fn; domain: index; nondiff }

/// Elements dropped with the probability `p` in training, the others scaled up.
dropout(input: Tensor, p: float, train: bool) -> Tensor { composite: dropped(input, p, train, false, false); forms: fn inplace; check: moments }
/// Whole channels dropped with the probability `p` in training, the others scaled up.
feature_dropout(input: Tensor, p: float, train: bool) -> Tensor { composite: dropped(input, p, train, true, false); forms: fn inplace; check: moments }
/// Elements replaced by `selu`'s limit in training, so that mean and variance stay.
alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor { composite: dropped(input, p, train, false, true); forms: fn inplace; check: moments }
/// Whole channels replaced by `selu`'s limit in training, so that mean and variance stay.
feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor { composite: dropped(input, p, train, true, true); forms: fn inplace; check: moments }
/// `leaky_relu` with slopes drawn from `[lower, upper)` in training, their mean otherwise.
rrelu(input: Tensor, lower: Scalar = 0.125, upper: Scalar = 0.3333333333333333, training: bool = false, generator: Generator?) -> Tensor { composite: rrelu_with_noise_with(input, empty_like(input), lower, upper, training, generator); forms: fn inplace; check: moments }
/// `rrelu` that leaves the slopes in `noise`: those drawn where `input` is not positive, one elsewhere.
rrelu_with_noise(input: Tensor, noise: Tensor, lower: Scalar = 0.125, upper: Scalar = 0.3333333333333333, training: bool = false, generator: Generator?) -> Tensor { composite: randomly_leaky(input, noise, lower.to_f64(), upper.to_f64(), training, generator); forms: fn; check: moments }


/// Elements of (…, C r², H, W) as (…, C, H r, W r).
pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor { composite: shuffled(input, upscale_factor); forms: fn; domain: matrix(2, 4, 3, 3) }
/// Elements of (…, C, H r, W r) as (…, C r², H, W).
pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor { composite: unshuffled(input, downscale_factor); forms: fn; domain: matrix(2, 1, 4, 4) }
/// Channels of groups interleaved.
channel_shuffle(input: Tensor, groups: int) -> Tensor { composite: interleaved(input, groups); forms: fn; domain: matrix(2, 4, 3, 3) }
/// A border around the last dimensions: `constant`, `reflect`, `replicate` or `circular`.
pad(input: Tensor, pad: Sizes, mode: str = "constant", value: float?) -> Tensor { composite: bordered(input, pad, mode, value); forms: fn; domain: matrix(2, 3, 4) }
/// A border that continues the last dimensions by `reflect`, `replicate` or `circular`.
_pad_border(input: Tensor, pad: Sizes, mode: str) -> Tensor { meta: neural::border_meta(input, pad, mode); kernel: neural::border(input, pad, mode, &outs[0]); check: none }
/// The gradient of `_pad_border`: elements added up where the border showed them.
_pad_border_backward(grad_output: Tensor, input_size: Sizes, pad: Sizes, mode: str) -> Tensor { meta: Ok(smallvec![fresh(grad_output, input_size, grad_output.dtype())]); kernel: neural::border_backward(grad_output, pad, mode, &outs[0]); check: none }
/// Windows of (N, C, H, W) as columns (N, C kh kw, L).
im2col(input: Tensor, kernel_size: Ints2, dilation: Ints2, padding: Ints2, stride: Ints2) -> Tensor { meta: neural::unfold_meta(input, neural::window(kernel_size, dilation, padding, stride)?); kernel: neural::unfold(input, neural::window(kernel_size, dilation, padding, stride)?, &outs[0]); forms: fn; domain: matrix(2, 3, 5, 5) }
/// Columns (N, C kh kw, L) added up to (N, C, H, W): the gradient of `im2col`.
col2im(input: Tensor, output_size: Ints2, kernel_size: Ints2, dilation: Ints2, padding: Ints2, stride: Ints2) -> Tensor { meta: neural::fold_meta(input, output_size, neural::window(kernel_size, dilation, padding, stride)?); kernel: neural::fold(input, neural::window(kernel_size, dilation, padding, stride)?, &outs[0]); forms: fn; domain: matrix(2, 12, 4) }

/// The cosine of the angle between vectors along a dimension.
cosine_similarity(x1: Tensor, x2: Tensor, dim: Dim = 1, eps: float = 1e-8) -> Tensor { composite: cosine(x1, x2, dim, eps); forms: fn; domain: any, any }
/// The distance of vectors along the last dimension.
pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2, eps: float = 1e-6, keepdim: bool = false) -> Tensor { composite: linalg_vector_norm_with(add(sub(x1, x2), eps), p, [-1], keepdim, Value::None); forms: fn; domain: any, any }
/// The Euclidean distance of each row of `x1` (…, P, M) to each of `x2` (…, R, M), floats.
_cdist(x1: Tensor, x2: Tensor) -> Tensor { meta: distance::meta(x1, x2); kernel: distance::run(x1, x2, &outs[0]); forms: fn; check: none }
/// The distances of all pairs of rows.
pdist(input: Tensor, p: float = 2) -> Tensor { composite: pairs(input, p); forms: fn; domain: matrix(4, 3) }
/// `input1 @ weight[k] @ input2` for each output k, plus `bias`.
bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor?) -> Tensor { composite: bilinear_of(input1, input2, weight, bias); forms: fn; domain: matrix(2, 3), matrix(2, 4), matrix(5, 3, 4) }

}

fn shorten(weight: &Tensor, indices: &Tensor, max_norm: f64, norm_type: f64) -> Result<Tensor> {
    let indices = reshape(indices, [-1]).tensor()?;
    let rows = index_select(weight, 0, &indices).tensor()?;
    let lengths = linalg_vector_norm_with(&rows, norm_type, [1], true, Value::None);
    let factors = where_(gt(&lengths, max_norm), div(T::value(max_norm), add(&lengths, 1e-7)), 1.0);
    index_copy_(weight, 0, &indices, mul(rows, factors)).get()?;
    Ok(weight.clone())
}

fn one_hot_of(tensor: &Tensor, classes: i64) -> Result<T> {
    if tensor.dtype() != DType::I64 {
        fail!(Runtime, "one_hot is only applicable to index tensor of type LongTensor.");
    }
    if tensor.numel() == 0 && classes <= 0 {
        fail!(Runtime, "Can not infer total number of classes from empty tensor.");
    }
    let largest = match tensor.numel() {
        0 => -1,
        _ => {
            if crate::rules::read::item(&min(tensor).tensor()?)?.to_i64() < 0 {
                fail!(Runtime, "Class values must be non-negative.");
            }
            crate::rules::read::item(&max(tensor).tensor()?)?.to_i64()
        }
    };
    let classes = if classes == -1 { largest + 1 } else { classes };
    if classes < 1 {
        fail!(Runtime, "num_classes should be positive");
    }
    if largest >= classes {
        fail!(Runtime, "Class values must be smaller than num_classes.");
    }
    let out = zeros_with([tensor.sizes(), &[classes]].concat(), DType::I64, Value::None, tensor.device(), false, false);
    Ok(scatter_value(out, -1, unsqueeze(tensor, -1), 1))
}

fn dropped(x: &Tensor, p: f64, train: bool, channels: bool, alpha: bool) -> Result<T> {
    if !(0.0..=1.0).contains(&p) {
        fail!(Runtime, "dropout probability has to be between 0 and 1, but got {p}");
    }
    if p == 0.0 || !train || x.numel() == 0 {
        return Ok(T::from(x));
    }
    if p == 1.0 {
        return Ok(mul(x, 0.0));
    }
    let noise = match channels {
        true if x.ndim() < 2 => {
            fail!(Runtime, "Feature dropout requires at least 2 dimensions in the input")
        }
        true => {
            let sizes: Vec<i64> = x.sizes().iter().enumerate().map(|(d, &n)| if d < 2 { n } else { 1 }).collect();
            Tensor::empty(&sizes, x.dtype(), x.device())?
        }
        false => empty_like(x).tensor()?,
    };
    bernoulli__float_with(&noise, 1.0 - p, Value::None).get()?;
    if !alpha {
        return Ok(mul(x, div_(noise, 1.0 - p)));
    }
    let limit = 1.758_099_340_847_376_6;
    let scale = 1.0 / ((limit * limit * p + 1.0) * (1.0 - p)).sqrt();
    let moved = add(mul(sub(&noise, 1), limit * scale), limit * scale * p);
    Ok(add(mul(x, mul(noise, scale)), moved))
}

fn randomly_leaky(
    x: &Tensor,
    noise: &Tensor,
    low: f64,
    high: f64,
    training: bool,
    generator: Option<&SharedGenerator>,
) -> Result<T> {
    if low > high {
        fail!(Runtime, "Lower bound should be less than or equal to the upper bound");
    }
    if x.sizes() != noise.sizes() {
        fail!(
            Runtime,
            "noise tensor shape must match self tensor shape. Got self.shape = {}, noise.shape = {}",
            crate::text::sizes(x.sizes()),
            crate::text::sizes(noise.sizes())
        );
    }
    if !training {
        return Ok(leaky_relu_with(x, (low + high) / 2.0));
    }
    if x.device().kind != DeviceKind::Meta {
        // As PyTorch does: a number of double precision for each element that is not positive.
        let _below = crate::mode::no_grad();
        let negative = le(x, 0).tensor()?;
        let count = crate::rules::read::item(&sum(&negative).tensor()?)?.to_i64();
        let slopes = uniform__with(Tensor::empty(&[count], DType::F64, x.device())?, low, high, generator);
        let drawn = masked_scatter(ones_like(noise), negative, to(slopes, noise.dtype()));
        copy_(noise, drawn).get()?;
    }
    Ok(mul(x, noise))
}

/// The leading dimensions and the last three.
fn channels_and_plane<'a>(name: &str, x: &'a Tensor) -> Result<(&'a [i64], [i64; 3])> {
    if x.ndim() < 3 {
        fail!(
            Runtime,
            "{name} expects input to have at least 3 dimensions, but got input with {} dimension(s)",
            x.ndim()
        );
    }
    let (lead, tail) = x.sizes().split_at(x.ndim() - 3);
    Ok((lead, [tail[0], tail[1], tail[2]]))
}

/// Permutes the dimensions behind the leading ones.
fn permuted(x: T, lead: usize, order: &[i64]) -> T {
    let front = 0..lead as i64;
    permute(x, front.chain(order.iter().map(|d| d + lead as i64)).collect::<Vec<_>>())
}

fn shuffled(x: &Tensor, r: i64) -> Result<T> {
    let (lead, [c, h, w]) = channels_and_plane("pixel_shuffle", x)?;
    if r <= 0 {
        fail!(Runtime, "pixel_shuffle expects a positive upscale_factor, but got {r}");
    }
    let square = r.saturating_mul(r);
    if c % square != 0 {
        fail!(
            Runtime,
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={c} is not divisible by {square}"
        );
    }
    let split = reshape(x, [lead, &[c / square, r, r, h, w]].concat());
    Ok(reshape(
        permuted(split, lead.len(), &[0, 3, 1, 4, 2]),
        [lead, &[c / square, h.saturating_mul(r), w.saturating_mul(r)]].concat(),
    ))
}

fn unshuffled(x: &Tensor, r: i64) -> Result<T> {
    let (lead, [c, h, w]) = channels_and_plane("pixel_unshuffle", x)?;
    if r <= 0 {
        fail!(Runtime, "pixel_unshuffle expects a positive downscale_factor, but got {r}");
    }
    for (side, size) in [("height", h), ("width", w)] {
        if size % r != 0 {
            fail!(
                Runtime,
                "pixel_unshuffle expects {side} to be divisible by downscale_factor, but {size} is not divisible by {r}"
            );
        }
    }
    let split = reshape(x, [lead, &[c, h / r, r, w / r, r]].concat());
    Ok(reshape(
        permuted(split, lead.len(), &[0, 2, 4, 1, 3]),
        [lead, &[c.saturating_mul(r).saturating_mul(r), h / r, w / r]].concat(),
    ))
}

fn interleaved(x: &Tensor, groups: i64) -> Result<T> {
    if x.ndim() < 3 {
        fail!(
            Runtime,
            "channel_shuffle expects input with > 2 dims, but got input with sizes {}",
            crate::text::sizes(x.sizes())
        );
    }
    let (n, c) = (x.sizes()[0], x.sizes()[1]);
    if groups <= 0 || c % groups != 0 {
        fail!(Runtime, "Number of channels must be divisible by groups. Got {c} channels and {groups} groups.");
    }
    let split = reshape(x, [n, groups, c / groups, -1]);
    Ok(reshape(transpose(split, 1, 2), x.sizes()))
}

fn bordered(x: &Tensor, pad: &[i64], mode: &str, value: Option<f64>) -> Result<T> {
    if mode == "constant" {
        return Ok(constant_pad_nd_with(x, pad, value.unwrap_or(0.0)));
    }
    if value.is_some_and(|v| v != 0.0) {
        fail!(Value, "Padding mode \"{mode}\" doesn't take in value argument");
    }
    Ok(_pad_border(x, pad, mode))
}

fn pairs(x: &Tensor, p: f64) -> Result<T> {
    if x.ndim() != 2 {
        fail!(Runtime, "pdist only supports 2D tensors, got: {}D", x.ndim());
    }
    let n = x.sizes()[0];
    let count = n as u128 * (n as u128).saturating_sub(1) / 2;
    let mut both: Vec<(i64, i64)> = room(usize::try_from(count).unwrap_or(usize::MAX))?;
    both.extend((0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))));
    let rows = |pick: fn(&(i64, i64)) -> i64| -> Result<T> {
        Ok(index_select(x, 0, neural::vector(&both.iter().map(pick).collect::<Vec<_>>(), x.device())?))
    };
    if p == 2.0 && x.dtype().is_float() && x.sizes()[1] > 0 {
        let places = both.iter().map(|(i, j)| i * n + j).collect::<Vec<_>>();
        return Ok(index_select(reshape(_cdist(x, x), [-1]), 0, neural::vector(&places, x.device())?));
    }
    let difference = sub(rows(|pair| pair.0)?, rows(|pair| pair.1)?);
    Ok(linalg_vector_norm_with(difference, p, [1], false, Value::None))
}

fn cosine(x: &Tensor, y: &Tensor, dim: i64, eps: f64) -> Result<T> {
    let dtype = crate::promote::result_type(&[Number::Tensor(x), Number::Tensor(y)]);
    if !dtype.is_float() {
        let name = dtype.scalar_name();
        fail!(Runtime, "expected common dtype to be floating point, yet common dtype is {name}");
    }
    let sizes = crate::pointwise::broadcast([x.sizes(), y.sizes()])?;
    let (x, y) = (&expand(x, &sizes[..]).tensor()?, &expand(y, &sizes[..]).tensor()?);
    in_single(dtype, [&to(x, dtype).tensor()?, &to(y, dtype).tensor()?], |[x, y]| {
        let length = |x: &T| clamp_min(linalg_vector_norm_with(x, 2, [dim], false, Value::None), eps);
        Ok(div(sum_dim_with(mul(&x, &y), [dim], false, Value::None), mul(length(&x), length(&y))))
    })
}

fn bilinear_of(x: &Tensor, y: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<T> {
    if weight.ndim() != 3 || x.ndim() == 0 || x.ndim() != y.ndim() {
        fail!(
            Runtime,
            "bilinear(): input dimensions do not match: got {} and {}, and a weight of {} dimensions",
            x.ndim(),
            y.ndim(),
            weight.ndim()
        );
    }
    let (lead, w) = (&x.sizes()[..x.ndim() - 1], weight.sizes());
    let (n, m) = (x.sizes()[x.ndim() - 1], y.sizes()[y.ndim() - 1]);
    if (n, m) != (w[1], w[2]) || lead != &y.sizes()[..y.ndim() - 1] {
        fail!(
            Runtime,
            "bilinear(): sizes {} and {} do not fit a weight of size {}",
            crate::text::sizes(x.sizes()),
            crate::text::sizes(y.sizes()),
            crate::text::sizes(w)
        );
    }
    in_single(x.dtype(), [x, y, weight], |[x, y, weight]| {
        let flat = reshape(permute(weight, [1, 0, 2]), [n, w[0] * m]);
        let left = reshape(matmul(x, flat), [lead, &[w[0], m]].concat());
        let out = sum_dim_with(mul(left, unsqueeze(y, -2)), [-1], false, Value::None);
        Ok(bias.map_or(out.clone(), |bias| add(out, bias)))
    })
}
