//! Products of vectors and matrices.

use super::all::*;
use crate::body::in_single;
use crate::lazy::T;
use crate::rules::checks;
use crate::rules::matrix;
use crate::value::Value;
use crate::{Result, Scalar, Tensor, fail};
use corten_tables::ops;

ops! { family = matrix;

/// Product of two matrices.
mm(input: Tensor, mat2: Tensor) -> Tensor { meta: matrix::mm_meta(input, mat2); kernel: matrix::product(input, mat2, &outs[0]); forms: fn method out; domain: matrix(3, 4), matrix(4, 5) }
/// Products of pairs of matrices.
bmm(input: Tensor, mat2: Tensor) -> Tensor { meta: matrix::bmm_meta(input, mat2); kernel: matrix::product(input, mat2, &outs[0]); forms: fn method out; domain: matrix(2, 3, 4), matrix(2, 4, 5) }
/// Product of a matrix and a vector.
mv(input: Tensor, vec: Tensor) -> Tensor { meta: matrix::mv_meta(input, vec); kernel: matrix::matrix_vector(input, vec, &outs[0]); forms: fn method out; domain: matrix(3, 4), matrix(4) }
/// Sum of the products of two vectors' elements.
dot(input: Tensor, tensor: Tensor) -> Tensor { meta: matrix::dot_meta(input, tensor); kernel: matrix::dot(input, tensor, &outs[0]); forms: fn method out; domain: matrix(4), matrix(4) }
/// Sum of the products of two vectors' elements, of which the first are conjugated.
vdot(input: Tensor, other: Tensor) -> Tensor { composite: dot(conj(input), other); forms: fn method out; domain: matrix(4), matrix(4) }
/// Sums of products along a dimension, conjugating `x`.
linalg_vecdot(x: Tensor, y: Tensor, *, dim: Dim = -1) -> Tensor { composite: { matrix::need_float_vectors(x, y)?; sum_dim_with(mul(conj(x), y), [dim], false, Value::None) }; forms: fn(linalg) out; domain: any, any }
/// Product of vectors, matrices or batches of matrices, by their dimensions.
matmul(input: Tensor, other: Tensor) -> Tensor { composite: matmul_of(input, other); forms: fn method out; alias: __matmul__; domain: matrix(2, 3, 4), matrix(4, 5) }
/// `input` times `weight` transposed, plus `bias`.
linear(input: Tensor, weight: Tensor, bias: Tensor?) -> Tensor { meta: matrix::linear_meta(input, weight, bias); kernel: matrix::linear(input, weight, bias, &outs[0]); forms: fn; domain: matrix(2, 3, 4), matrix(5, 4), matrix(5) }
/// `beta * input + alpha * mat1 @ mat2`.
addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1) -> Tensor { meta: matrix::addmm_meta(input, mat1, mat2); kernel: matrix::add_product(input, mat1, mat2, beta, alpha, &outs[0]); forms: fn method inplace out; domain: matrix(5), matrix(3, 4), matrix(4, 5) }
/// `relu` (or `gelu`) of `addmm`, in one pass.
_addmm_activation(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1, use_gelu: bool = false) -> Tensor { meta: matrix::activated_meta(input, mat1, mat2, use_gelu); kernel: matrix::add_product_activated([input, mat1, mat2], [beta, alpha], use_gelu, &outs[0]); forms: fn method out; domain: matrix(5), matrix(3, 4), matrix(4, 5) }
/// `beta * input + alpha * batch1 @ batch2`, for each of a batch.
baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1) -> Tensor { meta: matrix::baddbmm_meta(input, batch1, batch2); kernel: matrix::add_product(input, batch1, batch2, beta, alpha, &outs[0]); forms: fn method inplace out; domain: matrix(2, 3, 5), matrix(2, 3, 4), matrix(2, 4, 5) }
/// `beta * input + alpha * Σ batch1 @ batch2`, summed over the batch.
addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1) -> Tensor { composite: scaled_sum(input, [batch1, batch2], |x, y| sum_dim_with(bmm(x, y), [0], false, Value::None), beta, alpha); forms: fn method inplace out; domain: matrix(3, 5), matrix(2, 3, 4), matrix(2, 4, 5) }
/// `beta * input + alpha * mat @ vec`.
addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1) -> Tensor { composite: scaled_sum(input, [mat, vec], mv, beta, alpha); forms: fn method inplace(fn) out; domain: matrix(3), matrix(3, 4), matrix(4) }
/// `beta * input + alpha * outer(vec1, vec2)`.
addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1) -> Tensor { composite: { checks::factors(&args[..3], [("beta", beta), ("alpha", alpha)])?; scaled_sum(input, [vec1, vec2], outer, beta, alpha)? }; forms: fn method inplace out; domain: matrix(3, 4), matrix(3), matrix(4) }
/// Products of every element of one vector with every element of another.
outer(input: Tensor, vec2: Tensor) -> Tensor { composite: outer_of(input, vec2); forms: fn method out; alias: ger; domain: matrix(3), matrix(4) }
/// Sums of products over the last dimensions.
inner(input: Tensor, other: Tensor) -> Tensor { composite: inner_of(input, other); forms: fn method out; domain: matrix(3, 4), matrix(5, 4) }

}

