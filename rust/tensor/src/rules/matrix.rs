//! Matrix products: sizes, PyTorch's messages, and the calls of the kernel.

use super::checks::cpp_name;
use crate::body::copy_values;
use crate::core::{Core, Dims};
use crate::op::Meta;
use crate::pointwise::{broadcast_strides, common_device, fresh};
use crate::tensor::Tensor;
use corten_base::{DType, Operand, Result, Scalar, fail};
use corten_elementwise::{Unary, unary};
use corten_gemm::{Epilogue, gemm};
use smallvec::smallvec;

fn shape(x: &Tensor) -> String {
    let sizes: Vec<String> = x.sizes().iter().map(i64::to_string).collect();
    sizes.join("x")
}

fn same_dtype(a: &Tensor, b: &Tensor) -> Result<()> {
    common_device([a, b])?;
    if a.dtype() != b.dtype() {
        fail!(
            Runtime,
            "expected m1 and m2 to have the same dtype, but got: {} != {}",
            cpp_name(a.dtype()),
            cpp_name(b.dtype())
        );
    }
    supported(a.dtype())
}

fn supported(dtype: DType) -> Result<()> {
    if dtype == DType::Bool {
        fail!(NotImplemented, "\"addmm_impl_cpu_\" not implemented for 'Bool'");
    }
    Ok(())
}

/// Checks two matrices; gives the sizes of their product.
fn matrices(names: [&str; 2], a: &Tensor, b: &Tensor) -> Result<Dims> {
    for (name, x) in names.iter().zip([a, b]) {
        if x.ndim() != 2 {
            fail!(Runtime, "{name} must be a matrix");
        }
    }
    if a.sizes()[1] != b.sizes()[0] {
        fail!(Runtime, "mat1 and mat2 shapes cannot be multiplied ({} and {})", shape(a), shape(b));
    }
    same_dtype(a, b)?;
    Ok(smallvec![a.sizes()[0], b.sizes()[1]])
}

/// `meta` of `mm`.
pub fn mm_meta(a: &Tensor, b: &Tensor) -> Result<Meta> {
    let sizes = matrices(["self", "mat2"], a, b)?;
    Ok(smallvec![fresh(a, sizes, a.dtype())])
}

/// `kernel` of `mm` and `bmm`.
pub fn product(a: &Tensor, b: &Tensor, out: &Tensor) -> Result<()> {
    gemm(out.core().operand()?, a.core().operand()?, b.core().operand()?, Epilogue::NONE)
}

/// What is added must have the products' dtype and broadcast to their sizes.
fn addend(input: &Tensor, product: &Tensor, sizes: &[i64]) -> Result<()> {
    common_device([input, product])?;
    if input.dtype() != product.dtype() {
        fail!(
            Runtime,
            "self and mat2 must have the same dtype, but got {} and {}",
            input.dtype().scalar_name(),
            product.dtype().scalar_name()
        );
    }
    super::view::expand(input, sizes).map(|_| ())
}

/// `meta` of `addmm`.
pub fn addmm_meta(input: &Tensor, a: &Tensor, b: &Tensor) -> Result<Meta> {
    let sizes = matrices(["mat1", "mat2"], a, b)?;
    addend(input, b, &sizes)?;
    Ok(smallvec![fresh(a, sizes, a.dtype())])
}

/// `kernel` of `addmm` and `baddbmm`.
pub fn add_product(input: &Tensor, a: &Tensor, b: &Tensor, beta: Scalar, alpha: Scalar, out: &Tensor) -> Result<()> {
    add_to_product(input, [a, b], Epilogue { alpha, beta, ..Epilogue::NONE }, out)
}

/// A vector along the columns goes in as a bias, anything else by way of the result.
fn add_to_product(input: &Tensor, [a, b]: [&Tensor; 2], epilogue: Epilogue, out: &Tensor) -> Result<()> {
    let (c, x, y) = (out.core().operand()?, a.core().operand()?, b.core().operand()?);
    let beta = epilogue.beta;
    if beta.to_f64() == 1.0 && input.ndim() == 1 && input.sizes().first() == out.sizes().last() {
        let bias = Some(input.core().operand()?);
        return gemm(c, x, y, Epilogue { beta: Scalar::Int(0), bias, ..epilogue });
    }
    if !beta.is_zero() {
        copy_values(out, input)?;
    }
    gemm(c, x, y, epilogue)
}

/// `meta` of `_addmm_activation`.
pub fn activated_meta(input: &Tensor, a: &Tensor, b: &Tensor, gelu: bool) -> Result<Meta> {
    let meta = addmm_meta(input, a, b)?;
    match a.dtype() {
        dtype if gelu && !Unary::gelu.supports(dtype.compute()) => dtype.unsupported("GeluKernelImpl"),
        dtype if dtype.is_complex() => fail!(NotImplemented, "clamp is not supported for complex types"),
        _ => Ok(meta),
    }
}

