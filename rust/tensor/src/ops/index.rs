//! Choosing elements, and writing to chosen ones.

use super::all::*;
use crate::Dims;
use crate::lazy::T;
use crate::rules::{checks, index, key};
use crate::value::{Number, Value};
use crate::{DType, Result, Tensor, fail};
use corten_index::Join;
use corten_tables::ops;

ops! { family = index;

/// `input[key]`: a view for ints, slices, new axes and the ellipsis; a copy where tensors choose elements.
index(input: Tensor, key: Key) -> Tensor { composite: key::get(input, key); domain: any }
/// The elements that int64 tensors choose, one for each leading dimension; `None` keeps the dimension.
index.tensors(input: Tensor, indices: [Tensor?]) -> Tensor { meta: index::index_meta(input, indices); kernel: index::index(input, indices, &outs[0]); domain: any }
/// `input[key] = value`.
_set_item_(input: Tensor, key: Key, value: TensorOrScalar) -> Self { composite: { let _checked: Number = value; key::set(input, key, &args[2], false)?; T::from(input) }; domain: any }
/// `input[indices] = values`, or with `accumulate` `+=` that counts repetitions.
index_put_(input: Tensor, indices: Key, values: TensorOrScalar, accumulate: bool = false) -> Self { composite: { let _checked: (Number, bool) = (values, accumulate); key::set(input, indices, &args[2], accumulate)?; T::from(input) }; forms: fn method; domain: any }
/// A copy with `values` at the chosen elements, or added to them.
index_put(input: Tensor, indices: Key, values: TensorOrScalar, accumulate: bool = false) -> Tensor { composite: { let _checked: (Number, bool) = (values, accumulate); let out = clone(input).tensor()?; key::set(&out, indices, &args[2], accumulate)?; T::from(out) }; forms: fn method; domain: any }
/// `values` at the elements that int64 tensors choose, or added to them; of several at one place the last is kept.
index_put.tensors(input: Tensor, indices: [Tensor?], values: Tensor, accumulate: bool = false) -> Tensor { meta: index::index_put_meta(input, indices, values); kernel: index::index_put(input, indices, values, accumulate, &outs[0]); updates; forms: inplace; domain: any }

/// The slices of a dimension that `index` names.
index_select(input: Tensor, dim: Dim, index: Tensor) -> Tensor { meta: index::index_select_meta(input, dim, index); kernel: index::index_select(input, dim, index, &outs[0]); forms: fn method out; domain: any, dim, index }
/// `alpha` times the slices of `source` added to those that `index` names.
index_add(input: Tensor, dim: Dim, index: Tensor, source: Tensor, *, alpha: Scalar = 1) -> Tensor { meta: index::index_write_meta("index_add", input, dim, index, source); kernel: index::index_write(input, dim, index, source, Some(alpha), &outs[0]); updates; forms: fn method inplace out; domain: any, dim, index, any }
/// The slices of `source` in place of those that `index` names.
index_copy(input: Tensor, dim: Dim, index: Tensor, source: Tensor) -> Tensor { meta: index::index_write_meta("index_copy_", input, dim, index, source); kernel: index::index_write(input, dim, index, source, None, &outs[0]); updates; forms: fn method inplace out; domain: any, dim, index, any }
/// A zero-dimensional tensor's value in the slices that `index` names.
index_fill.tensor(input: Tensor, dim: Dim, index: Tensor, value: Tensor) -> Tensor { composite: filled(input, dim, index, value); forms: fn method inplace; domain: any, dim, index, any }
/// The slices of `source` joined with those that `index` names by `prod`, `mean`, `amax` or `amin`.
index_reduce(input: Tensor, dim: Dim, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = true) -> Tensor { composite: joined(input, dim, index, source, reduce, include_self); forms: fn method inplace out; domain: any, dim, index, any }
/// `value` in the slices that `index` names.
index_fill(input: Tensor, dim: Dim, index: Tensor, value: Scalar) -> Tensor { meta: { crate::rules::checks::convertible(value, input.dtype())?; index::index_fill_meta(input, dim, index) }; kernel: index::index_fill(input, dim, index, value, &outs[0]); updates; forms: fn method inplace; domain: any, dim, index, scalar }

/// `out[i][j][k] = input[i][index[i][j][k]][k]`, for `dim` 1.
gather(input: Tensor, dim: Dim, index: Tensor, *, sparse_grad: bool = false) -> Tensor { meta: { if sparse_grad { fail!(NotImplemented, "gather(): argument 'sparse_grad' must be False: there are no sparse tensors") } index::gather_meta(input, dim, index) }; kernel: index::gather(input, dim, index, &outs[0]); forms: fn method out; domain: any, dim, index }
/// `out[i][index[i][j][k]][k] = src[i][j][k]`, for `dim` 1.
scatter(input: Tensor, dim: Dim, index: Tensor, src: Tensor) -> Tensor { meta: index::scatter_meta("scatter", input, dim, index, Some(src)); kernel: index::scatter(input, dim, index, Ok(src), Join::Replace, true, &outs[0]); updates; forms: fn method inplace out; domain: any, dim, index, any }
/// One number at the places of `index` along a dimension.
scatter.value(input: Tensor, dim: Dim, index: Tensor, value: Scalar) -> Tensor { meta: index::scatter_meta("scatter", input, dim, index, None); kernel: index::scatter(input, dim, index, Err(value), Join::Replace, true, &outs[0]); updates; forms: fn method inplace out; domain: any, dim, index, scalar }
/// Joined with what is there: `reduce` is `add` or `multiply`.
scatter.joined(input: Tensor, dim: Dim, index: Tensor, src: Tensor, *, reduce: str) -> Tensor { meta: { index::join(Some(reduce))?; index::scatter_meta("scatter", input, dim, index, Some(src)) }; kernel: index::scatter(input, dim, index, Ok(src), index::join(Some(reduce))?, true, &outs[0]); updates; forms: fn method inplace out; domain: any, dim, index, any; nondiff }
/// One number joined with what is there: `reduce` is `add` or `multiply`.
scatter.value_joined(input: Tensor, dim: Dim, index: Tensor, value: Scalar, *, reduce: str) -> Tensor { meta: { index::join(Some(reduce))?; index::scatter_meta("scatter", input, dim, index, None) }; kernel: index::scatter(input, dim, index, Err(value), index::join(Some(reduce))?, true, &outs[0]); updates; forms: fn method inplace out; domain: any, dim, index, scalar; nondiff }
/// `src` added at the places of `index` along a dimension.
scatter_add(input: Tensor, dim: Dim, index: Tensor, src: Tensor) -> Tensor { meta: index::scatter_meta("scatter", input, dim, index, Some(src)); kernel: index::scatter(input, dim, index, Ok(src), Join::Add, true, &outs[0]); updates; forms: fn method inplace out; domain: any, dim, index, any }
/// `src` joined at the places of `index` along a dimension by `sum`, `prod`, `mean`, `amax` or `amin`.
scatter_reduce(input: Tensor, dim: Dim, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = true) -> Tensor { meta: { index::reduction(reduce)?; index::scatter_meta("scatter", input, dim, index, Some(src)) }; kernel: index::scatter(input, dim, index, Ok(src), index::reduction(reduce)?, include_self, &outs[0]); updates; forms: fn method inplace out; domain: any, dim, index, any }

/// A zero-dimensional tensor's value where the mask is true.
masked_fill.tensor(input: Tensor, mask: Tensor, value: Tensor) -> Tensor { composite: { if value.ndim() > 0 { fail!(Runtime, "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).", value.ndim()) } index::masked_fill_meta(input, mask)?; checks::real_value(value, input.dtype())?; where_(mask, to(value, input.dtype()), input) }; forms: fn method inplace; domain: any, bool, any }
/// One number where the mask is true.
masked_fill(input: Tensor, mask: Tensor, value: Scalar) -> Tensor { meta: { crate::rules::checks::convertible(value, input.dtype())?; index::masked_fill_meta(input, mask) }; kernel: index::masked_fill(input, mask, value, &outs[0]); updates; forms: fn method inplace; domain: any, bool, scalar }
/// The elements of `source`, in order, where the mask is true.
masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor { meta: index::masked_scatter_meta(input, mask, source); kernel: index::masked_scatter(input, mask, source, &outs[0]); updates; forms: fn method inplace; domain: any, bool, any }
/// The elements where the mask is true, as a vector.
masked_select(input: Tensor, mask: Tensor) -> Tensor { dynamic: index::masked_select(input, mask); forms: fn method out; domain: any, bool }
/// The indices of elements that differ from zero: one row each, or with `as_tuple` one vector a dimension.
nonzero(input: Tensor, *, as_tuple: bool = false) -> Any { dynamic: if as_tuple { T::from(places(input)?) } else { T::from(index::nonzero(input)) }; forms: fn method; domain: any; check: none; nondiff }
/// The indices of elements that differ from zero: one row each.
argwhere(input: Tensor) -> Tensor { composite: nonzero(input); forms: fn method; domain: any; nondiff }
/// The indices of elements that differ from zero: one vector a dimension.
where.indices(condition: Tensor) -> [Tensor] { composite: nonzero_with(condition, true); forms: fn; domain: any; nondiff }
/// Where each value goes in an ascending last dimension: in front of equal elements, or behind them if `right`.
_searchsorted(sorted_sequence: Tensor, input: Tensor, right: bool) -> Tensor { meta: index::search_meta(sorted_sequence, input); kernel: index::search(sorted_sequence, input, right, &outs[0]); forms: fn; check: none; nondiff }
/// How often each integer from zero on occurs, at least `minlength` of them.
_bincount(input: Tensor, minlength: int) -> Tensor { dynamic: index::bincount(input, minlength); forms: fn; check: none; nondiff }
/// Elements at positions of the flattened tensor.
take(input: Tensor, index: Tensor) -> Tensor { meta: index::take_meta(input, index); kernel: index::take(input, index, &outs[0]); forms: fn method out; domain: any, index }
/// Elements of `source` at positions of the flattened tensor, or added there.
put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = false) -> Tensor { meta: index::put_meta(input, index, source); kernel: index::put(input, index, source, accumulate, &outs[0]); updates; forms: fn method inplace; domain: any, index, any }
/// The elements at `indices` along a dimension, both broadcast in the others; without one, of the flattened tensor.
take_along_dim(input: Tensor, indices: Tensor, dim: Dim?) -> Tensor { composite: taken(input, indices, dim); forms: fn method out; domain: any, index }

}

