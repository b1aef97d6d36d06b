//! Joining, repeating, padding and moving elements.

use super::all::*;
use crate::lazy::T;
use crate::pointwise::like;
use crate::rules::{dims, join};
use crate::{Result, Tensor, fail};
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = join;

/// Tensors one after the other along a dimension.
cat(tensors: [Tensor], dim: Dim = 0) -> Tensor { meta: join::cat_meta(tensors, dim); kernel: join::cat(tensors, dim, &outs[0]); forms: fn out; alias: concat, concatenate; domain: list }
/// Tensors of one size along a new dimension.
stack(tensors: [Tensor], dim: Dim = 0) -> Tensor { meta: join::stack_meta(tensors, dim); kernel: join::stack(tensors, dim, &outs[0]); forms: fn out; domain: list }
/// Tensors side by side: along the second dimension, vectors along the first.
hstack(tensors: [Tensor]) -> Tensor { composite: stacked("hstack", tensors, 1, i64::from(tensors.first().is_some_and(|x| x.ndim() > 1)), |x| reshape(x, [1]))?; forms: fn out; domain: list }
/// Tensors one upon the other: along the first of at least two dimensions.
vstack(tensors: [Tensor]) -> Tensor { composite: stacked("vstack", tensors, 2, 0, |x| reshape(x, [1, -1]))?; forms: fn out; alias: row_stack; domain: list }
/// Tensors one behind the other: along the third of at least three dimensions.
dstack(tensors: [Tensor]) -> Tensor { composite: stacked("dstack", tensors, 3, 2, |x| if x.ndim() == 2 { unsqueeze(x, -1) } else { reshape(x, [1, -1, 1]) })?; forms: fn out; domain: list }
/// Vectors as the columns of a matrix.
column_stack(tensors: [Tensor]) -> Tensor { composite: stacked("column_stack", tensors, 2, 1, |x| reshape(x, [-1, 1]))?; forms: fn out; domain: list }
/// Each dimension repeated.
repeat(input: Tensor, repeats: Sizes...) -> Tensor { meta: join::repeat_meta(input, repeats); kernel: join::repeat(input, repeats, &outs[0]); forms: method; domain: any }
/// Each dimension repeated; missing dimensions are repeated once.
tile(input: Tensor, dims: Sizes...) -> Tensor { composite: { let lead = input.ndim().saturating_sub(dims.len()); repeat(input, [&vec![1; lead][..], dims].concat()) }; forms: fn method; domain: any }
/// The given dimensions reversed.
flip(input: Tensor, dims: Sizes...) -> Tensor { meta: { dims::wrap_all(dims, input.ndim())?; Ok(smallvec![like(input, input.dtype())]) }; kernel: join::flip(input, dims, &outs[0]); forms: fn method; domain: any }
/// Elements moved along dimensions; what leaves at the end comes in at the start.
roll(input: Tensor, shifts: Dims, dims: Dims = []) -> Tensor { composite: if dims.is_empty() && shifts.len() == 1 { reshape(_roll(reshape(input, [-1]), shifts, [0]), input.sizes()) } else { _roll(input, shifts, dims) }; forms: fn method; domain: any }
/// Elements moved along the given dimensions.
_roll(input: Tensor, shifts: Dims, dims: Dims) -> Tensor { meta: { join::roll_plan(input, shifts, dims)?; Ok(smallvec![crate::pointwise::fresh(input, input.dims(), input.dtype())]) }; kernel: join::roll(input, &join::roll_plan(input, shifts, dims)?, &outs[0]); domain: any }
/// The lower triangle of matrices, zeros above.
tril(input: Tensor, diagonal: int = 0) -> Tensor { meta: join::triangle_meta("tril", input); kernel: corten_index::tril(outs[0].core().operand()?, input.core().operand()?, diagonal); forms: fn method inplace out; domain: matrix(3, 4) }
/// The upper triangle of matrices, zeros below.
triu(input: Tensor, diagonal: int = 0) -> Tensor { meta: join::triangle_meta("triu", input); kernel: corten_index::triu(outs[0].core().operand()?, input.core().operand()?, diagonal); forms: fn method inplace out; domain: matrix(3, 4) }
/// A value around the last dimensions: pairs of (before, after), the last dimension's first; negative numbers crop.
constant_pad_nd(input: Tensor, pad: Sizes, value: Scalar = 0) -> Tensor { meta: join::pad_meta(input, pad); kernel: join::pad(input, pad, value, &outs[0]); forms: fn; domain: any }
/// The last dimension on the diagonal of two new ones.
diag_embed(input: Tensor, offset: int = 0, dim1: Dim = -2, dim2: Dim = -1) -> Tensor { meta: join::diag_embed_meta(input, offset, dim1, dim2); kernel: join::diag_embed(input, offset, dim1, dim2, &outs[0]); forms: fn method; domain: matrix(3) }
/// The diagonal of a matrix, or the matrix with a vector on its diagonal.
diag(input: Tensor, diagonal: int = 0) -> Tensor { composite: match input.ndim() { 1 => diag_embed_with(input, diagonal, 0, 1), 2 => clone(diagonal_with(input, diagonal, 0, 1)), n => fail!(Runtime, "diag(): Supports 1D or 2D tensors. Got {n}D") }; forms: fn method out; domain: matrix(3, 3) }
/// A matrix with the elements of `input` on its diagonal.
diagflat(input: Tensor, offset: int = 0) -> Tensor { composite: diag_with(reshape(input, [-1]), offset); forms: fn method; domain: any }
/// Sum of a matrix's diagonal.
trace(input: Tensor) -> Tensor { composite: { if input.ndim() != 2 { fail!(Runtime, "trace: expected a matrix, but got tensor with dim {}", input.ndim()) } sum(diagonal(input)) }; forms: fn method; domain: matrix(3, 3) }

