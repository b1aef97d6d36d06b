//! The tree of a reduction: lanes within a leaf, leaves joined in pairs. It depends on the number of elements alone.

use super::tower::{Stack, join_row, join_rows};
use crate::number::{Number, Ordered, Real};
use corten_base::{DType, multiversion};

/// Elements of a leaf.
pub(crate) const LEAF: usize = 4096;
/// Lines that are joined together.
pub(crate) const TOGETHER: usize = 32;
/// Elements from which on a leaf has all lanes.
pub(crate) const SHORT: usize = 64;
/// Lanes of a leaf too short for that.
pub(super) const FEW: usize = 8;

/// What joins two numbers into one: associative but for rounding.
pub(crate) trait Join<C>: 'static {
    /// Joined with anything, gives that.
    const IDENTITY: C;
    /// Elements that a leaf's lanes take in one after the other; lanes of such parts are joined one after the other too.
    const PART: usize = 512;
    /// Whether rows are joined in memory, several at a time and the last perhaps again.
    const IN_MEMORY: bool = false;
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
    /// The order of joins is all the same here.
    const PART: usize = LEAF;
    /// Registers of wide integers are taken apart by the compiler where the processor lacks the instruction.
    const IN_MEMORY: bool = matches!(C::DTYPE, DType::I64 | DType::U64);
    #[inline(always)]
    fn join(a: C, b: C) -> C {
        a.larger(b)
    }
}
impl<C: Ordered> Join<C> for Smallest {
    const IDENTITY: C = C::HIGHEST;
    /// The order of joins is all the same here.
    const PART: usize = LEAF;
    /// Registers of wide integers are taken apart by the compiler where the processor lacks the instruction.
    const IN_MEMORY: bool = matches!(C::DTYPE, DType::I64 | DType::U64);
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

/// What is done to each number before it is joined: a function of it and of its result's center.
pub(crate) trait Function<C>: 'static {
    fn of(x: C, center: C) -> C;
}

/// Nothing.
pub(crate) struct Same;
/// Zero in place of NaN.
pub(crate) struct NanToZero;
/// |x|.
pub(crate) struct Magnitude;
/// x².
pub(crate) struct Square;
/// (x - center)².
pub(crate) struct SquaredDifference;
/// exp(x - center).
pub(crate) struct ExpDifference;

impl<C> Function<C> for Same {
    #[inline(always)]
    fn of(x: C, _: C) -> C {
        x
    }
}
impl<C: Number> Function<C> for NanToZero {
    #[inline(always)]
    fn of(x: C, _: C) -> C {
        if x.is_nan() { C::ZERO } else { x }
    }
}
impl<C: Real> Function<C> for Magnitude {
    #[inline(always)]
    fn of(x: C, _: C) -> C {
        x.abs()
    }
}
impl<C: Real> Function<C> for Square {
    #[inline(always)]
    fn of(x: C, _: C) -> C {
        x.times(x)
    }
}
impl<C: Real> Function<C> for SquaredDifference {
    #[inline(always)]
    fn of(x: C, center: C) -> C {
        let difference = x.minus(center);
        difference.times(difference)
    }
}
impl<C: Real> Function<C> for ExpDifference {
    #[inline(always)]
    fn of(x: C, center: C) -> C {
        x.minus(center).exp()
    }
}

/// Joins `F` of fewer than [`SHORT`] numbers: by [`FEW`] lanes, or one after the other if there are not more.
#[inline(always)]
fn leaf_short<C: Number, J: Join<C>, F: Function<C>>(x: &[C], center: C) -> C {
    let mut lanes = [J::IDENTITY; FEW];
    let (vectors, rest) = x.as_chunks::<FEW>();
    if vectors.is_empty() || x.len() == FEW {
        let mut total = J::IDENTITY;
        for &value in x {
            total = J::join(total, F::of(value, center));
        }
        return total;
    }
    for vector in vectors {
        for (lane, &value) in lanes.iter_mut().zip(vector) {
            *lane = J::join(*lane, F::of(value, center));
        }
    }
    let last = last_of::<C, J, F>(x, rest.len(), center);
    for (i, (lane, value)) in lanes.iter_mut().zip(last).enumerate() {
        *lane = if i < rest.len() { J::join(*lane, value) } else { *lane };
    }
    halve::<C, J>(&mut lanes)
}

