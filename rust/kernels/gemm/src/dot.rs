//! Sums in 64 lanes, so that a product with a vector is not one long chain, and the product of two complex vectors.

use crate::simd::Real;
use crate::storage::{Storage, View};
use corten_base::multiversion;

/// Chains that terms are dealt to.
pub const LANES: usize = 64;
/// Terms that are packed at once.
pub const BLOCK: usize = 512;
/// Terms in the lanes of one leaf.
pub const LEAF: usize = 4096;

multiversion! {
    /// Deals terms to the lanes, the first to lane 0.
    pub fn lanes<T: Real>(sums: &mut [T; LANES], x: &[T], y: &[T]) {
        let (x, x_tail) = x.as_chunks::<LANES>();
        let (y, y_tail) = y.as_chunks::<LANES>();
        for (x, y) in x.iter().zip(y) {
            for i in 0..LANES {
                sums[i] = x[i].fma(y[i], sums[i]);
            }
        }
        for (i, (&x, &y)) in x_tail.iter().zip(y_tail).enumerate() {
            sums[i] = x.fma(y, sums[i]);
        }
    }
}

multiversion! {
    /// The sum of at most [`LEAF`] terms.
    pub fn leaf<T: Real>(x: &[T], y: &[T]) -> T {
        let mut sums = [T::ZERO; LANES];
        let (x, x_tail) = x.as_chunks::<LANES>();
        let (y, y_tail) = y.as_chunks::<LANES>();
        for (x, y) in x.iter().zip(y) {
            for i in 0..LANES {
                sums[i] = x[i].fma(y[i], sums[i]);
            }
        }
        if x_tail.is_empty() {
            return tree(sums);
        }
        let mut last = sums;
        for (sum, (&x, &y)) in last.iter_mut().zip(x_tail.iter().zip(y_tail)) {
            *sum = x.fma(y, *sum);
        }
        tree(last)
    }
}

/// Adds the lanes in halves.
#[inline(always)]
pub fn tree<T: Real>(mut sums: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] = sums[i].plus(sums[i + half]);
        }
        half /= 2;
    }
    sums[0]
}

/// `x · y` over `k` complex terms: term `t` goes to lane `t mod 64` of its leaf of 4096 terms; a leaf's lanes are added in
/// halves, the leaves in order. Each block of 512 terms first adds the products with the real parts of `x`.
///
/// # Safety
/// `x` must be a row and `y` a column of `k` complex elements.
#[inline(never)]
pub unsafe fn complex_dot<S: Storage>(k: usize, x: View<S>, y: View<S>) -> [S::Compute; 2] {
    let zero = S::Compute::ZERO;
    let mut totals = [zero; 2];
    let mut buffers = [[zero; 2 * BLOCK]; 2];
    for leaf in (0..k).step_by(LEAF) {
        let mut sums = [[zero; LANES]; 2];
        let end = k.min(leaf + LEAF);
        for start in (leaf..end).step_by(BLOCK) {
            let len = BLOCK.min(end - start);
            let [left, right] = &mut buffers;
            // SAFETY: the caller's promise; a buffer holds the parts of a block.
            unsafe {
                S::pack_left(x.at(0, start), 1, len, left.as_mut_ptr(), 0);
                S::pack_left(y.at(start, 0).transposed(), 1, len, right.as_mut_ptr(), 0);
            }
            let part =
                |of: &[S::Compute], part: usize| -> [S::Compute; BLOCK] { std::array::from_fn(|i| of[2 * i + part]) };
            let (xr, xi, yr, yi) = (part(left, 0), part(left, 1), part(right, 0), part(right, 1));
            let minus = xi.map(Real::negative);
            lanes(&mut sums[0], &xr[..len], &yr[..len]);
            lanes(&mut sums[0], &minus[..len], &yi[..len]);
            lanes(&mut sums[1], &xr[..len], &yi[..len]);
            lanes(&mut sums[1], &xi[..len], &yr[..len]);
        }
        for (total, sums) in totals.iter_mut().zip(sums) {
            *total = total.plus(tree(sums));
        }
    }
    totals
}