/// Dimensions moved to other places.
movedim(input: Tensor, source: Dims, destination: Dims) -> View { composite: moved(input, source, destination); forms: fn method; alias: moveaxis; domain: any }
/// All dimensions as one.
ravel(input: Tensor) -> Tensor { composite: reshape(contiguous(input), [-1]); forms: fn method; domain: any }
/// One dimension as several.
unflatten(input: Tensor, dim: Dim, sizes: Sizes) -> View { composite: unflattened(input, dim, sizes); forms: fn method; domain: any }
/// The same data in the sizes of another tensor.
view_as(input: Tensor, other: Tensor) -> View { composite: view(input, other.sizes()); forms: method }
/// The same elements in the sizes of another tensor.
reshape_as(input: Tensor, other: Tensor) -> Tensor { composite: reshape(input, other.sizes()); forms: method }
/// The last two dimensions exchanged and conjugated.
adjoint(input: Tensor) -> View { composite: conj(mT(input)); forms: fn method property(mH); domain: matrix(3, 4) }
/// A matrix transposed and conjugated.
numpy_H(input: Tensor) -> View { composite: hermitian(input); forms: property(H) }
/// A copy of `input` with `src` written to one position of a dimension.
select_scatter(input: Tensor, src: Tensor, dim: Dim, index: int) -> Tensor { composite: { let out = clone(input).tensor()?; written(select(&out, dim, index), src)?; out }; forms: fn method; domain: any, any }
/// A copy of `input` with `src` written to a slice of a dimension.
slice_scatter(input: Tensor, src: Tensor, dim: Dim = 0, start: int?, end: int?, step: int = 1) -> Tensor { composite: { let out = clone(input).tensor()?; written(slice_with(&out, dim, start, end, step), src)?; out }; forms: fn method; domain: any, any }
/// A copy of `input` with `src` written to a diagonal.
diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: Dim = 0, dim2: Dim = 1) -> Tensor { composite: { let out = clone(input).tensor()?; written(diagonal_with(&out, offset, dim1, dim2), src)?; out }; forms: fn method; domain: any, any }
/// A copy of `input` with `src` written to the elements that `as_strided` gives.
as_strided_scatter(input: Tensor, src: Tensor, size: Sizes, stride: Sizes, storage_offset: int?) -> Tensor { composite: { let out = clone(input).tensor()?; written(as_strided_with(&out, size, stride, storage_offset), src)?; out }; forms: fn method; domain: any, any }

}

