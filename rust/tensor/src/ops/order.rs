//! Searches, sorting, scans and softmax along a dimension.

use super::all::*;
use crate::lazy::T;
use crate::rules::{lines, reduce};
use crate::{Result, Tensor};
use corten_reduce::{Reduce, Scan, Seek};
use corten_tables::ops;

ops! { family = order;

/// The largest element.
max(input: Tensor) -> Tensor { meta: { reduce::need_elements("max", input, None)?; reduce::meta(input, None, false, input.dtype()) }; kernel: reduce::run(Reduce::Amax, input, None, &outs[0]); forms: fn method; domain: any }
/// The greater of each pair.
max.other(input: Tensor, other: Tensor) -> Tensor { composite: maximum(input, other); forms: fn method out; domain: any, any }
/// The largest elements along a dimension, and their places.
max.dim(input: Tensor, dim: Dim, keepdim: bool = false) -> (values: Tensor, indices: Tensor) { meta: lines::seek_meta("max", input, dim, keepdim); kernel: lines::seek(Seek::Max, input, dim, outs); forms: fn method out; domain: any, dim }
/// The smallest element.
min(input: Tensor) -> Tensor { meta: { reduce::need_elements("min", input, None)?; reduce::meta(input, None, false, input.dtype()) }; kernel: reduce::run(Reduce::Amin, input, None, &outs[0]); forms: fn method; domain: any }
/// The lesser of each pair.
min.other(input: Tensor, other: Tensor) -> Tensor { composite: minimum(input, other); forms: fn method out; domain: any, any }
/// The smallest elements along a dimension, and their places.
min.dim(input: Tensor, dim: Dim, keepdim: bool = false) -> (values: Tensor, indices: Tensor) { meta: lines::seek_meta("min", input, dim, keepdim); kernel: lines::seek(Seek::Min, input, dim, outs); forms: fn method out; domain: any, dim }
/// The place of the largest element, along a dimension or in all.
argmax(input: Tensor, dim: Dim?, keepdim: bool = false) -> Tensor { meta: lines::arg_meta("argmax", input, dim, keepdim); kernel: lines::arg(Seek::Max, input, dim, &outs[0]); forms: fn method out; domain: any, dim; nondiff }
/// The place of the smallest element, along a dimension or in all.
argmin(input: Tensor, dim: Dim?, keepdim: bool = false) -> Tensor { meta: lines::arg_meta("argmin", input, dim, keepdim); kernel: lines::arg(Seek::Min, input, dim, &outs[0]); forms: fn method out; domain: any, dim; nondiff }
/// The lower of the middle elements.
median(input: Tensor) -> Tensor { meta: lines::seek_all_meta("median", input); kernel: lines::seek_all(Seek::Median, input, &outs[0]); forms: fn method; domain: any }
/// The lower of the middle elements along a dimension, and their places.
median.dim(input: Tensor, dim: Dim, keepdim: bool = false) -> (values: Tensor, indices: Tensor) { meta: lines::seek_meta("median", input, dim, keepdim); kernel: lines::seek(Seek::Median, input, dim, outs); forms: fn method out; domain: any, dim }
/// The lower of the middle elements that are numbers.
nanmedian(input: Tensor) -> Tensor { meta: lines::seek_all_meta("nanmedian", input); kernel: lines::seek_all(Seek::NanMedian, input, &outs[0]); forms: fn method; domain: any }
/// The lower of the middle elements that are numbers along a dimension, and their places.
nanmedian.dim(input: Tensor, dim: Dim, keepdim: bool = false) -> (values: Tensor, indices: Tensor) { meta: lines::seek_meta("nanmedian", input, dim, keepdim); kernel: lines::seek(Seek::NanMedian, input, dim, outs); forms: fn method out; domain: any, dim }
/// The most frequent elements along a dimension, and a place of each.
mode(input: Tensor, dim: Dim = -1, keepdim: bool = false) -> (values: Tensor, indices: Tensor) { meta: lines::seek_meta("mode", input, dim, keepdim); kernel: lines::seek(Seek::Mode, input, dim, outs); forms: fn method out; domain: any, dim }
/// The `k`-th smallest elements along a dimension, and their places.
kthvalue(input: Tensor, k: int, dim: Dim = -1, keepdim: bool = false) -> (values: Tensor, indices: Tensor) { meta: lines::kth_meta(input, k, dim, keepdim); kernel: lines::seek(Seek::Kth(k as usize), input, dim, outs); forms: fn method out; domain: any, int(1, 2), dim }
/// The `k` largest (or smallest) elements along a dimension, in order if `sorted`, and their places.
topk(input: Tensor, k: int, dim: Dim = -1, largest: bool = true, sorted: bool = true) -> (values: Tensor, indices: Tensor) { meta: lines::top_meta(input, Some(k), dim); kernel: lines::top(input, Some(k), dim, largest, sorted, outs); forms: fn method out; domain: any, int(1, 2), dim }
/// The elements in order along a dimension, and where they were; equal ones keep their order.
sort(input: Tensor, dim: Dim = -1, descending: bool = false, stable: bool = false) -> (values: Tensor, indices: Tensor) { meta: { let _always = stable; lines::top_meta(input, None, dim) }; kernel: lines::top(input, None, dim, descending, true, outs); forms: fn method out; domain: any, dim }
/// The places of the elements in order along a dimension; equal ones keep their order.
argsort(input: Tensor, dim: Dim = -1, descending: bool = false, stable: bool = false) -> Tensor { composite: sort_with(input, dim, descending, stable).pick(1); forms: fn method; domain: any, dim; nondiff }
/// The elements in order along the first dimension.
msort(input: Tensor) -> Tensor { composite: sort_with(input, 0, false, false).pick(0); forms: fn method out; domain: any }

/// Running sums along a dimension.
cumsum(input: Tensor, dim: Dim, *, dtype: DType?) -> Tensor { meta: lines::scan_meta(input, dim, reduce::summed(input, dtype)); kernel: lines::scan(Scan::CumSum, input, dim, &outs[0]); forms: fn method inplace out; domain: any, dim }
/// Running products along a dimension.
cumprod(input: Tensor, dim: Dim, *, dtype: DType?) -> Tensor { meta: lines::scan_meta(input, dim, reduce::summed(input, dtype)); kernel: lines::scan(Scan::CumProd, input, dim, &outs[0]); forms: fn method inplace out; domain: any, dim }
/// Running `log(Σ exp)` along a dimension.
logcumsumexp(input: Tensor, dim: Dim) -> Tensor { composite: match input.dtype().is_complex() { true => complex_logcumsumexp(input, dim), false => Ok(_logcumsumexp(input, dim)) }; forms: fn method out; domain: any, dim }
/// Running `log(Σ exp)` of real numbers.
_logcumsumexp(input: Tensor, dim: Dim) -> Tensor { meta: { if !input.dtype().is_float() { return input.dtype().unsupported("logcumsumexp_out_cpu") } lines::scan_meta(input, dim, input.dtype()) }; kernel: lines::scan(Scan::LogCumSumExp, input, dim, &outs[0]); domain: any, dim }
/// The largest elements so far along a dimension, and their places.
cummax(input: Tensor, dim: Dim) -> (values: Tensor, indices: Tensor) { meta: lines::extreme_meta("cummax", input, dim); kernel: lines::extreme(true, input, dim, outs); forms: fn method out; domain: any, dim }
/// The smallest elements so far along a dimension, and their places.
cummin(input: Tensor, dim: Dim) -> (values: Tensor, indices: Tensor) { meta: lines::extreme_meta("cummin", input, dim); kernel: lines::extreme(false, input, dim, outs); forms: fn method out; domain: any, dim }

/// `exp(input)` over its sum along a dimension.
softmax(input: Tensor, dim: Dim, dtype: DType?) -> Tensor { composite: match dtype { Some(dtype) => _softmax(to(input, dtype), dim), None => _softmax(input, dim) }; forms: fn method out; domain: any, dim }
/// The logarithm of `softmax`.
log_softmax(input: Tensor, dim: Dim, dtype: DType?) -> Tensor { composite: match dtype { Some(dtype) => _log_softmax(to(input, dtype), dim), None => _log_softmax(input, dim) }; forms: fn method out; domain: any, dim }
/// `softmax(-input)`.
softmin(input: Tensor, dim: Dim, dtype: DType?) -> Tensor { composite: softmax_with(neg(input), dim, dtype); forms: fn; domain: any, dim }
/// `softmax` of floats.
_softmax(input: Tensor, dim: Dim) -> Tensor { meta: lines::softmax_meta("softmax", input, dim); kernel: lines::softmax(input, dim, false, &outs[0]); domain: any, dim }
/// `log_softmax` of floats.
_log_softmax(input: Tensor, dim: Dim) -> Tensor { meta: lines::softmax_meta("log_softmax", input, dim); kernel: lines::softmax(input, dim, true, &outs[0]); domain: any, dim }
/// The gradient of `softmax`, from its result.
_softmax_backward(grad_output: Tensor, output: Tensor, dim: Dim) -> Tensor { meta: lines::softmax_meta("softmax_backward", output, dim); kernel: lines::softmax_backward(grad_output, output, dim, false, &outs[0]); domain: any, any, dim }
/// The gradient of `log_softmax`, from its result.
_log_softmax_backward(grad_output: Tensor, output: Tensor, dim: Dim) -> Tensor { meta: lines::softmax_meta("log_softmax_backward", output, dim); kernel: lines::softmax_backward(grad_output, output, dim, true, &outs[0]); domain: any, any, dim }

}

/// One number after the other: a common factor taken out would let small ones vanish.
fn complex_logcumsumexp(input: &Tensor, dim: i64) -> Result<T> {
    let d = crate::rules::dims::wrap(dim, input.ndim())?;
    if input.numel() == 0 || input.ndim() == 0 {
        return Ok(clone(input));
    }
    let slices = unbind_with(input, dim).get()?.into_tensors()?;
    let mut sums = vec![slices[0].clone()];
    for slice in &slices[1..] {
        let sum = complex_logaddexp(&sums[sums.len() - 1], slice).tensor()?;
        sums.push(sum);
    }
    Ok(stack_with(&sums[..], d as i64))
}
