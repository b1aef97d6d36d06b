//! Sampling (N, C, *S) at the points of a grid (N, *T, dims), and the gradients: taps along each dimension for each point.
//!
//! Results are sums over taps in row-major order; gradients of the input add up over points in row-major order, those of
//! the grid over channels in order.

use crate::geometry::Grid;
use crate::warp::{BLOCK, Sum, Table, Taps, Warp, each_point};
use corten_base::alloc::filled;
use corten_base::element::Cast;
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_base::{DType, Operand, Result, bf16, f16, fail, multiversion};
use corten_gemm::refuse_shared;
use corten_gemm::scratch::Ptr;
use corten_gemm::simd::Real;
use corten_gemm::storage::Storage;

/// Taps of points that a task should have at least.
const GRAIN: usize = 16_384;

/// Channels whose gradients one task adds up, with one table for all.
const CHANNELS: usize = 16;

multiversion! {
    /// Adds to the sums what one tap of each point reads.
    fn read<T: Sum>(taps: Taps<T>, x: &[T], sums: &mut [T; BLOCK]) {
        let (places, weights) = taps;
        let values: [T; BLOCK] = std::array::from_fn(|point| x.get(places[point]).copied().unwrap_or(T::ZERO));
        for ((sum, &weight), value) in sums.iter_mut().zip(weights).zip(values) {
            *sum = weight.fma(value, *sum);
        }
    }
}

multiversion! {
    fn spread<T: Sum>(taps: &[Taps<T>], g: &[T], gx: &mut [T]) {
        for (point, &g) in g.iter().enumerate().take(BLOCK) {
            for (places, weights) in taps {
                if let Some(gx) = gx.get_mut(places[point]) {
                    *gx = weights[point].fma(g, *gx);
                }
            }
        }
    }
}

/// Checks dtypes and sizes of the sampled (N, C, *S), the grid and the samples (N, C, *T).
fn check(x: &Operand, grid: &Operand, y: &Operand) -> Result<()> {
    let (xs, gs, ys) = (x.sizes(), grid.sizes(), y.sizes());
    let fits = (4..=5).contains(&xs.len())
        && gs.len() == xs.len()
        && ys.len() == xs.len()
        && xs[..2] == ys[..2]
        && xs[0] == gs[0]
        && ys[2..] == gs[1..gs.len() - 1]
        && gs[gs.len() - 1] as usize == xs.len() - 2
        && !xs[2..].contains(&0);
    if !fits || x.dtype() != grid.dtype() || x.dtype() != y.dtype() {
        fail!(Runtime, "grid_sampler(): sizes {xs:?}, grid {gs:?} and samples {ys:?} do not fit");
    }
    Ok(())
}

macro_rules! by_float {
    ($dtype:expr, $s:ident => $body:expr) => {
        match $dtype {
            DType::F32 => {
                type $s = f32;
                $body
            }
            DType::F64 => {
                type $s = f64;
                $body
            }
            DType::F16 => {
                type $s = f16;
                $body
            }
            DType::BF16 => {
                type $s = bf16;
                $body
            }
            other => return other.unsupported("grid_sampler"),
        }
    };
}

/// Planes in the compute type: in their places, or copies of them.
struct Planes<T> {
    first: Ptr<T>,
    image: isize,
    channel: isize,
    pixels: usize,
    /// What holds the copies.
    _copies: Vec<T>,
}

impl<T: Sum> Planes<T> {
    /// The planes of a grid.
    ///
    /// # Safety
    /// It must be valid for `images` and `channels`, as long as the planes are used.
    unsafe fn of<S: Storage<Compute = T> + Cast<T>>(grid: &Grid<S>, images: usize, channels: usize) -> Result<Self> {
        let pixels = grid.pixels();
        if S::is_compute() && grid.flat() == Some(1) {
            let first = Ptr(grid.ptr.cast());
            return Ok(Planes { first, image: grid.image, channel: grid.channel, pixels, _copies: Vec::new() });
        }
        let mut copies = filled(T::ZERO, images.saturating_mul(channels).saturating_mul(pixels))?;
        let first = Ptr(copies.as_mut_ptr());
        parallel_for(images * channels, (GRAIN / pixels.max(1)).max(1), &|range| {
            for plane in range {
                each_element(grid, plane / channels, plane % channels, 0..pixels, |pixel, at| {
                    // SAFETY: an element of the grid, and one of the plane, which is this task's.
                    unsafe { first.offset((plane * pixels + pixel) as isize).write(at.read().cast()) }
                });
            }
        });
        let (image, channel) = ((channels * pixels) as isize, pixels as isize);
        Ok(Planes { first, image, channel, pixels, _copies: copies })
    }

