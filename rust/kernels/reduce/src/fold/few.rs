//! Reductions of few elements, for which the choice of a layout would take longer than they do.

use super::tree::{Function, Join};
use crate::source::{Mapped, Reader};
use corten_base::Operand;

/// Elements that are few.
const FEW: usize = 64;
/// Dimensions that are.
const RANK: usize = 4;

/// Joins the elements of each result one after the other in row-major order, if they are few numbers; answers whether
/// they were.
#[inline]
pub(super) fn fold_few<C: Mapped, J: Join<C>, F: Function<C>>(
    out: &Operand,
    reader: &Reader,
    finish: &impl Fn(C) -> C,
) -> bool {
    let (x, rank) = (&reader.x, reader.x.ndim());
    let plain = reader.direct::<C>() && reader.center.is_none() && out.dtype() == C::DTYPE;
    if !plain || rank > RANK || out.ndim() != rank || !(1..=FEW).contains(&x.numel()) {
        return false;
    }
    let (mut kept, mut reduced) = ([1; RANK], [1; RANK]);
    let (mut from, mut to) = ([0; RANK], [0; RANK]);
    for i in 0..rank {
        let (size, result) = (x.sizes()[i], out.sizes()[i]);
        if result != size && result != 1 {
            return false;
        }
        let dim = RANK - rank + i;
        (kept[dim], reduced[dim]) = if result == size { (size, 1) } else { (1, size) };
        (from[dim], to[dim]) = (x.strides()[i] as isize, out.strides()[i] as isize);
    }
    for_each(kept, |result| {
        let mut joined = None;
        for_each(reduced, |element| {
            let at = offset(result, from) + offset(element, from);
            // SAFETY: an element of `x`, which is of type C.
            let value = F::of(unsafe { x.ptr().cast::<C>().offset(at).read() }, C::ZERO);
            joined = Some(joined.map_or(value, |joined| J::join(joined, value)));
        });
        let value = finish(joined.unwrap_or(J::IDENTITY));
        // SAFETY: an element of `out`, which is of type C.
        unsafe { out.ptr().cast::<C>().offset(offset(result, to)).write(value) };
    });
    true
}

/// Calls `body` with each index into an array of these sizes, in row-major order.
#[inline(always)]
fn for_each([a, b, c, d]: [i64; RANK], mut body: impl FnMut([isize; RANK])) {
    for i in 0..a as isize {
        for j in 0..b as isize {
            for k in 0..c as isize {
                for l in 0..d as isize {
                    body([i, j, k, l]);
                }
            }
        }
    }
}

#[inline(always)]
fn offset(index: [isize; RANK], strides: [isize; RANK]) -> isize {
    (0..RANK).map(|i| index[i] * strides[i]).sum()
}
