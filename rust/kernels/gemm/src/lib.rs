//! Matrix products of every dtype but bool.
//!
//! Every element of the output is the same sum on any instruction set, any number of threads and any tile: its terms in
//! ascending k, in chains of 512 fused multiply-adds that start from zero (256 complex terms), the chains added in order;
//! then `alpha * sum + (beta * out + bias)`. Products with a real vector (m = 1 or n = 1) and of a row with a column
//! (m = n = 1) are summed in 64 lanes instead, see [`dot`]. The rule depends on the shape alone. Halves are summed in f32 and rounded once; integers wrap around.

#[doc(hidden)]
pub mod copy;
mod distance;
mod dot;
mod prepared;
#[doc(hidden)]
pub mod product;
#[doc(hidden)]
pub mod scratch;
#[doc(hidden)]
pub mod simd;
#[doc(hidden)]
pub mod storage;
#[doc(hidden)]
pub mod tile;
mod vector;

use corten_base::pool::try_parallel_for;
use corten_base::{DType, Operand, Result, Scalar, fail};
pub use distance::distances;
pub use prepared::Prepared;
use product::{Product, TASK_WORK};
use storage::{Finish, Storage, View};

/// What follows a product: `relu(alpha * product + (beta * out + bias))`.
#[derive(Clone, Copy)]
pub struct Epilogue<'a> {
    /// Factor of the product.
    pub alpha: Scalar,
    /// Factor of what `out` held; where it is zero `out` is not read.
    pub beta: Scalar,
    /// One number for each column.
    pub bias: Option<Operand<'a>>,
    /// Whether what is below zero becomes zero.
    pub relu: bool,
}

impl Epilogue<'_> {
    /// The product itself.
    pub const NONE: Self = Epilogue { alpha: Scalar::Int(1), beta: Scalar::Int(0), bias: None, relu: false };
}

/// `out = relu(alpha * (a @ b) + (beta * out + bias))` for `(m, n) = (m, k) @ (k, n)`, or batches of them with one
/// leading dimension. All are of one dtype, with any strides. `out` must not overlap the factors.
///
/// # Errors
/// Sizes that do not fit, different dtypes, bool, `relu` of complex numbers, an `out` whose elements share memory, and too
/// little memory.
pub fn gemm(out: Operand, a: Operand, b: Operand, epilogue: Epilogue) -> Result<()> {
    let dims = out.ndim();
    if !(dims == 2 || dims == 3) || a.ndim() != dims || b.ndim() != dims {
        fail!(
            Runtime,
            "matrix product: expected 2 or 3 dimensions in out, a and b, got {dims}, {} and {}",
            a.ndim(),
            b.ndim()
        );
    }
    let (c, x, y) = (out.sizes(), a.sizes(), b.sizes());
    let (m, n, k) = (c[dims - 2], c[dims - 1], x[dims - 1]);
    if x[dims - 2] != m || y[dims - 2] != k || y[dims - 1] != n || (dims == 3 && (x[0] != c[0] || y[0] != c[0])) {
        fail!(Runtime, "matrix product: sizes {x:?} and {y:?} do not give {c:?}");
    }
    let bias = epilogue.bias;
    if let Some(bias) = bias
        && bias.sizes() != [n]
    {
        fail!(Runtime, "matrix product: a bias of sizes {:?} does not fit {n} columns", bias.sizes());
    }
    for other in [Some(a), Some(b), bias].into_iter().flatten() {
        if other.dtype() != out.dtype() {
            fail!(Runtime, "matrix product: expected {} for every operand, got {}", out.dtype(), other.dtype());
        }
    }
    if epilogue.relu && out.dtype().is_complex() {
        fail!(Runtime, "matrix product: no relu of {}", out.dtype());
    }
    refuse_shared(&out)?;
    let batch = if dims == 3 { c[0] } else { 1 };
    let sizes = [batch, m, n, k].map(|size| size as usize);
    dispatch(sizes, Matrices::new(out), Matrices::new(a), Matrices::new(b), epilogue)
}

/// `out = x · y` for one-dimensional `x` and `y` of one size and `out` of one element: the term `t` goes to lane
/// `t mod 64` of its leaf of 4096 terms, a leaf's lanes are added in halves, the leaves in order.
///
/// # Errors
/// As [`gemm`].
pub fn dot(out: Operand, x: Operand, y: Operand) -> Result<()> {
    if x.ndim() != 1 || y.ndim() != 1 || x.sizes() != y.sizes() || out.sizes().iter().any(|&size| size != 1) {
        fail!(Runtime, "dot: sizes {:?} and {:?} do not give {:?}", x.sizes(), y.sizes(), out.sizes());
    }
    if x.dtype() != out.dtype() || y.dtype() != out.dtype() {
        fail!(Runtime, "dot: expected {} for both vectors, got {} and {}", out.dtype(), x.dtype(), y.dtype());
    }
    let one = |x: &Operand, row, column| Matrices { ptr: x.ptr(), dtype: x.dtype(), step: 0, row, column };
    let (row, column) = (one(&x, 0, x.strides()[0] as isize), one(&y, y.strides()[0] as isize, 0));
    let sizes = [1, 1, 1, x.numel()];
    dispatch(sizes, one(&out, 1, 1), row, column, Epilogue::NONE)
}