    fn plane(&self, image: usize, channel: usize) -> &[T] {
        let first = self.first.offset(image as isize * self.image + channel as isize * self.channel);
        // SAFETY: a plane of a grid that is valid for this image and channel, or of the copies.
        unsafe { std::slice::from_raw_parts(first, self.pixels) }
    }
}

/// Calls with the number and the address of each of some elements of a plane, counted in row-major order.
fn each_element<S>(
    grid: &Grid<S>,
    image: usize,
    channel: usize,
    range: std::ops::Range<usize>,
    mut f: impl FnMut(usize, *mut S),
) {
    let [_, rows, columns] = grid.size;
    let mut pixel = range.start;
    while pixel < range.end {
        let (row, column) = (pixel / columns, pixel % columns);
        let first = grid.at(image, channel, [row / rows, row % rows, column]);
        let run = (columns - column).min(range.end - pixel);
        (0..run).for_each(|k| f(pixel + k, first.wrapping_offset(k as isize * grid.steps[2])));
        pixel += run;
    }
}

/// Calls with each image, the first of a block of its points and their number, perhaps on several threads.
fn each_block(
    (images, points): (usize, usize),
    channels: usize,
    taps: usize,
    block: impl Fn(&mut dyn Iterator<Item = (usize, usize, usize)>) -> Result<()> + Sync,
) -> Result<()> {
    let blocks = points.div_ceil(BLOCK);
    let grain = (GRAIN / (BLOCK * taps * channels.max(1))).max(1);
    try_parallel_for(images * blocks, grain, &|range| {
        block(&mut range.map(|number| {
            let first = number % blocks * BLOCK;
            (number / blocks, first, BLOCK.min(points - first))
        }))
    })
}

/// `out` (N, C, *T) = `x` (N, C, *S) at the points of `grid` (N, *T, dims).
///
/// # Errors
/// Sizes that do not fit, dtypes that differ or are no floats, an `out` whose elements share memory, too little memory.
pub fn grid_sample(out: Operand, x: Operand, grid: Operand, warp: Warp) -> Result<()> {
    check(&x, &grid, &out)?;
    refuse_shared(&out)?;
    let (images, channels, dims) = (x.sizes()[0] as usize, x.sizes()[1] as usize, x.ndim() - 2);
    by_float!(x.dtype(), S => {
        let (from, to) = (Grid::<S>::new(&x), Grid::<S>::new(&out));
        // SAFETY: operands are valid for their sizes.
        let planes = unsafe { Planes::of(&from, images, channels)? };
        each_block((images, to.pixels()), channels, 1 << dims, |blocks| {
            let mut table = Table::new(warp, dims, false)?;
            for (image, first, count) in blocks {
                table.fill::<S>(warp, from.size, &grid, image, (first, count));
                for channel in 0..channels {
                    let mut sums = [Real::ZERO; BLOCK];
                    table.taps().for_each(|taps| read(taps, planes.plane(image, channel), &mut sums));
                    each_element(&to, image, channel, first..first + count, |point, at| {
                        // SAFETY: an element of `out`, of a block that is this task's.
                        unsafe { at.write(sums[point - first].cast()) }
                    });
                }
            }
            Ok(())
        })
    })
}