/// `kernel` of `_addmm_activation`: `relu` is part of the product, `gelu` costs more than a pass over memory and follows it.
pub fn add_product_activated(
    [input, a, b]: [&Tensor; 3],
    [beta, alpha]: [Scalar; 2],
    gelu: bool,
    out: &Tensor,
) -> Result<()> {
    add_to_product(input, [a, b], Epilogue { alpha, beta, bias: None, relu: !gelu }, out)?;
    if gelu {
        let y = out.core().operand()?;
        unary(Unary::gelu, y.dtype().compute(), y, y)?;
    }
    Ok(())
}

fn batches(names: [&str; 2], a: &Tensor, b: &Tensor) -> Result<Dims> {
    for (name, x) in names.iter().zip([a, b]) {
        if x.ndim() != 3 {
            fail!(Runtime, "{name} must be a 3D tensor");
        }
    }
    let (p, q) = (a.sizes(), b.sizes());
    if p[0] != q[0] || p[2] != q[1] {
        fail!(
            Runtime,
            "Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].",
            p[0],
            p[2],
            q[0],
            q[1]
        );
    }
    common_device([a, b])?;
    if a.dtype() != b.dtype() {
        fail!(Runtime, "expected scalar type {} but found {}", a.dtype().scalar_name(), b.dtype().scalar_name());
    }
    supported(a.dtype())?;
    Ok(smallvec![p[0], p[1], q[2]])
}

/// `meta` of `bmm`.
pub fn bmm_meta(a: &Tensor, b: &Tensor) -> Result<Meta> {
    let sizes = batches(["batch1", "batch2"], a, b)?;
    Ok(smallvec![fresh(a, sizes, a.dtype())])
}

/// `meta` of `baddbmm`.
pub fn baddbmm_meta(input: &Tensor, a: &Tensor, b: &Tensor) -> Result<Meta> {
    let sizes = batches(["batch1", "batch2"], a, b)?;
    addend(input, b, &sizes)?;
    Ok(smallvec![fresh(a, sizes, a.dtype())])
}

/// `meta` of `mv`.
pub fn mv_meta(a: &Tensor, x: &Tensor) -> Result<Meta> {
    if a.ndim() != 2 || x.ndim() != 1 {
        fail!(Runtime, "vector + matrix @ vector expected, got {}, {}, {}", x.ndim(), a.ndim(), x.ndim());
    }
    if a.sizes()[1] != x.sizes()[0] {
        fail!(Runtime, "size mismatch, got input ({}), mat ({}), vec ({})", a.sizes()[0], shape(a), x.sizes()[0]);
    }
    common_device([a, x])?;
    if a.dtype() != x.dtype() {
        fail!(Runtime, "expected scalar type {} but found {}", a.dtype().scalar_name(), x.dtype().scalar_name());
    }
    supported(a.dtype())?;
    Ok(smallvec![fresh(a, smallvec![a.sizes()[0]] as Dims, a.dtype())])
}

/// `kernel` of `mv`: a product with one column.
pub fn matrix_vector(a: &Tensor, x: &Tensor, out: &Tensor) -> Result<()> {
    let (rows, k) = (out.numel() as i64, x.numel() as i64);
    let (c, v) = ([rows, 1], [k, 1]);
    let (c_strides, v_strides) = ([out.strides()[0], 1], [x.strides()[0], 1]);
    gemm(
        out.core().operand_as(&c, &c_strides)?,
        a.core().operand()?,
        x.core().operand_as(&v, &v_strides)?,
        Epilogue::NONE,
    )
}

/// `meta` of `dot`.
pub fn dot_meta(x: &Tensor, y: &Tensor) -> Result<Meta> {
    if x.ndim() != 1 || y.ndim() != 1 {
        fail!(Runtime, "1D tensors expected, but got {}D and {}D tensors", x.ndim(), y.ndim());
    }
    common_device([x, y])?;
    if x.dtype() != y.dtype() {
        fail!(
            Runtime,
            "dot : expected both vectors to have same dtype, but found {} and {}",
            x.dtype().scalar_name(),
            y.dtype().scalar_name()
        );
    }
    if x.sizes() != y.sizes() {
        let (a, b) = (x.numel(), y.numel());
        fail!(
            Runtime,
            "inconsistent tensor size, expected tensor [{a}] and src [{b}] to have the same number of elements, but got {a} and {b} elements respectively"
        );
    }
    if x.dtype() == DType::Bool {
        fail!(NotImplemented, "\"dot\" not implemented for 'Bool'");
    }
    Ok(smallvec![fresh(x, Dims::new(), x.dtype())])
}

/// `kernel` of `dot`.
pub fn dot(x: &Tensor, y: &Tensor, out: &Tensor) -> Result<()> {
    corten_gemm::dot(out.core().operand()?, x.core().operand()?, y.core().operand()?)
}

