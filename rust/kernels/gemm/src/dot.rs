//! Sums in 64 lanes, so that a product with a vector is not one long chain, and the product of two complex vectors.

use crate::simd::{Real, Simd};
use crate::storage::{Storage, View};
use corten_base::multiversion;

/// Chains that terms are dealt to.
pub const LANES: usize = 64;
/// Terms that are packed at once.
const BLOCK: usize = 512;
/// Terms in the lanes of one leaf.
pub const LEAF: usize = 4096;
/// Lanes of a vector at most.
const MOST: usize = 16;
/// Columns that are read abreast, as far apart as they can be.
const ABREAST: usize = 4;
/// Terms of one of them that are read before those of the next.
const STRETCH: usize = 128;

multiversion! {
    /// Deals terms to the lanes, the first to lane 0.
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

/// Adds to each total the products of `x`, at most [`LEAF`] numbers, and a column; columns are `step` apart, and the lanes
/// `N` vectors. Where they are `FAR` from the processor, some are read abreast, for memory answers several streams faster.
///
/// # Safety
/// There must be as many columns as totals, each as long as `x`, and the processor must have the vector's instruction set.
#[inline(always)]
pub unsafe fn dots<V: Simd, const N: usize, const FAR: bool>(
    x: &[V::Lane],
    columns: *const V::Lane,
    step: isize,
    totals: &mut [V::Lane],
) {
    const { assert!(LANES == N * V::LANES && V::LANES <= MOST) };
    let whole = x.len() / LANES * LANES;
    let column = |j: usize| columns.wrapping_offset(j as isize * step);
    let apart = if FAR { totals.len() / ABREAST } else { 0 };
    // SAFETY: the caller's promise.
    unsafe {
        for j in 0..apart {
            let mut abreast = [[V::splat(V::Lane::ZERO); N]; ABREAST];
            for start in (0..whole).step_by(STRETCH) {
                for (i, sums) in abreast.iter_mut().enumerate() {
                    let mut near = *sums;
                    deal(&mut near, x, column(j + i * apart), start, whole.min(start + STRETCH));
                    *sums = near;
                }
            }
            for (i, sums) in abreast.iter_mut().enumerate() {
                let total = &mut totals[j + i * apart];
                *total = total.plus(join(sums, x, column(j + i * apart)));
            }
        }
        for (j, total) in totals.iter_mut().enumerate().skip(apart * ABREAST) {
            let mut sums = [V::splat(V::Lane::ZERO); N];
            deal(&mut sums, x, column(j), 0, whole);
            *total = total.plus(join(&mut sums, x, column(j)));
        }
    }
}

/// Deals terms of `x` and a column to the lanes, from the first of a lane to the last of another.
///
/// # Safety
/// As [`dots`].
#[inline(always)]
unsafe fn deal<V: Simd, const N: usize>(sums: &mut [V; N], x: &[V::Lane], y: *const V::Lane, start: usize, end: usize) {
    for k in (start..end).step_by(LANES) {
        for (v, sum) in sums.iter_mut().enumerate() {
            let k = k + v * V::LANES;
            // SAFETY: the caller's promise.
            *sum = unsafe { V::load(x.as_ptr().add(k)).fma(V::load(y.add(k)), *sum) };
        }
    }
}

/// Deals the last terms, fewer than there are lanes, and adds the lanes in halves.
///
/// # Safety
/// As [`dots`].
#[inline(always)]
unsafe fn join<V: Simd, const N: usize>(sums: &mut [V; N], x: &[V::Lane], y: *const V::Lane) -> V::Lane {
    let (len, x) = (x.len(), x.as_ptr());
    // SAFETY: the caller's promise; each vector, the last one masked, lies inside `x` and the column.
    unsafe {
        let (rest, tail, mask) = (len % LANES / V::LANES, len % V::LANES, V::mask(len % V::LANES));
        for (v, sum) in sums.iter_mut().enumerate() {
            let k = len / LANES * LANES + v * V::LANES;
            if v < rest {
                *sum = V::load(x.add(k)).fma(V::load(y.add(k)), *sum);
            } else if v == rest && tail > 0 {
                *sum = V::load_some(x.add(k), mask).fma(V::load_some(y.add(k), mask), *sum);
            }
        }
        let mut half = N / 2;
        while half > 0 {
            for v in 0..half {
                sums[v] = V::splat(V::Lane::ONE).fma(sums[v], sums[v + half]);
            }
            half /= 2;
        }
        let mut last = [V::Lane::ZERO; MOST];
        sums[0].store(last.as_mut_ptr());
        half = V::LANES / 2;
        while half > 0 {
            for i in 0..half {
                last[i] = last[i].plus(last[i + half]);
            }
            half /= 2;
        }
        last[0]
    }
}

/// Adds the lanes in halves.
#[inline(always)]
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