/// The gradient `gx` of the input of [`grid_sample`], from `g`, that of its samples.
///
/// # Errors
/// As [`grid_sample`].
pub fn grid_sample_backward_input(gx: Operand, g: Operand, grid: Operand, warp: Warp) -> Result<()> {
    check(&gx, &grid, &g)?;
    refuse_shared(&gx)?;
    let (images, channels, dims) = (gx.sizes()[0] as usize, gx.sizes()[1] as usize, gx.ndim() - 2);
    by_float!(gx.dtype(), S => {
        let (from, to) = (Grid::<S>::new(&g), Grid::<S>::new(&gx));
        // SAFETY: operands are valid for their sizes.
        let planes = unsafe { Planes::of(&from, images, channels)? };
        let (points, pixels, groups) = (from.pixels(), to.pixels(), channels.div_ceil(CHANNELS));
        let grain = (GRAIN / (points + pixels).max(1)).max(1);
        try_parallel_for(images * groups, grain, &|range| {
            let mut table = Table::new(warp, dims, false)?;
            for group in range {
                let (image, start) = (group / groups, group % groups * CHANNELS);
                let count = CHANNELS.min(channels - start);
                let mut sums = filled(Real::ZERO, pixels.saturating_mul(count))?;
                for first in (0..points).step_by(BLOCK) {
                    let end = points.min(first + BLOCK);
                    table.fill::<S>(warp, to.size, &grid, image, (first, end - first));
                    let taps: Vec<_> = table.taps().collect();
                    for (k, sums) in sums.chunks_exact_mut(pixels).enumerate() {
                        spread(&taps, &planes.plane(image, start + k)[first..end], sums);
                    }
                }
                for (k, sums) in sums.chunks_exact(pixels).enumerate() {
                    each_element(&to, image, start + k, 0..pixels, |pixel, at| {
                        // SAFETY: an element of `gx`, of a plane that is this task's.
                        unsafe { at.write(sums[pixel].cast()) }
                    });
                }
            }
            Ok(())
        })
    })
}

/// The gradient `ggrid` (N, *T, dims) of the grid of [`grid_sample`], from `g`, that of its samples.
///
/// # Errors
/// As [`grid_sample`].
pub fn grid_sample_backward_grid(ggrid: Operand, g: Operand, x: Operand, grid: Operand, warp: Warp) -> Result<()> {
    check(&x, &grid, &g)?;
    if ggrid.sizes() != grid.sizes() || ggrid.dtype() != grid.dtype() {
        fail!(Runtime, "grid_sampler(): a gradient {:?} does not fit the grid", ggrid.sizes());
    }
    refuse_shared(&ggrid)?;
    let (images, channels, dims) = (x.sizes()[0] as usize, x.sizes()[1] as usize, x.ndim() - 2);
    by_float!(x.dtype(), S => {
        let (from, arrived) = (Grid::<S>::new(&x), Grid::<S>::new(&g));
        // SAFETY: operands are valid for their sizes.
        let (x, g) = unsafe { (Planes::of(&from, images, channels)?, Planes::of(&arrived, images, channels)?) };
        let to = Ptr(ggrid.ptr().cast::<S>());
        each_block((images, arrived.pixels()), channels, 2 << dims, |blocks| {
            let mut table = Table::new(warp, dims, true)?;
            for (image, first, count) in blocks {
                table.fill::<S>(warp, from.size, &grid, image, (first, count));
                for d in 3 - dims..3 {
                    let slopes = table.slopes()[d];
                    let mut sums = [Real::ZERO; BLOCK];
                    for channel in 0..channels {
                        let mut total = [Real::ZERO; BLOCK];
                        for ((places, _), slopes) in table.taps().zip(slopes) {
                            read((places, slopes), x.plane(image, channel), &mut total);
                        }
                        for ((sum, &g), total) in sums.iter_mut().zip(&g.plane(image, channel)[first..]).zip(total) {
                            *sum = g.fma(total, *sum);
                        }
                    }
                    let mut point = 0;
                    each_point(&ggrid, image, 2 - d, first, count, |at| {
                        // SAFETY: an element of `ggrid`, of a block that is this task's.
                        unsafe { to.offset(at).write(sums[point].cast()) }
                        point += 1;
                    });
                }
            }
            Ok(())
        })
    })
}
