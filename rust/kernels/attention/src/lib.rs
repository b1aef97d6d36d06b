//! Scaled dot-product attention by blocks, `softmax(scale · q kᵀ + mask) v`, forward and backward.
//!
//! The scores of a block of queries with a block of keys are all that is ever held of them, so that memory grows with the
//! length and not with its square (Dao et al., "FlashAttention", 2022; the running maximum of Milakov and Gimelshein,
//! 2018). Blocks are cut by length alone and joined in order, so that every result is the same on any instruction set and
//! any number of threads.

mod backward;
mod blocks;
mod forward;

use corten_base::{DType, Operand, Result, fail};
use corten_gemm::refuse_shared;

/// What is attended: `query` (B, H, L, E), `key` (B, H, S, E), `value` (B, H, S, V), of float32 or float64 and any
/// strides, and what a query may see.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// (B, H, L, E).
    pub query: Operand<'a>,
    /// (B, H, S, E).
    pub key: Operand<'a>,
    /// (B, H, S, V).
    pub value: Operand<'a>,
    /// (B, H, L, S): bool (true where a query sees a key), or numbers of the same dtype that are added to the scores.
    pub mask: Option<Operand<'a>>,
    /// True if query `i` sees keys up to `i` only.
    pub causal: bool,
    /// Factor of the products.
    pub scale: f64,
}

/// B, H, L, S, E and V.
#[derive(Clone, Copy)]
struct Sizes {
    batches: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
    out_width: usize,
}

impl Attention<'_> {
    /// The sizes, if all operands have fitting ones.
    fn sizes(&self) -> Result<Sizes> {
        let (q, k, v) = (self.query.sizes(), self.key.sizes(), self.value.sizes());
        let (&[b, h, l, e], &[_, _, s, _], &[_, _, _, w]) = (q, k, v) else {
            fail!(Runtime, "attention takes four dimensions of query, key and value, but got {q:?}, {k:?} and {v:?}");
        };
        if k != [b, h, s, e] || v != [b, h, s, w] {
            fail!(Runtime, "attention: sizes {q:?}, {k:?} and {v:?} of query, key and value do not fit");
        }
        let dtype = self.query.dtype();
        if self.key.dtype() != dtype || self.value.dtype() != dtype {
            fail!(Runtime, "attention: {dtype}, {} and {} differ", self.key.dtype(), self.value.dtype());
        }
        if let Some(mask) = self.mask {
            if mask.sizes() != [b, h, l, s] {
                fail!(Runtime, "attention: a mask of sizes {:?} does not fit {:?}", mask.sizes(), [b, h, l, s]);
            }
            if mask.dtype() != dtype && mask.dtype() != DType::Bool {
                fail!(Runtime, "attention: a mask of {} does not fit a query of {dtype}", mask.dtype());
            }
        }
        let [batches, heads, queries, keys, width, out_width] = [b, h, l, s, e, w].map(|size| size as usize);
        Ok(Sizes { batches, heads, queries, keys, width, out_width })
    }
}

/// Refuses a result whose sizes or dtype differ from what is expected, or whose elements share memory.
fn check_result(out: &Operand, sizes: &[i64], dtype: DType) -> Result<()> {
    if out.sizes() != sizes || out.dtype() != dtype {
        fail!(Runtime, "attention: expected {sizes:?} of {dtype}, but got {:?} of {}", out.sizes(), out.dtype());
    }
    refuse_shared(out)
}

/// Writes what each query attends to `out` (B, H, L, V), and the logarithm of the sum of the exponentials of its scores
/// to `log_sums` (B, H, L), contiguous: -∞ where it sees nothing, for which `out` is zero. Neither may overlap the rest.
///
/// # Errors
/// Sizes and dtypes that do not fit, and too little memory.
pub fn attention(out: Operand, log_sums: Operand, job: &Attention) -> Result<()> {
    let sizes = job.sizes()?;
    let q = job.query.sizes();
    check_result(&out, &[q[0], q[1], q[2], job.value.sizes()[3]], job.query.dtype())?;
    check_result(&log_sums, &q[..3], job.query.dtype())?;
    contiguous(&log_sums)?;
    match job.query.dtype() {
        DType::F32 => forward::run::<f32>(&out, &log_sums, job, sizes),
        DType::F64 => forward::run::<f64>(&out, &log_sums, job, sizes),
        other => other.unsupported("flash_attention"),
    }
}

/// Writes the gradients of query, key and value from that of the result (`g`), with what [`attention`] wrote.
///
/// # Errors
/// As [`attention`].
pub fn attention_backward(
    [gq, gk, gv]: [Operand; 3],
    g: Operand,
    out: Operand,
    log_sums: Operand,
    job: &Attention,
) -> Result<()> {
    let sizes = job.sizes()?;
    let (q, dtype) = (job.query.sizes(), job.query.dtype());
    for (gradient, of) in [(&gq, &job.query), (&gk, &job.key), (&gv, &job.value)] {
        check_result(gradient, of.sizes(), dtype)?;
    }
    for x in [&g, &out] {
        if *x.sizes() != [q[0], q[1], q[2], job.value.sizes()[3]] || x.dtype() != dtype {
            fail!(Runtime, "attention: a result of {:?} of {} does not fit", x.sizes(), x.dtype());
        }
    }
    if *log_sums.sizes() != q[..3] || log_sums.dtype() != dtype {
        fail!(Runtime, "attention: sums of {:?} of {} do not fit", log_sums.sizes(), log_sums.dtype());
    }
    contiguous(&log_sums)?;
    match dtype {
        DType::F32 => backward::run::<f32>([&gq, &gk, &gv], [&g, &out, &log_sums], job, sizes),
        DType::F64 => backward::run::<f64>([&gq, &gk, &gv], [&g, &out, &log_sums], job, sizes),
        other => other.unsupported("flash_attention_backward"),
    }
}

fn contiguous(x: &Operand) -> Result<()> {
    if x.is_contiguous() {
        return Ok(());
    }
    fail!(Runtime, "attention: expected contiguous sums, but got strides {:?}", x.strides())
}
