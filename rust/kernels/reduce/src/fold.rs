//! The tree of a reduction: lanes within a leaf, leaves joined in pairs. It depends on the number of elements alone.

use crate::number::{Number, Ordered, Real};
use corten_base::multiversion;

/// Elements of a leaf.
pub(crate) const LEAF: usize = 1024;
/// Lanes of a leaf too short for full ones.
const FEW: usize = 8;

/// What joins two numbers into one: associative but for rounding.
pub(crate) trait Join<C>: 'static {
    /// Joined with anything, gives that.
    const IDENTITY: C;
    fn join(a: C, b: C) -> C;
}

pub(crate) struct Sum;
pub(crate) struct Product;
pub(crate) struct Largest;
pub(crate) struct Smallest;

impl<C: Number> Join<C> for Sum {
    const IDENTITY: C = C::ZERO;
    #[inline(always)]
    fn join(a: C, b: C) -> C {
        a.plus(b)
    }
}
impl<C: Number> Join<C> for Product {
    const IDENTITY: C = C::ONE;
    #[inline(always)]
    fn join(a: C, b: C) -> C {
        a.times(b)
    }
}
impl<C: Ordered> Join<C> for Largest {
    const IDENTITY: C = C::LOWEST;
    #[inline(always)]
    fn join(a: C, b: C) -> C {
        a.larger(b)
    }
}
impl<C: Ordered> Join<C> for Smallest {
    const IDENTITY: C = C::HIGHEST;
    #[inline(always)]
    fn join(a: C, b: C) -> C {
        a.smaller(b)
    }
}

#[inline(always)]
fn halve<C: Number, J: Join<C>>(lanes: &mut [C]) -> C {
    let mut width = lanes.len() / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = J::join(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// What is done to each number before it is joined.
pub(crate) trait Function<C>: Copy + 'static {
    fn of(self, x: C) -> C;
}

/// Nothing.
#[derive(Clone, Copy)]
pub(crate) struct Same;
/// |x|.
#[derive(Clone, Copy)]
pub(crate) struct Magnitude;
/// x².
#[derive(Clone, Copy)]
pub(crate) struct Square;
/// (x - y)².
#[derive(Clone, Copy)]
pub(crate) struct SquaredFrom<C>(pub C);

impl<C> Function<C> for Same {
    #[inline(always)]
    fn of(self, x: C) -> C {
        x
    }
}
impl<C: Real> Function<C> for Magnitude {
    #[inline(always)]
    fn of(self, x: C) -> C {
        x.abs()
    }
}
impl<C: Real> Function<C> for Square {
    #[inline(always)]
    fn of(self, x: C) -> C {
        x.times(x)
    }
}
impl<C: Real> Function<C> for SquaredFrom<C> {
    #[inline(always)]
    fn of(self, x: C) -> C {
        let difference = x.minus(self.0);
        difference.times(difference)
    }
}

multiversion! {
    /// Joins at most [`LEAF`] numbers.
    fn leaf_wide<C: Number, J: Join<C>, F: Function<C>>(x: &[C], f: F) -> C {
        let mut lanes = C::lanes(J::IDENTITY);
        let lanes = lanes.as_mut();
        let mut chunks = x.chunks_exact(lanes.len());
        for chunk in &mut chunks {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane = J::join(*lane, f.of(value));
            }
        }
        for (lane, &value) in lanes.iter_mut().zip(chunks.remainder()) {
            *lane = J::join(*lane, f.of(value));
        }
        halve::<C, J>(lanes)
    }
}

/// Joins at most [`LEAF`] numbers.
#[inline]
pub(crate) fn leaf<C: Number, J: Join<C>>(x: &[C]) -> C {
    leaf_of::<C, J, Same>(x, Same)
}

#[inline]
fn leaf_of<C: Number, J: Join<C>, F: Function<C>>(x: &[C], f: F) -> C {
    if x.len() >= 64 {
        return leaf_wide::<C, J, F>(x, f);
    }
    if x.len() <= FEW {
        return x.iter().fold(J::IDENTITY, |a, &b| J::join(a, f.of(b)));
    }
    let mut lanes = [J::IDENTITY; FEW];
    for chunk in x.chunks(FEW) {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = J::join(*lane, f.of(value));
        }
    }
    halve::<C, J>(&mut lanes)
}

