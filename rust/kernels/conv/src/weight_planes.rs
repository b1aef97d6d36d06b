//! The gradient of the weight for groups of one input and one output channel, plane by plane.
//!
//! The products of one image are dealt to eight lanes by their column, the lanes added in halves, the images in order.

use crate::depthwise::Split;
use crate::direct::{Padded, volume};
use crate::geometry::{Geometry, Grid};
use corten_base::pool::try_parallel_for;
use corten_base::{Result, multiversion};
use corten_gemm::product::TASK_WORK;
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::{Lanes, Real, Simd};
use corten_gemm::storage::{Storage, View};

const LANES: usize = 8;
/// Taps that are summed at once.
const TAPS: usize = 4;

type Sums<T> = [Lanes<T, LANES>; TAPS];

/// Rows of the output's gradient, and how far apart the rows that they meet lie.
#[derive(Clone, Copy)]
struct Rows {
    count: [usize; 3],
    height: usize,
    width: usize,
}

multiversion! {
    fn correlate<T: Real>(sums: &mut Sums<T>, g: Ptr<T>, x: [Ptr<T>; TAPS], rows: Rows) {
        let [a, b, c] = rows.count;
        // SAFETY: the caller's planes hold every row; lanes beyond a row are not read.
        unsafe {
            let mut all = *sums;
            for i in 0..a {
                for j in 0..b {
                    let (line, row) = ((i * b + j) * c, (i * rows.height + j) * rows.width);
                    let whole = c / LANES * LANES;
                    for k in (0..whole).step_by(LANES) {
                        let y = Lanes::<T, LANES>::load(g.at(line + k));
                        for (sum, x) in all.iter_mut().zip(x) {
                            *sum = y.fma(Lanes::load(x.at(row + k)), *sum);
                        }
                    }
                    if whole < c {
                        let y = Lanes::<T, LANES>::load_some(g.at(line + whole), c - whole);
                        for (sum, x) in all.iter_mut().zip(x) {
                            *sum = y.fma(Lanes::load_some(x.at(row + whole), c - whole), *sum);
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
    let size: [usize; 3] = std::array::from_fn(|d| {
        let reach = g.size[d].saturating_sub(1) * stride[d] + dilation[d] * (kernel[d] - 1) + 1;
        reach.max(x.size[d] + padding[d])
    });
    let split = Split::new(padding, stride, size);
    let (whole, plane) = (volume(&size)?, split.volume()?);
    let rows = Rows { count: g.size, height: split.part[1], width: split.part[2] };
    let tap = |index: usize| [index / (kernel[1] * kernel[2]), index / kernel[2] % kernel[1], index % kernel[2]];
    let work = taps.saturating_mul(pixels).saturating_mul(images).max(1);
    try_parallel_for(groups, TASK_WORK / work + 1, &|range| {
        let mut inline = [const { Inline::uninit() }; 4];
        let [first, second, third, fourth] = &mut inline;
        let (mut first, mut second) = (Scratch::new(first), Scratch::new(second));
        let (mut third, mut fourth) = (Scratch::new(third), Scratch::new(fourth));
        let rooms = (|| {
            let padded: Ptr<S::Compute> = first.room(whole)?;
            let parts: Ptr<S::Compute> = second.room(plane)?;
            let gradient: Ptr<S::Compute> = third.room(pixels)?;
            let totals: Ptr<S::Compute> = fourth.room(taps)?;
            Ok((padded, parts, gradient, totals))
        })();
        let (padded, parts, gradient, totals) = rooms?;
        for group in range {
            for index in 0..taps {
                // SAFETY: the room holds a number for each tap.
                unsafe { *totals.at(index) = zero };
            }
            for image in 0..images {
                let padded = Padded { data: padded, low: padding, size, pixel: 1, image: whole };
                let x = Grid { ptr: x.at(image, group, [0; 3]), ..x };
                // SAFETY: the rooms hold the padded plane, its parts and the gradient's plane.
                unsafe {
                    padded.fill::<S>(&x, 0..1, 1, 1);
                    split.fill(padded.data, size, parts);
                    for i in 0..g.size[0] {
                        let from = View { ptr: g.at(image, group, [i, 0, 0]), row: g.steps[1], column: g.steps[2] };
                        let [_, b, c] = g.size;
                        S::pack_left(from, b, c, gradient.at(i * b * c), c);
                    }
                }
                for start in (0..taps).step_by(TAPS) {
                    // SAFETY: plain arrays, whatever the instruction set.
                    let mut sums: Sums<S::Compute> = [unsafe { Lanes::splat(zero) }; TAPS];
                    let places = std::array::from_fn(|i| {
                        let tap = tap((start + i).min(taps - 1));
                        Ptr(parts.at(split.at(std::array::from_fn(|d| tap[d] * dilation[d]))))
                    });
                    correlate(&mut sums, gradient, places, rows);
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
