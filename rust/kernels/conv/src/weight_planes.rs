//! The gradient of the weight for groups of one input and one output channel, plane by plane.
//!
//! The products of one image are dealt to eight lanes by their column, the lanes added in halves, the images in order.

use crate::direct::volume;
use crate::geometry::{Geometry, Grid};
use crate::lines::Lines;
use corten_base::pool::try_parallel_for;
use corten_base::{Result, multiversion};
use corten_gemm::product::TASK_WORK;
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::{Lanes, Real, Simd};
use corten_gemm::storage::{Storage, View};

const LANES: usize = 8;
/// Taps that are summed at once.
const TAPS: usize = 9;

type Sums<T> = [Lanes<T, LANES>; TAPS];

/// Rows of the output's gradient, and how far apart the planes and rows that they meet lie.
#[derive(Clone, Copy)]
struct Rows {
    count: [usize; 3],
    plane: usize,
    row: usize,
}

multiversion! {
    /// Adds the products of the gradient `g` and the planes `x`, one for each tap, to the taps' sums.
    ///
    /// # Safety
    /// From `g` and each of `x` on, there must be all rows, in whole vectors, which nothing writes meanwhile.
    unsafe fn correlate<T: Real>(sums: &mut Sums<T>, g: Ptr<T>, x: [Ptr<T>; TAPS], rows: Rows) {
        let [a, b, c] = rows.count;
        // SAFETY: the caller's promise.
        unsafe {
            let mut all = *sums;
            for i in 0..a {
                for j in 0..b {
                    let (line, row) = ((i * b + j) * c, i * rows.plane + j * rows.row);
                    for k in (0..c).step_by(LANES) {
                        let y = Lanes::<T, LANES>::load(g.at(line + k));
                        for (sum, x) in all.iter_mut().zip(x) {
                            *sum = y.fma(Lanes::load(x.at(row + k)), *sum);
                        }
                    }
                }
            }
            *sums = all;
        }
    }
}

/// Computes the gradient of the weight, `gw` (C, 1, *K) seen as a grid.
///
/// # Safety
/// The grids must be valid for the geometry; `gw` must not overlap the others.
pub unsafe fn weight_gradient<S: Storage>(geometry: &Geometry, gw: Grid<S>, g: Grid<S>, x: Grid<S>) -> Result<()> {
    let Geometry { images, groups, kernel, stride, padding, dilation, .. } = *geometry;
    let zero = S::Compute::ZERO;
    let taps: usize = kernel.iter().product();
    let pixels = g.pixels();
    // Rows end in zeros, so that they are whole vectors.
    let [a, b, c] = g.size;
    let count = [a, b, c.next_multiple_of(LANES)];
    let size: [usize; 3] = std::array::from_fn(|d| {
        let reach = g.size[d].saturating_sub(1) * stride[d] + dilation[d] * (kernel[d] - 1) + 1;
        reach.max(x.size[d] + padding[d])
    });
    let layout = Lines::new(padding, stride, size, 1, LANES - 1)?;
    let rows = Rows { count, plane: layout.plane(), row: layout.row };
    let padded = volume(&count)?;
    let tap = |index: usize| [index / (kernel[1] * kernel[2]), index / kernel[2] % kernel[1], index % kernel[2]];
    let work = taps.saturating_mul(pixels).saturating_mul(images).max(1);
    try_parallel_for(groups, TASK_WORK / work + 1, &|range| {
        let mut inline = [const { Inline::uninit() }; 3];
        let [first, second, third] = &mut inline;
        let (mut first, mut second, mut third) = (Scratch::new(first), Scratch::new(second), Scratch::new(third));
        let lines = layout.placed(&mut first)?;
        let gradient: Ptr<S::Compute> = second.room(padded)?;
        let totals: Ptr<S::Compute> = third.room(taps)?;
        // SAFETY: the room has that size; zero is all bits zero.
        unsafe { gradient.0.write_bytes(0, padded) };
        for group in range {
            for index in 0..taps {
                // SAFETY: the room holds a number for each tap.
                unsafe { *totals.at(index) = zero };
            }
            for image in 0..images {
                // SAFETY: the rooms hold the image and the gradient's plane.
                unsafe {
                    lines.fill::<S>(&Grid { ptr: x.at(image, group, [0; 3]), ..x });
                    for i in 0..a {
                        let from = View { ptr: g.at(image, group, [i, 0, 0]), row: g.steps[1], column: g.steps[2] };
                        S::pack_left(from, b, c, gradient.at(i * b * count[2]), count[2]);
                    }
                }
                for start in (0..taps).step_by(TAPS) {
                    // SAFETY: plain arrays, whatever the instruction set.
                    let mut sums: Sums<S::Compute> = [unsafe { Lanes::splat(zero) }; TAPS];
                    let places = std::array::from_fn(|i| {
                        let tap = tap((start + i).min(taps - 1));
                        Ptr(lines.data.at(lines.at(std::array::from_fn(|d| tap[d] * dilation[d]))))
                    });
                    // SAFETY: the rooms hold the gradient's plane and the image, rows of which end in zeros.
                    unsafe { correlate(&mut sums, gradient, places, rows) };
                    for (i, sum) in sums.iter().enumerate().take(taps - start) {
                        let mut lanes = [zero; LANES];
                        // SAFETY: the lanes have room in the array, the taps in theirs.
                        unsafe {
                            sum.store(lanes.as_mut_ptr());
                            let mut half = LANES / 2;
                            while half > 0 {
                                for lane in 0..half {
                                    lanes[lane] = lanes[lane].plus(lanes[lane + half]);
                                }
                                half /= 2;
                            }
                            let total = totals.at(start + i);
                            *total = (*total).plus(lanes[0]);
                        }
                    }
                }
            }
            for index in 0..taps {
                let out = View { ptr: gw.at(group, 0, tap(index)), row: 0, column: 0 };
                // SAFETY: the position is the weight's, and each task has its own groups.
                unsafe { S::store(totals.at(index), 0, 1, 1, out) };
            }
        }
        Ok(())
    })
}
