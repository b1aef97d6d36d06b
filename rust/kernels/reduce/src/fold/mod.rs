//! Folds over any dimensions: which elements belong to which result, and the choice between the layouts of them.

mod columns;
mod few;
mod rows;
mod tower;
mod tree;

pub(crate) use tower::{LEVELS, Tower, join_row};
pub(crate) use tree::{
    ExpDifference, Function, Join, LEAF, Largest, Magnitude, NanToZero, Product, SHORT, Same, Smallest, Square,
    SquaredDifference, Sum, Tree, leaf, leaf_abreast, tree, tree_of,
};

use crate::lines::{address, same_sizes};
use crate::source::{Mapped, Reader};
use columns::Columns;
use corten_base::{Operand, Result, fail};
use corten_strided::{Dim, Dims};

/// Elements a task should have at least.
const GRAIN: usize = 32_768;
/// Elements of a line that is worth a tree of its own.
const LINE: usize = 256;

/// Folds `F` of what `reader` reads into `out`; `finish` makes the result of what was joined.
pub(crate) fn fold<C: Mapped, J: Join<C>, F: Function<C>>(
    out: &Operand,
    reader: &Reader,
    finish: impl Fn(C) -> C + Sync,
) -> Result<()> {
    if few::fold_few::<C, J, F>(out, reader, &finish) {
        return Ok(());
    }
    fold_by(Tree::new::<J, F>(), out, reader, &|values| values.iter_mut().for_each(|value| *value = finish(*value)))
}

/// [`fold`] of any number of elements: one body for all ways to join and to finish.
#[inline(never)]
fn fold_by<C: Mapped>(tree: Tree<C>, out: &Operand, reader: &Reader, finish: &(dyn Fn(&mut [C]) + Sync)) -> Result<()> {
    let fold = Fold::new(tree, out, reader, finish)?;
    let results = fold.kept.numel();
    if results == 0 {
        return Ok(());
    }
    if let Some(columns) = Columns::beside(&fold).or_else(|| Columns::behind(&fold)) {
        return columns.fold();
    }
    match *fold.reduced.as_slice() {
        [line] if results < 8 && fold.count >= 4 * GRAIN => rows::long_rows(&fold, line),
        [Dim { strides: [1, _], .. }] if fold.count <= LEAF && reader.direct::<C>() && reader.center.is_none() => {
            rows::lines(&fold);
            Ok(())
        }
        _ => rows::rows(&fold),
    }
}

/// A fold to be done.
struct Fold<'a, C> {
    tree: Tree<C>,
    out: &'a Operand<'a>,
    reader: &'a Reader<'a>,
    /// Makes results of what was joined, in place.
    finish: &'a (dyn Fn(&mut [C]) + Sync),
    /// The dimensions of the results: steps through x, y, the centers and `out`.
    kept: Dims<4>,
    /// Those of a result's elements: steps through x and y.
    reduced: Dims<2>,
    /// Elements of a result.
    count: usize,
}

impl<'a, C: Mapped> Fold<'a, C> {
    fn new(tree: Tree<C>, out: &'a Operand, reader: &'a Reader, finish: &'a (dyn Fn(&mut [C]) + Sync)) -> Result<Self> {
        let x = &reader.x;
        for other in [&reader.y, &reader.center].into_iter().flatten() {
            same_sizes(x, other)?;
        }
        if out.ndim() != x.ndim() {
            fail!(Runtime, "a result of {} dimensions cannot take a reduction of {}", out.ndim(), x.ndim());
        }
        let (from, to) = (x.sizes(), out.sizes());
        if let Some(i) = (0..x.ndim()).find(|&i| to[i] != from[i] && to[i] != 1) {
            fail!(Runtime, "the result has size {} along dimension {i}, which has size {}", to[i], from[i]);
        }
        let step = |o: &Option<Operand>, i: usize| o.as_ref().map_or(0, |o| o.strides()[i] as isize);
        let kept = (0..x.ndim()).filter(|&i| to[i] == from[i]).map(|i| Dim {
            size: from[i] as usize,
            strides: [x.strides()[i] as isize, step(&reader.y, i), step(&reader.center, i), out.strides()[i] as isize],
        });
        let reduced = (0..x.ndim())
            .filter(|&i| to[i] != from[i])
            .map(|i| Dim { size: from[i] as usize, strides: [x.strides()[i] as isize, step(&reader.y, i)] });
        let kept = Dims::from_dims(kept).sorted().coalesced();
        let reduced = Dims::from_dims(reduced).sorted().coalesced();
        let count = reduced.numel();
        Ok(Fold { tree, out, reader, finish, kept, reduced, count })
    }

    /// Numbers that lie in `x` as they are read.
    ///
    /// # Safety
    /// They must be elements of `x`, which is of type `C`.
    #[inline]
    unsafe fn numbers(&self, offset: isize, count: usize) -> &[C] {
        let from = self.reader.x.ptr().cast::<C>().wrapping_offset(offset);
        // SAFETY: the caller's promise; nothing writes `x` meanwhile.
        unsafe { std::slice::from_raw_parts(from, count) }
    }

    /// The center of the result at this offset, zero if there are none.
    #[inline]
    fn center(&self, offset: isize) -> C {
        let mut center = [C::ZERO];
        // SAFETY: the center of this result.
        unsafe { self.reader.centers(offset, 1, &mut center) };
        center[0]
    }

    /// Writes the results of what was joined to the elements of `out` from `offset` on, `stride` apart.
    ///
    /// # Safety
    /// They must be elements of `out`.
    #[inline]
    unsafe fn write(&self, offset: isize, stride: isize, values: &mut [C]) {
        (self.finish)(values);
        let dtype = self.out.dtype();
        let to = address(self.out, offset);
        // SAFETY: the caller's promise.
        unsafe {
            match values {
                // Faster than by way of all dtypes.
                [value] if dtype == C::DTYPE => to.cast::<C>().write(*value),
                _ => C::store(dtype, to, stride, values),
            }
        }
    }
}

/// Number of elements that each result takes in.
pub(crate) fn reduced_count(out: &Operand, x: &Operand) -> usize {
    let sizes = x.sizes().iter().zip(out.sizes());
    sizes.map(|(&x, &out)| if x == out { 1 } else { x.max(0) as usize }).product()
}