/// `F` of the last `count` of at least [`FEW`] numbers, computed as a vector.
#[inline(always)]
fn last_of<C: Number, J: Join<C>, F: Function<C>>(x: &[C], count: usize, center: C) -> [C; FEW] {
    let mut room = [J::IDENTITY; 2 * FEW];
    for (to, &value) in room.iter_mut().zip(&x[x.len() - FEW..]) {
        *to = F::of(value, center);
    }
    let mut last = [J::IDENTITY; FEW];
    last.copy_from_slice(&room[FEW - count..][..FEW]);
    last
}

/// Joins `F` of fewer than [`SHORT`] numbers of each of `N` lines, whose places are the rows: as [`leaf_short`] does a line.
#[inline(always)]
pub(crate) fn leaf_abreast<C: Number, J: Join<C>, F: Function<C>, const N: usize>(
    rows: &[[C; N]],
    centers: &[C; N],
) -> [C; N] {
    let mut lanes = [[J::IDENTITY; N]; FEW];
    let mut width = if rows.len() <= FEW { 1 } else { FEW };
    for (first, lane) in lanes[..width].iter_mut().enumerate() {
        for row in rows[first..].iter().step_by(width) {
            for i in 0..N {
                lane[i] = J::join(lane[i], F::of(row[i], centers[i]));
            }
        }
    }
    while width > 1 {
        width /= 2;
        let (low, high) = lanes.split_at_mut(width);
        for (lane, other) in low.iter_mut().zip(high) {
            for i in 0..N {
                lane[i] = J::join(lane[i], other[i]);
            }
        }
    }
    lanes[0]
}

/// Joins `F` of at least [`SHORT`] numbers.
#[inline(always)]
fn leaf_wide<C: Number, J: Join<C>, F: Function<C>>(x: &[C], center: C) -> C {
    let mut first = C::lanes(J::IDENTITY);
    // What fills no lanes comes first, while no lanes are in registers: in groups, as they are read again at once.
    let (full, rest) = x.split_at(x.len() / first.as_ref().len() * first.as_ref().len());
    let (groups, rest) = rest.as_chunks::<FEW>();
    let (places, _) = first.as_mut().as_chunks_mut::<FEW>();
    // Loops, not closures: those of large functions would be compiled without the instruction set.
    for (place, group) in places.iter_mut().zip(groups) {
        for (lane, &value) in place.iter_mut().zip(group) {
            *lane = F::of(value, center);
        }
    }
    if let (Some(place), false) = (places.get_mut(groups.len()), rest.is_empty()) {
        *place = last_of::<C, J, F>(x, rest.len(), center);
    }
    // A copy whose places are constants in all that follows, so that it lives in registers.
    let mut total = first;
    let total = total.as_mut();
    for part in full.chunks(J::PART) {
        let mut lanes = C::lanes(J::IDENTITY);
        let lanes = lanes.as_mut();
        for chunk in part.chunks_exact(lanes.len()) {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane = J::join(*lane, F::of(value, center));
            }
        }
        total.iter_mut().zip(lanes).for_each(|(total, lane)| *total = J::join(*total, *lane));
    }
    halve::<C, J>(total)
}

multiversion! {
    fn leaves_wide<C: Number, J: Join<C>, F: Function<C>>(lines: &[C], count: usize, center: C, totals: &mut [C]) {
        for (total, line) in totals.iter_mut().zip(lines.chunks_exact(count)) {
            *total = leaf_wide::<C, J, F>(line, center);
        }
    }
}

multiversion! {
    fn leaves_short<C: Number, J: Join<C>, F: Function<C>>(lines: &[C], count: usize, center: C, totals: &mut [C]) {
        for (i, total) in totals.iter_mut().enumerate() {
            *total = leaf_short::<C, J, F>(&lines[i * count..][..count], center);
        }
    }
}

/// Joins `F` of each of the `lines` of `count` numbers, at most [`LEAF`], that follow one another.
pub(crate) fn leaves<C: Number, J: Join<C>, F: Function<C>>(lines: &[C], count: usize, center: C, totals: &mut [C]) {
    match count >= SHORT {
        true => leaves_wide::<C, J, F>(lines, count, center, totals),
        false => leaves_short::<C, J, F>(lines, count, center, totals),
    }
}