fn filled(input: &Tensor, dim: i64, index: &Tensor, value: &Tensor) -> Result<T> {
    if value.ndim() > 0 {
        fail!(
            Runtime,
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
            value.ndim()
        );
    }
    let slices = index_select(input, dim, index).tensor()?;
    Ok(index_copy(input, dim, index, expand(to(value, input.dtype()), slices.sizes())))
}

fn joined(x: &Tensor, dim: i64, index: &Tensor, source: &Tensor, reduce: &str, include_self: bool) -> Result<T> {
    if !matches!(reduce, "prod" | "mean" | "amax" | "amin") {
        fail!(Runtime, "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.");
    }
    index::index_write_meta("index_reduce", x, dim, index, source)?;
    let mut along: Dims = x.sizes().iter().map(|_| 1).collect();
    let mut size = 1;
    if x.ndim() > 0 {
        let d = crate::rules::dims::wrap(dim, x.ndim())?;
        (along[d], size) = (index.numel() as i64, x.sizes()[d]);
    }
    // Looked up in the numbers below `size`, so that indices beyond them are told as in the family's other rows.
    let numbers = arange_with(size, DType::I64, Value::None, x.device(), false, false);
    let places = index_select(numbers, 0, reshape(to(index, DType::I64), [-1]));
    let places = expand(reshape(places, along), source.sizes());
    Ok(scatter_reduce_with(x, dim, places, source, reduce, include_self))
}