/// Joins any number of leaves in pairs, pairs of pairs, and so on, as they come.
pub(crate) struct Pairs<C> {
    stack: [C; 64],
    depth: usize,
    count: usize,
}

impl<C: Number> Pairs<C> {
    pub(crate) fn new() -> Self {
        Pairs { stack: [C::ZERO; 64], depth: 0, count: 0 }
    }

    pub(crate) fn push<J: Join<C>>(&mut self, mut value: C) {
        let mut complete = self.count;
        while complete & 1 == 1 {
            self.depth -= 1;
            value = J::join(self.stack[self.depth], value);
            complete >>= 1;
        }
        self.stack[self.depth] = value;
        self.depth += 1;
        self.count += 1;
    }

    pub(crate) fn finish<J: Join<C>>(self) -> C {
        match self.stack[..self.depth].split_last() {
            None => J::IDENTITY,
            Some((&last, rest)) => rest.iter().rev().fold(last, |late, &early| J::join(early, late)),
        }
    }
}

/// Joins all of `x`.
pub(crate) fn tree<C: Number, J: Join<C>>(x: &[C]) -> C {
    tree_of::<C, J, Same>(x, Same)
}

/// Joins all of `f(x)`.
pub(crate) fn tree_of<C: Number, J: Join<C>, F: Function<C>>(x: &[C], f: F) -> C {
    if x.len() <= LEAF {
        return leaf_of::<C, J, F>(x, f);
    }
    let mut pairs = Pairs::new();
    for part in x.chunks(LEAF) {
        pairs.push::<J>(leaf_of::<C, J, F>(part, f));
    }
    pairs.finish::<J>()
}

multiversion! {
    /// Joins `row` into `columns`, element by element.
    fn join_row<C: Number, J: Join<C>>(columns: &mut [C], row: &[C]) {
        for (column, &value) in columns.iter_mut().zip(row) {
            *column = J::join(*column, value);
        }
    }
}

multiversion! {
    /// Joins rows of `columns.len()` numbers, `stride` apart, into `columns`, one after the other.
    ///
    /// The caller promises that `rows` rows from `from` on may be read.
    fn join_rows_unchecked<C: Number, J: Join<C>>(columns: &mut [C], from: *const C, stride: isize, rows: usize) {
        let mut done = 0;
        // As many columns as fit into registers go through all rows together.
        let mut chunks = columns.chunks_exact_mut(C::lanes(C::ZERO).as_ref().len());
        for chunk in &mut chunks {
            let mut lanes = C::lanes(C::ZERO);
            let lanes = lanes.as_mut();
            lanes.copy_from_slice(chunk);
            for row in 0..rows {
                // SAFETY: the caller's promise.
                let values = unsafe {
                    std::slice::from_raw_parts(from.offset(row as isize * stride).add(done), lanes.len())
                };
                for (lane, &value) in lanes.iter_mut().zip(values) {
                    *lane = J::join(*lane, value);
                }
            }
            chunk.copy_from_slice(lanes);
            done += lanes.len();
        }
        let rest = chunks.into_remainder();
        for row in 0..rows {
            for (i, column) in rest.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                let value = unsafe { from.offset(row as isize * stride).add(done + i).read() };
                *column = J::join(*column, value);
            }
        }
    }
}

/// Joins rows of numbers in memory into `columns`.
///
/// # Safety
/// `rows` rows of `columns.len()` numbers, `stride` apart, must be readable from `from` on.
pub(crate) unsafe fn join_rows<C: Number, J: Join<C>>(columns: &mut [C], from: *const C, stride: isize, rows: usize) {
    join_rows_unchecked::<C, J>(columns, from, stride, rows)
}

pub(crate) fn join_staged<C: Number, J: Join<C>>(columns: &mut [C], row: &[C]) {
    join_row::<C, J>(columns, row)
}
