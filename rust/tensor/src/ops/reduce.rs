//! Reductions.

use super::all::*;
use crate::lazy::T;
use crate::rules::reduce;
use crate::value::Value;
use crate::{Result, Scalar, Tensor, fail};
use corten_reduce::Reduce;
use corten_tables::ops;

ops! { family = reduce;

/// Sum of all elements.
sum(input: Tensor, *, dtype: DType?) -> Tensor { meta: reduce::meta(input, None, false, reduce::summed(input, dtype)); kernel: reduce::run(Reduce::Sum, input, None, &outs[0]); forms: fn method; domain: any }
/// Sum over the given dimensions.
sum.dim(input: Tensor, dim: Dims?, keepdim: bool = false, *, dtype: DType?) -> Tensor { meta: reduce::meta(input, dim, keepdim, reduce::summed(input, dtype)); kernel: reduce::run(Reduce::Sum, input, dim, &outs[0]); forms: fn method out; domain: any, dims }
/// Sum over the given dimensions (all by default) in which not-a-number counts as zero.
nansum(input: Tensor, dim: Dims?, keepdim: bool = false, *, dtype: DType?) -> Tensor { meta: { reduce::need_real("nansum", input)?; reduce::meta(input, dim, keepdim, reduce::summed(input, dtype)) }; kernel: reduce::run(Reduce::NanSum, input, dim, &outs[0]); forms: fn method out; domain: any, dims }
/// Mean of all elements.
mean(input: Tensor, *, dtype: DType?) -> Tensor { meta: reduce::meta(input, None, false, reduce::averaged(input, dtype)?); kernel: reduce::run(Reduce::Mean, input, None, &outs[0]); forms: fn method; domain: any }
/// Mean over the given dimensions.
mean.dim(input: Tensor, dim: Dims?, keepdim: bool = false, *, dtype: DType?) -> Tensor { meta: reduce::meta(input, dim, keepdim, reduce::averaged(input, dtype)?); kernel: reduce::run(Reduce::Mean, input, dim, &outs[0]); forms: fn method out; domain: any, dims }
/// Mean over the given dimensions (all by default) of what is a number.
nanmean(input: Tensor, dim: Dims?, keepdim: bool = false, *, dtype: DType?) -> Tensor { composite: { if let Some(dtype) = dtype.filter(|d| d.is_integral(true)) { fail!(Runtime, "nanmean(): could not infer output dtype. Optional dtype must be either a floating point or complex dtype. Got: {}", dtype.scalar_name()) } if input.dtype().is_integral(true) { fail!(Runtime, "nanmean(): expected input to have floating point or complex dtype but got {}", input.dtype().scalar_name()) } div(nansum_with(input, dim, keepdim, dtype), sum_dim_with(logical_not(isnan(input)), dim, keepdim, Value::None)) }; forms: fn method out; domain: any, dims }
/// Product of all elements.
prod(input: Tensor, *, dtype: DType?) -> Tensor { meta: reduce::meta(input, None, false, reduce::summed(input, dtype)); kernel: reduce::run(Reduce::Prod, input, None, &outs[0]); forms: fn method; domain: any }
/// Product over a dimension.
prod.dim(input: Tensor, dim: Dim, keepdim: bool = false, *, dtype: DType?) -> Tensor { meta: reduce::meta(input, Some(&[dim]), keepdim, reduce::summed(input, dtype)); kernel: reduce::run(Reduce::Prod, input, Some(&[dim]), &outs[0]); forms: fn method out; domain: any, dim }
/// Largest elements over the given dimensions, all by default.
amax(input: Tensor, dim: Dims = [], keepdim: bool = false) -> Tensor { meta: { reduce::need_elements("amax", input, Some(dim))?; reduce::meta(input, Some(dim), keepdim, input.dtype()) }; kernel: reduce::run(Reduce::Amax, input, Some(dim), &outs[0]); forms: fn method out; domain: any, dims }
/// Smallest elements over the given dimensions, all by default.
amin(input: Tensor, dim: Dims = [], keepdim: bool = false) -> Tensor { meta: { reduce::need_elements("amin", input, Some(dim))?; reduce::meta(input, Some(dim), keepdim, input.dtype()) }; kernel: reduce::run(Reduce::Amin, input, Some(dim), &outs[0]); forms: fn method out; domain: any, dims }
/// Smallest and largest elements, over one dimension or all.
aminmax(input: Tensor, *, dim: Dim?, keepdim: bool = false) -> (min: Tensor, max: Tensor) { composite: extremes(input, dim, keepdim)?; forms: fn method out; domain: any }
/// Whether any element differs from zero.
any(input: Tensor) -> Tensor { meta: reduce::meta(input, None, false, reduce::truth(input)); kernel: reduce::run(Reduce::Any, input, None, &outs[0]); forms: fn method out; domain: any; nondiff }
/// Whether any element differs from zero, over the given dimensions.
any.dim(input: Tensor, dim: Dims?, keepdim: bool = false) -> Tensor { meta: reduce::truth_meta(input, dim, keepdim); kernel: reduce::run_truth(Reduce::Any, input, dim, &outs[0]); forms: fn method out; domain: any, dims; nondiff }
/// Whether all elements differ from zero.
all(input: Tensor) -> Tensor { meta: reduce::meta(input, None, false, reduce::truth(input)); kernel: reduce::run(Reduce::All, input, None, &outs[0]); forms: fn method out; domain: any; nondiff }
/// Whether all elements differ from zero, over the given dimensions.
all.dim(input: Tensor, dim: Dims?, keepdim: bool = false) -> Tensor { meta: reduce::truth_meta(input, dim, keepdim); kernel: reduce::run_truth(Reduce::All, input, dim, &outs[0]); forms: fn method out; domain: any, dims; nondiff }
/// How many elements differ from zero, over the given dimensions, all by default.
count_nonzero(input: Tensor, dim: Dims?) -> Tensor { meta: reduce::meta(input, dim, false, crate::DType::I64); kernel: reduce::run(Reduce::CountNonzero, input, dim, &outs[0]); forms: fn method; domain: any, dims; nondiff }

/// Variance of all elements.
var(input: Tensor, unbiased: bool = true) -> Tensor { composite: var_correction_with(input, Value::None, unbiased as i64, false); forms: fn method; domain: any }
/// Variance over the given dimensions.
var.dim(input: Tensor, dim: Dims?, unbiased: bool = true, keepdim: bool = false) -> Tensor { composite: var_correction_with(input, dim, unbiased as i64, keepdim); forms: fn method out; domain: any, dims }
/// Variance with so much taken from the count.
var.correction(input: Tensor, dim: Dims?, *, correction: Scalar?, keepdim: bool = false) -> Tensor { meta: reduce::var_meta("std and var", input, dim, keepdim, 1); kernel: reduce::var(input, dim, correction, false, outs); forms: fn method out; domain: any, dims }
/// Standard deviation of all elements.
std(input: Tensor, unbiased: bool = true) -> Tensor { composite: std_correction_with(input, Value::None, unbiased as i64, false); forms: fn method; domain: any }
/// Standard deviation over the given dimensions.
std.dim(input: Tensor, dim: Dims?, unbiased: bool = true, keepdim: bool = false) -> Tensor { composite: std_correction_with(input, dim, unbiased as i64, keepdim); forms: fn method out; domain: any, dims }
/// Standard deviation with so much taken from the count.
std.correction(input: Tensor, dim: Dims?, *, correction: Scalar?, keepdim: bool = false) -> Tensor { meta: reduce::var_meta("std and var", input, dim, keepdim, 1); kernel: reduce::var(input, dim, correction, true, outs); forms: fn method out; domain: any, dims }
/// Variance and mean of all elements.
var_mean(input: Tensor, unbiased: bool = true) -> (_var: Tensor, _mean: Tensor) { composite: var_mean_correction_with(input, Value::None, unbiased as i64, false); forms: fn; domain: any }
/// Variance and mean over the given dimensions.
var_mean.dim(input: Tensor, dim: Dims?, unbiased: bool = true, keepdim: bool = false) -> (_var: Tensor, _mean: Tensor) { composite: var_mean_correction_with(input, dim, unbiased as i64, keepdim); forms: fn; domain: any, dims }
/// Variance, with so much taken from the count, and mean.
var_mean.correction(input: Tensor, dim: Dims?, *, correction: Scalar?, keepdim: bool = false) -> (_var: Tensor, _mean: Tensor) { meta: reduce::var_meta("std_mean and var_mean", input, dim, keepdim, 2); kernel: reduce::var(input, dim, correction, false, outs); forms: fn; domain: any, dims }
/// Standard deviation and mean of all elements.
std_mean(input: Tensor, unbiased: bool = true) -> (_std: Tensor, _mean: Tensor) { composite: std_mean_correction_with(input, Value::None, unbiased as i64, false); forms: fn; domain: any }
/// Standard deviation and mean over the given dimensions.
std_mean.dim(input: Tensor, dim: Dims?, unbiased: bool = true, keepdim: bool = false) -> (_std: Tensor, _mean: Tensor) { composite: std_mean_correction_with(input, dim, unbiased as i64, keepdim); forms: fn; domain: any, dims }
/// Standard deviation, with so much taken from the count, and mean.
std_mean.correction(input: Tensor, dim: Dims?, *, correction: Scalar?, keepdim: bool = false) -> (_std: Tensor, _mean: Tensor) { meta: reduce::var_meta("std_mean and var_mean", input, dim, keepdim, 2); kernel: reduce::var(input, dim, correction, true, outs); forms: fn; domain: any, dims }

/// `(Σ |x|ᵖ)^(1/p)` over the given dimensions, all by default.
linalg_vector_norm(x: Tensor, ord: Scalar = 2, dim: Dims?, keepdim: bool = false, *, dtype: DType?) -> Tensor { meta: reduce::meta(x, dim, keepdim, reduce::norm_dtype(x, dtype)?); kernel: reduce::norm(x, ord, dim, &outs[0]); forms: fn(linalg) out; domain: any }
/// The norm of the elements as one vector, or over the given dimensions: by default the root of the sum of squares.
norm(input: Tensor, p: Scalar?, dim: Dims?, keepdim: bool = false, dtype: DType?) -> Tensor { composite: linalg_vector_norm_with(input, p.unwrap_or(Scalar::Int(2)), dim, keepdim, dtype); forms: fn method out; domain: any }
/// The norm by name: `fro`, the root of the sum of squares, or `nuc`, the sum of singular values.
norm.name(input: Tensor, p: str, dim: Dims?, keepdim: bool = false, dtype: DType?) -> Tensor { composite: named_norm(input, p, dim, keepdim, dtype); forms: fn method out; domain: any }
/// `log(Σ exp(input))` over the given dimensions.
logsumexp(input: Tensor, dim: Dims, keepdim: bool = false) -> Tensor { composite: match input.dtype().is_complex() { true => complex_logsumexp(input, dim, keepdim), false => _logsumexp(float_of(input), dim, keepdim) }; forms: fn method out; domain: any, dims }
/// `log(Σ exp(input))` of floats.
_logsumexp(input: Tensor, dim: Dims, keepdim: bool) -> Tensor { meta: reduce::meta(input, Some(dim), keepdim, input.dtype()); kernel: reduce::on(input, Some(dim), &outs[0], corten_reduce::logsumexp); domain: any, dims }
/// The norm of the difference.
dist(input: Tensor, other: Tensor, p: Scalar = 2) -> Tensor { composite: linalg_vector_norm_with(sub(input, other), p, Value::None, false, Value::None); forms: fn method; domain: any, any }
/// Whether all pairs are close: see `isclose`.
allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = false) -> Any { composite: T::value(!crate::rules::read::item(&all(isclose_with(input, other, rtol, atol, equal_nan)).tensor()?)?.is_zero()); forms: fn method; check: none; nondiff }

}

