//! Blocks of scores: where they lie, their products, and what a mask does to them.

use crate::{Attention, Sizes};
use corten_base::element::Cast;
use corten_base::{DType, Operand, Result, Scalar};
use corten_gemm::copy::copy;
use corten_gemm::product::Product;
use corten_gemm::scratch::{Ptr, Scratch};
use corten_gemm::storage::{Finish, Storage, View};
use corten_reduce::rows::Real;
use std::ops::Range;

/// A type that attention is computed in.
pub trait Number: Storage<Compute = Self> + Real + Cast<Self> {}

impl Number for f32 {}
impl Number for f64 {}

/// Rows are this much further apart than they are long: at a power of two they would share cache lines' places.
pub const GAP: usize = 16;

/// The matrix of one batch and head of an operand of four dimensions.
pub fn head<C>(x: &Operand, batch: usize, head: usize) -> View<C> {
    let steps = x.strides();
    let offset = batch as isize * steps[0] as isize + head as isize * steps[1] as isize;
    View { ptr: x.ptr().cast::<C>().wrapping_offset(offset), row: steps[2] as isize, column: steps[3] as isize }
}

/// `c = alpha * a @ b`, added to `c` where `add` says so, for (m, n) = (m, k) @ (k, n).
///
/// # Safety
/// The views must be valid for the sizes, and `c` must not overlap the factors.
pub unsafe fn product<C: Number>(
    [m, n, k]: [usize; 3],
    a: View<C>,
    b: View<C>,
    c: View<C>,
    alpha: f64,
    add: bool,
) -> Result<()> {
    let finish = Finish { alpha: Scalar::Float(alpha), beta: add.then_some(Scalar::Float(1.0)), ..Finish::NONE };
    // SAFETY: the caller's promise.
    unsafe { Product { m, n, k, a, b, c, finish }.run() }
}

/// The transposes of `rows` by `columns` matrices, one for each batch and head: products read their rows in place.
pub struct Turned<C> {
    at: Ptr<C>,
    step: usize,
    each: usize,
    heads: usize,
}

impl<C: Number> Turned<C> {
    /// Transposes the matrices of `x` into scratch memory.
    ///
    /// # Safety
    /// `x` must have four dimensions and elements of C; the scratch memory must outlive the result's use.
    pub unsafe fn new(x: &Operand, scratch: &mut Scratch) -> Result<Self> {
        let [batches, heads, rows, columns] = std::array::from_fn(|i| x.sizes()[i] as usize);
        let step = rows + GAP;
        let each = step * columns;
        let at = scratch.room::<C>(batches * heads * each)?;
        corten_base::pool::parallel_for(batches * heads, (1 << 14) / each.max(1) + 1, &|range| {
            for index in range {
                let from = head::<C>(x, index / heads, index % heads).transposed();
                // SAFETY: the room holds a matrix for each head, and tasks write those of their own.
                unsafe {
                    copy((columns, rows), at.at(index * each), step, from.ptr.cast_const(), (from.row, from.column));
                }
            }
        });
        Ok(Turned { at, step, each, heads })
    }

    /// The transpose for one batch and head.
    pub fn head(&self, batch: usize, head: usize) -> View<C> {
        View { ptr: self.at.at((batch * self.heads + head) * self.each), row: self.step as isize, column: 1 }
    }
}

/// A mask for one batch and head.
#[derive(Clone, Copy)]
pub enum Mask<C> {
    /// Every key is seen.
    None,
    /// Keys are seen where it is true.
    Seen(View<u8>),
    /// Added to the scores.
    Added(View<C>),
}

impl Attention<'_> {
    /// The mask for one batch and head.
    pub(crate) fn mask<C>(&self, batch: usize, number: usize) -> Mask<C> {
        match &self.mask {
            None => Mask::None,
            Some(mask) if mask.dtype() == DType::Bool => Mask::Seen(head(mask, batch, number)),
            Some(mask) => Mask::Added(head(mask, batch, number)),
        }
    }

    /// The keys that some of these queries see.
    pub(crate) fn keys_of(&self, queries: &Range<usize>, sizes: Sizes) -> usize {
        if self.causal { sizes.keys.min(queries.end) } else { sizes.keys }
    }
}

impl<C: Number> Mask<C> {
    /// Applies the mask to the score of a query with a key.
    ///
    /// # Safety
    /// The mask must hold an element for both.
    #[inline(always)]
    unsafe fn apply(self, score: C, query: usize, key: usize) -> C {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Mask::None => score,
                Mask::Seen(seen) if *seen.at(query, key).ptr != 0 => score,
                Mask::Seen(_) => C::from_f64(f64::NEG_INFINITY),
                Mask::Added(added) => score.plus(*added.at(query, key).ptr),
            }
        }
    }

    /// Applies the mask, and the order in time, to a row of scores: of one query with keys from `first` on.
    ///
    /// # Safety
    /// As [`Mask::apply`], for the query and all keys.
    pub unsafe fn on_query(self, row: &mut [C], query: usize, first: usize, causal: bool) {
        if !matches!(self, Mask::None) {
            for (i, score) in row.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                *score = unsafe { self.apply(*score, query, first + i) };
            }
        }
        if causal && first + row.len() > query + 1 {
            row[(query + 1).saturating_sub(first)..].fill(C::from_f64(f64::NEG_INFINITY));
        }
    }

    /// The same for a row of scores of one key with queries from `first` on.
    ///
    /// # Safety
    /// As [`Mask::apply`], for the key and all queries.
    pub unsafe fn on_key(self, row: &mut [C], key: usize, first: usize, causal: bool) {
        if !matches!(self, Mask::None) {
            for (i, score) in row.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                *score = unsafe { self.apply(*score, first + i, key) };
            }
        }
        if causal && first < key {
            let before = (key - first).min(row.len());
            row[..before].fill(C::from_f64(f64::NEG_INFINITY));
        }
    }
}
