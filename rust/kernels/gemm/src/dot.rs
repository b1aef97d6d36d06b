//! The product of a row with a column: 64 lanes, so that it is not one long chain.

use crate::simd::Real;
use crate::storage::{Storage, View};
use corten_base::multiversion;

const LANES: usize = 64;
const BLOCK: usize = 512;
/// Terms in the lanes of one leaf.
const LEAF: usize = 4096;

multiversion! {
    fn lanes<T: Real>(sums: &mut [T; LANES], x: &[T], y: &[T]) {
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

fn tree<T: Real>(mut sums: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] = sums[i].plus(sums[i + half]);
        }
        half /= 2;
    }
    sums[0]
}

/// `x · y` over `k` terms: term `t` goes to lane `t mod 64` of its leaf of 4096 terms; a leaf's lanes are added in
/// halves, the leaves in order. Of a complex product each block of 512 terms adds the real parts' products first.
///
/// # Safety
/// `x` must be a row and `y` a column of `k` elements.
#[inline(never)]
pub unsafe fn dot<S: Storage>(k: usize, x: View<S>, y: View<S>) -> [S::Compute; 2] {
    let zero = S::Compute::ZERO;
    let mut totals = [zero; 2];
    let mut buffers = [[zero; 2 * BLOCK]; 2];
    for leaf in (0..k).step_by(LEAF) {
        let mut sums = [[zero; LANES]; 2];
        let end = k.min(leaf + LEAF);
        for start in (leaf..end).step_by(BLOCK) {
            let len = BLOCK.min(end - start);
            let [left, right] = &mut buffers;
            // SAFETY: the caller's promise; a buffer holds a block of the widest elements.
            unsafe {
                S::pack_left(x.at(0, start), 1, len, left.as_mut_ptr(), 0);
                S::pack_left(y.at(start, 0).transposed(), 1, len, right.as_mut_ptr(), 0);
            }
            if S::PARTS == 1 {
                lanes(&mut sums[0], &left[..len], &right[..len]);
            } else {
                let part = |of: &[S::Compute], part: usize| -> [S::Compute; BLOCK] {
                    std::array::from_fn(|i| of[2 * i + part])
                };
                let (xr, xi, yr, yi) = (part(left, 0), part(left, 1), part(right, 0), part(right, 1));
                let minus = xi.map(Real::negative);
                lanes(&mut sums[0], &xr[..len], &yr[..len]);
                lanes(&mut sums[0], &minus[..len], &yi[..len]);
                lanes(&mut sums[1], &xr[..len], &yi[..len]);
                lanes(&mut sums[1], &xi[..len], &yr[..len]);
            }
        }
        for (total, sums) in totals.iter_mut().zip(sums) {
            *total = total.plus(tree(sums));
        }
    }
    totals
}