/// `meta` of `linear`: any number of leading dimensions.
pub fn linear_meta(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Meta> {
    if input.ndim() == 0 || weight.ndim() == 0 || weight.ndim() > 2 {
        fail!(
            Runtime,
            "both arguments to linear need to be at least 1D, but they are {}D and {}D",
            input.ndim(),
            weight.ndim()
        );
    }
    let (x, w) = (input.sizes(), weight.sizes());
    let k = x[x.len() - 1];
    if k != w[w.len() - 1] {
        let rows: i64 = x[..x.len() - 1].iter().product();
        let transposed = if w.len() == 2 { format!("{}x{}", w[1], w[0]) } else { w[0].to_string() };
        fail!(Runtime, "mat1 and mat2 shapes cannot be multiplied ({rows}x{k} and {transposed})");
    }
    if bias.is_some() && input.dtype() != weight.dtype() {
        let (a, b) = (input.dtype().scalar_name(), weight.dtype().scalar_name());
        fail!(Runtime, "mat1 and mat2 must have the same dtype, but got {a} and {b}");
    }
    same_dtype(input, weight)?;
    let mut sizes: Dims = x[..x.len() - 1].into();
    if w.len() == 2 {
        sizes.push(w[0]);
    }
    if let Some(bias) = bias {
        addend(bias, weight, &sizes)?;
    }
    Ok(smallvec![fresh(input, sizes, input.dtype())])
}

/// The leading dimensions of `x` as one, so that it is a matrix; strides that do not allow it give `None`.
fn as_matrix(x: &Core) -> Option<([i64; 2], [i64; 2])> {
    let last = x.ndim() - 1;
    let rows: i64 = x.sizes[..last].iter().product();
    if x.numel() == 0 {
        return Some(([rows, x.sizes[last]], [x.sizes[last].max(1), 1]));
    }
    let mut stride = x.sizes[last].max(1);
    let mut expected: Option<i64> = None;
    for d in (0..last).rev().filter(|&d| x.sizes[d] != 1) {
        match expected {
            None => stride = x.strides[d],
            Some(expected) if expected != x.strides[d] => return None,
            _ => {}
        }
        expected = Some(x.strides[d].checked_mul(x.sizes[d])?);
    }
    Some(([rows, x.sizes[last]], [stride, x.strides[last]]))
}

/// `kernel` of `linear`: `input @ weight.T + bias`.
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, out: &Tensor) -> Result<()> {
    let packed;
    let (core, (sizes, strides)) = match as_matrix(input.core()) {
        Some(geometry) => (input.core(), geometry),
        None => {
            packed = crate::ops::cast::contiguous(input).tensor()?;
            let Some(geometry) = as_matrix(packed.core()) else { fail!(Runtime, "linear: input cannot be a matrix") };
            (packed.core(), geometry)
        }
    };
    let w = weight.core();
    let (columns, w_strides) = match w.ndim() {
        2 => (w.sizes[0], [w.strides[1], w.strides[0]]),
        _ => (1, [w.strides[0], 1]),
    };
    let (w_sizes, out_sizes, out_strides) = ([sizes[1], columns], [sizes[0], columns], [columns.max(1), 1]);
    let direct = out.core().is_contiguous();
    let made = if direct { out.clone() } else { Tensor::empty(out.sizes(), out.dtype(), out.device())? };
    let target = made.core().operand_as(&out_sizes, &out_strides)?;
    let (x, w) = (core.operand_as(&sizes, &strides)?, w.operand_as(&w_sizes, &w_strides)?);
    add_bias(target, x, w, bias, &made)?;
    if direct { Ok(()) } else { copy_values(out, &made) }
}

fn add_bias(target: Operand, x: Operand, w: Operand, bias: Option<&Tensor>, out: &Tensor) -> Result<()> {
    let epilogue = match bias {
        None => Epilogue::NONE,
        Some(bias) if bias.ndim() == 1 && bias.sizes()[0] == target.sizes()[1] => {
            Epilogue { bias: Some(bias.core().operand()?), ..Epilogue::NONE }
        }
        Some(bias) => {
            let strides = broadcast_strides(bias.core(), out.sizes());
            corten_elementwise::copy(out.core().operand()?, bias.core().operand_as(out.sizes(), &strides)?)?;
            Epilogue { beta: Scalar::Int(1), ..Epilogue::NONE }
        }
    };
    gemm(target, x, w, epilogue)
}

/// The sizes of a batched product's leading dimensions.
pub fn batch_sizes(a: &Tensor, b: &Tensor) -> Result<Dims> {
    crate::pointwise::broadcast([&a.sizes()[..a.ndim() - 2], &b.sizes()[..b.ndim() - 2]])
}

/// Refuses `linalg_vecdot` of integers, and of two dtypes.
pub fn need_float_vectors(x: &Tensor, y: &Tensor) -> Result<()> {
    let (a, b) = (x.dtype(), y.dtype());
    if !a.is_differentiable() {
        fail!(Runtime, "linalg.vecdot: Expected a floating point or complex tensor as input. Got {}", a.scalar_name());
    }
    if a != b {
        fail!(
            Runtime,
            "linalg.vecdot: Expected x and y to have the same dtype, but found x of type {} and y of type {} instead",
            a.scalar_name(),
            b.scalar_name()
        );
    }
    Ok(())
}