/// Joins `F` of at most [`LEAF`] numbers.
#[inline]
pub(crate) fn leaf<C: Number, J: Join<C>, F: Function<C>>(x: &[C], center: C) -> C {
    let mut total = [C::ZERO];
    leaves::<C, J, F>(x, x.len(), center, &mut total);
    total[0]
}

/// How `F` of numbers is joined: by function pointers, so that what brings the numbers is compiled once a type.
pub(crate) struct Tree<C> {
    pub(super) identity: C,
    join: fn(C, C) -> C,
    /// Joins `F` of lines of so many numbers that follow one another.
    pub(super) leaves: fn(&[C], usize, C, &mut [C]),
    /// The same of numbers that are joined already.
    pub(super) joined_leaves: fn(&[C], usize, C, &mut [C]),
    /// Joins `F` of rows into columns, one row after the other, each column with its center.
    pub(super) rows: fn(&mut [C], Stack<C>, &[C]),
    /// Joins a row of numbers that are joined already into columns.
    pub(super) joined_row: fn(&mut [C], &[C]),
}

impl<C: Number> Tree<C> {
    pub(crate) fn new<J: Join<C>, F: Function<C>>() -> Self {
        Tree {
            identity: J::IDENTITY,
            join: J::join,
            leaves: leaves::<C, J, F>,
            joined_leaves: leaves::<C, J, Same>,
            rows: join_rows::<C, J, F>,
            joined_row: join_row::<C, J>,
        }
    }

    /// Joins at most [`LEAF`] numbers.
    pub(crate) fn leaf(&self, x: &[C], center: C) -> C {
        let mut total = [C::ZERO];
        (self.leaves)(x, x.len(), center, &mut total);
        total[0]
    }

    /// Joins each of the leaves that `x` is cut into.
    pub(crate) fn cut(&self, x: &[C], center: C, totals: &mut [C]) {
        let (whole, rest) = (x.len() / LEAF, x.len() % LEAF);
        (self.leaves)(x, LEAF, center, &mut totals[..whole]);
        if rest > 0 {
            totals[whole] = self.leaf(&x[whole * LEAF..], center);
        }
    }

    /// Joins all of `x`.
    pub(crate) fn of(&self, x: &[C], center: C) -> C {
        if x.len() <= LEAF {
            return self.leaf(x, center);
        }
        let mut pairs = Pairs::new(self);
        let mut totals = [C::ZERO; TOGETHER];
        for part in x.chunks(TOGETHER * LEAF) {
            let totals = &mut totals[..part.len().div_ceil(LEAF)];
            self.cut(part, center, totals);
            totals.iter().for_each(|&total| pairs.push(total));
        }
        pairs.finish()
    }
}

/// Joins any number of leaves in pairs, pairs of pairs, and so on, as they come.
pub(crate) struct Pairs<'a, C> {
    tree: &'a Tree<C>,
    stack: [C; 64],
    depth: usize,
    count: usize,
}

impl<'a, C: Number> Pairs<'a, C> {
    pub(crate) fn new(tree: &'a Tree<C>) -> Self {
        Pairs { tree, stack: [C::ZERO; 64], depth: 0, count: 0 }
    }

    pub(crate) fn push(&mut self, mut value: C) {
        let mut complete = self.count;
        while complete & 1 == 1 {
            self.depth -= 1;
            value = (self.tree.join)(self.stack[self.depth], value);
            complete >>= 1;
        }
        self.stack[self.depth] = value;
        self.depth += 1;
        self.count += 1;
    }

    pub(crate) fn finish(self) -> C {
        match self.stack[..self.depth].split_last() {
            None => self.tree.identity,
            Some((&last, rest)) => rest.iter().rev().fold(last, |late, &early| (self.tree.join)(early, late)),
        }
    }
}

/// Joins all of `x`.
pub(crate) fn tree<C: Number, J: Join<C>>(x: &[C]) -> C {
    tree_of::<C, J, Same>(x, C::ZERO)
}

/// Joins `F` of all of `x`.
pub(crate) fn tree_of<C: Number, J: Join<C>, F: Function<C>>(x: &[C], center: C) -> C {
    if x.len() <= LEAF { leaf::<C, J, F>(x, center) } else { Tree::new::<J, F>().of(x, center) }
}