fn hermitian(input: &Tensor) -> Result<T> {
    match input.ndim() {
        0 => Ok(conj(input)),
        2 => Ok(conj(t(input))),
        n => fail!(
            Runtime,
            "tensor.H is only supported on matrices (2-D tensors). Got {n}-D tensor. For batches of matrices, consider using tensor.mH"
        ),
    }
}

fn moved(input: &Tensor, source: &[i64], destination: &[i64]) -> Result<T> {
    let ndim = input.ndim();
    if source.len() != destination.len() {
        fail!(
            Runtime,
            "movedim: Invalid source or destination dims: source ({} dims) should contain the same number of dims as destination ({} dims)",
            crate::text::sizes(source),
            crate::text::sizes(destination)
        );
    }
    let wrapped = |which: &str, list: &[i64]| match dims::wrap_all(list, ndim) {
        Err(error) if error.kind() == crate::Kind::Runtime => {
            Err(crate::error!(Runtime, "movedim: repeated dim in `{which}` ({})", crate::text::sizes(list)))
        }
        other => other,
    };
    let (from, to) = (wrapped("source", source)?, wrapped("destination", destination)?);
    if ndim == 0 {
        return Ok(alias(input));
    }
    let mut rest = (0..ndim).filter(|d| !from.contains(d));
    let order: Vec<i64> = (0..ndim)
        .map(|d| match to.iter().position(|&t| t == d) {
            Some(i) => from[i] as i64,
            None => rest.next().unwrap_or_default() as i64,
        })
        .collect();
    Ok(permute(input, order))
}

/// Tensors joined along `dim`; those of less than `rank` dimensions are given more by `grow`.
fn stacked(name: &str, tensors: &[Tensor], rank: usize, dim: i64, grow: impl Fn(&Tensor) -> T) -> Result<T> {
    if tensors.is_empty() {
        fail!(Runtime, "{name} expects a non-empty TensorList");
    }
    if tensors.iter().all(|x| x.ndim() >= rank) {
        return Ok(cat_with(tensors, dim));
    }
    let grown: Vec<T> = tensors.iter().map(|x| if x.ndim() < rank { grow(x) } else { T::from(x) }).collect();
    Ok(cat_with(&grown, dim))
}

fn unflattened(input: &Tensor, dim: i64, sizes: &[i64]) -> Result<T> {
    if sizes.is_empty() {
        fail!(Runtime, "unflatten: sizes must be non-empty");
    }
    let d = dims::wrap(dim, input.ndim())?;
    let whole = input.sizes().get(d).copied().unwrap_or(1);
    let known = sizes.iter().filter(|&&n| n != -1).fold(1i64, |known, &n| known.saturating_mul(n));
    let holes = sizes.iter().filter(|&&n| n == -1).count();
    if (holes == 0 && known != whole) || (holes == 1 && (known == 0 || whole % known != 0)) || holes > 1 {
        fail!(
            Runtime,
            "unflatten: Provided sizes {} don't multiply up to the size of dim {d} ({whole}) in the input tensor",
            crate::text::sizes(sizes)
        );
    }
    let inner = sizes.iter().map(|&n| if n == -1 { whole / known } else { n });
    let (before, after) = (&input.sizes()[..d], input.sizes().get(d + 1..).unwrap_or_default());
    Ok(view(input, before.iter().copied().chain(inner).chain(after.iter().copied()).collect::<Vec<_>>()))
}

/// Writes `src` over a view of the same sizes.
fn written(target: T, src: &Tensor) -> Result<()> {
    let target = target.tensor()?;
    if target.sizes() != src.sizes() {
        fail!(
            Runtime,
            "expected src to have a size equal to the slice of self. src size = {}, slice size = {}",
            crate::text::sizes(src.sizes()),
            crate::text::sizes(target.sizes())
        );
    }
    copy_(target, src).get().map(|_| ())
}