/// `beta * input + alpha * product`; the factors take the tensors' dtype.
fn scaled_sum(input: &Tensor, factors: [&Tensor; 2], product: fn(T, T) -> T, beta: Scalar, alpha: Scalar) -> Result<T> {
    let [x, y] = factors;
    let dtype = input.dtype().promote(x.dtype().promote(y.dtype()));
    in_single(dtype, [input, x, y], |[input, x, y]| scaled_sum_of(&input.tensor()?, product(x, y), beta, alpha))
}

fn scaled_sum_of(input: &Tensor, product: T, beta: Scalar, alpha: Scalar) -> Result<T> {
    let product = product.tensor()?;
    // Of an input that does not count the sizes are checked all the same.
    crate::rules::view::expand(input, product.sizes())?;
    let product = T::from(product);
    let factor = |x: Scalar| match input.dtype() {
        crate::DType::Bool => Scalar::Bool(!x.is_zero()),
        dtype if dtype.is_integral(true) => Scalar::Int(x.to_i64()),
        _ => x,
    };
    let (beta, alpha) = (factor(beta), factor(alpha));
    let is_one = |x: Scalar| x.to_f64() == 1.0;
    let product = if is_one(alpha) { product } else { mul(product, alpha) };
    Ok(match beta {
        beta if beta.is_zero() => product,
        beta if is_one(beta) => add(product, input),
        beta => add(product, mul(input, beta)),
    })
}

fn outer_of(x: &Tensor, y: &Tensor) -> Result<T> {
    for (name, v) in [("self", x), ("vec2", y)] {
        if v.ndim() != 1 {
            fail!(Runtime, "outer: Expected 1-D argument {name}, but got {}-D", v.ndim());
        }
    }
    Ok(mul(unsqueeze(x, 1), y))
}

fn inner_of(x: &Tensor, y: &Tensor) -> Result<T> {
    if x.ndim() == 0 || y.ndim() == 0 {
        return Ok(mul(x, y));
    }
    let (a, b) = (x.sizes(), y.sizes());
    let k = a[a.len() - 1];
    if b.last() != Some(&k) {
        fail!(
            Runtime,
            "inner() the last dimension must match on both input tensors but got shapes {} and {}",
            crate::text::sizes(a),
            crate::text::sizes(b)
        );
    }
    let (rows, columns): (i64, i64) = (a[..a.len() - 1].iter().product(), b[..b.len() - 1].iter().product());
    let product = mm(reshape(x, [rows, k]), t(reshape(y, [columns, k])));
    Ok(reshape(product, [&a[..a.len() - 1], &b[..b.len() - 1]].concat()))
}

fn matmul_of(x: &Tensor, y: &Tensor) -> Result<T> {
    Ok(match (x.ndim(), y.ndim()) {
        (0, _) | (_, 0) => fail!(
            Runtime,
            "both arguments to matmul need to be at least 1D, but they are {}D and {}D",
            x.ndim(),
            y.ndim()
        ),
        (1, 1) => dot(x, y),
        (2, 1) => mv(x, y),
        (1, 2) => squeeze_dim(mm(unsqueeze(x, 0), y), [0]),
        (2, 2) => mm(x, y),
        (_, 1) => {
            let (lead, k) = x.sizes().split_at(x.ndim() - 1);
            let rows: i64 = lead.iter().product();
            _unsafe_view(mv(reshape(x, [rows, k[0]]), y), lead)
        }
        (_, 2) => {
            let (lead, k) = x.sizes().split_at(x.ndim() - 1);
            let rows: i64 = lead.iter().product();
            _unsafe_view(mm(reshape(x, [rows, k[0]]), y), [lead, &y.sizes()[1..]].concat())
        }
        (1, _) => squeeze_dim(matmul_of(&unsqueeze(x, 0).tensor()?, y)?, [-2]),
        _ => batched(x, y)?,
    })
}

/// Batches of matrices whose leading dimensions broadcast.
fn batched(x: &Tensor, y: &Tensor) -> Result<T> {
    let lead = matrix::batch_sizes(x, y)?;
    let count: i64 = lead.iter().product();
    let stacked = |x: &Tensor| {
        let tail = &x.sizes()[x.ndim() - 2..];
        reshape(expand(x, [&lead[..], tail].concat()), [count, tail[0], tail[1]])
    };
    let product = bmm(stacked(x), stacked(y));
    let (rows, columns) = (x.sizes()[x.ndim() - 2], y.sizes()[y.ndim() - 1]);
    Ok(_unsafe_view(product, [&lead[..], &[rows, columns]].concat()))
}