/// A zero-dimensional tensor counts as a vector of one.
fn places(input: &Tensor) -> Result<Vec<Tensor>> {
    match input.ndim() {
        0 => key::nonzero_by_dimension(&unsqueeze(input, 0).tensor()?),
        _ => key::nonzero_by_dimension(input),
    }
}

fn taken(input: &Tensor, indices: &Tensor, dim: Option<i64>) -> Result<T> {
    let Some(dim) = dim else {
        return Ok(gather(reshape(input, [-1]), 0, reshape(indices, [-1])));
    };
    if input.ndim() != indices.ndim() {
        fail!(
            Runtime,
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got {} dimensions for input, and {} dimensions for indices",
            input.ndim(),
            indices.ndim()
        );
    }
    let d = crate::rules::dims::wrap(dim, input.ndim())?;
    let without =
        |t: &Tensor| -> Dims { t.sizes().iter().enumerate().map(|(i, &n)| if i == d { 1 } else { n }).collect() };
    let common = crate::pointwise::broadcast([&without(input)[..], &without(indices)[..]])?;
    let sized = |t: &Tensor| {
        let mut sizes = common.to_vec();
        sizes[d] = t.sizes()[d];
        expand(t, sizes)
    };
    Ok(gather(sized(input), d, sized(indices)))
}