/// A batch of matrices.
#[derive(Clone, Copy)]
struct Matrices {
    ptr: *mut u8,
    dtype: DType,
    step: isize,
    row: isize,
    column: isize,
}

// SAFETY: an address with strides; the products partition what they write between threads.
unsafe impl Sync for Matrices {}

impl Matrices {
    /// The matrices of an operand of two or three dimensions.
    fn new(x: Operand) -> Self {
        let (strides, dims) = (x.strides(), x.ndim());
        let step = if dims == 3 { strides[0] as isize } else { 0 };
        let (row, column) = (strides[dims - 2] as isize, strides[dims - 1] as isize);
        Matrices { ptr: x.ptr(), dtype: x.dtype(), step, row, column }
    }

    fn view<S>(&self, batch: usize) -> View<S> {
        let ptr = self.ptr.cast::<S>().wrapping_offset(batch as isize * self.step);
        View { ptr, row: self.row, column: self.column }
    }
}

fn dispatch(sizes: [usize; 4], c: Matrices, a: Matrices, b: Matrices, epilogue: Epilogue) -> Result<()> {
    if sizes[..3].contains(&0) {
        return Ok(());
    }
    let run = match c.dtype {
        DType::Bool => fail!(Runtime, "matrix product: not defined for torch.bool"),
        DType::U8 => batches::<u8>,
        DType::I8 => batches::<i8>,
        DType::U16 => batches::<u16>,
        DType::I16 => batches::<i16>,
        DType::U32 => batches::<u32>,
        DType::I32 => batches::<i32>,
        DType::U64 => batches::<u64>,
        DType::I64 => batches::<i64>,
        DType::F16 => batches::<corten_base::f16>,
        DType::BF16 => batches::<corten_base::bf16>,
        DType::F32 => batches::<f32>,
        DType::F64 => batches::<f64>,
        DType::C64 => batches::<corten_base::c64>,
        DType::C128 => batches::<corten_base::c128>,
    };
    run(sizes, c, a, b, epilogue)
}

fn batches<S: Storage>(
    [batch, m, n, k]: [usize; 4],
    c: Matrices,
    a: Matrices,
    b: Matrices,
    Epilogue { alpha, beta, bias, relu }: Epilogue,
) -> Result<()> {
    let finish = Finish {
        alpha,
        beta: (!beta.is_zero()).then_some(beta),
        bias: bias.map_or(std::ptr::null(), |bias| bias.ptr().cast::<S>().cast_const()),
        bias_step: bias.map_or(0, |bias| bias.strides()[0] as isize),
        bias_row: 0,
        relu,
    };
    let one = |i: usize| {
        let (a, b, c) = (a.view(i), b.view(i), c.view(i));
        if m == 1 && n == 1 && S::PARTS == 2 {
            // SAFETY: the operands' sizes give these views, of one element, a row and a column.
            unsafe {
                let sum = dot::complex_dot::<S>(k, a, b);
                S::finish(sum.as_ptr(), 0, 1, 1, c, &finish);
            }
            return Ok(());
        }
        // SAFETY: the operands' sizes give these views, and `refuse_shared` saw that the output does not overlap itself.
        unsafe { Product { m, n, k, a, b, c, finish }.run() }
    };
    let work = m.saturating_mul(n).saturating_mul(k.max(1)).saturating_mul(S::PARTS);
    if batch == 1 {
        return one(0);
    }
    if work > 16 * TASK_WORK {
        return (0..batch).try_for_each(one);
    }
    try_parallel_for(batch, TASK_WORK / work + 1, &|mut range| range.try_for_each(one))
}

/// Refuses an output two of whose elements share memory: threads would write them at once.
#[doc(hidden)]
pub fn refuse_shared(out: &Operand) -> Result<()> {
    if out.is_contiguous() {
        return Ok(());
    }
    // In ascending order of stride each dimension must step over all before it; what this cannot tell is refused too.
    let mut steps: smallvec::SmallVec<[(u64, u64); 8]> = (out.sizes().iter().zip(out.strides()))
        .filter(|&(&size, _)| size > 1)
        .map(|(&size, &stride)| (stride.unsigned_abs(), size as u64 - 1))
        .collect();
    steps.sort_unstable();
    let mut reach = 0;
    for (step, count) in steps {
        if step <= reach && !out.sizes().contains(&0) {
            fail!(Runtime, "out has elements that share memory: sizes {:?}, strides {:?}", out.sizes(), out.strides());
        }
        reach += step * count;
    }
    Ok(())
}