/// The tensor itself where it holds floats, else its values in the default float dtype.
pub(super) fn float_of(input: &Tensor) -> T {
    match input.dtype().is_integral(true) {
        true => to(input, crate::promote::default_float()),
        false => T::from(input),
    }
}

fn extremes(input: &Tensor, dim: Option<i64>, keepdim: bool) -> Result<Vec<Tensor>> {
    let dims: Vec<i64> = dim.into_iter().collect();
    reduce::need_elements("aminmax", input, Some(&dims))?;
    Ok(vec![amin_with(input, &dims[..], keepdim).tensor()?, amax_with(input, &dims[..], keepdim).tensor()?])
}

/// `log(Σ exp(input))`, with the largest real part taken out first.
fn complex_logsumexp(input: &Tensor, dims: &[i64], keepdim: bool) -> T {
    if input.numel() == 0 {
        return log(sum_dim_with(input, dims, keepdim, Value::None));
    }
    let largest = amax_with(real(input), dims, true);
    let shift = where_(isfinite(&largest), &largest, 0.0);
    let total = log(sum_dim_with(exp(sub(input, &shift)), dims, true, Value::None)) + shift;
    if keepdim {
        total
    } else {
        squeeze_dim(total, if dims.is_empty() { (0..input.ndim() as i64).collect() } else { dims.to_vec() })
    }
}

fn named_norm(x: &Tensor, name: &str, dim: Option<&[i64]>, keepdim: bool, dtype: Option<crate::DType>) -> Result<T> {
    match name {
        "fro" => Ok(linalg_vector_norm_with(x, 2, dim, keepdim, dtype)),
        "nuc" => {
            let dims = dim.map_or(vec![-2, -1], <[i64]>::to_vec);
            if x.ndim() < 2 {
                fail!(Runtime, "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.");
            }
            let places = crate::rules::dims::wrap_all(&dims, x.ndim())?;
            if places.len() != 2 {
                fail!(Runtime, "nuclear norm requires two dimensions, got {}", crate::text::sizes(&dims));
            }
            let matrices = movedim(x, dims, [-2, -1]);
            let matrices = dtype.map_or(matrices.clone(), |dtype| to(matrices, dtype));
            let total = sum_dim_with(linalg_svd_with(matrices, false, Value::None).pick(1), [-1], false, Value::None);
            let (low, high) = (places[0].min(places[1]), places[0].max(places[1]));
            Ok(if keepdim { unsqueeze(unsqueeze(total, low), high) } else { total })
        }
        _ => fail!(Runtime, "norm: p must be a number, 'fro' or 'nuc', got '{name}'"),
    }
}
