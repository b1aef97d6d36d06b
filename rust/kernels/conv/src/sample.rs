//! Sampling (N, C, *S) at the points of a grid (N, *T, dims), and the gradients: taps along each dimension for each point.
//!
//! Results are sums over taps in row-major order; gradients of the input add up over points in row-major order, those of
//! the grid over channels in order.

use crate::geometry::Grid;
use crate::planes::map_planes;
use crate::taps::cubic_weights;
use corten_base::alloc::room;
use corten_base::element::Cast;
use corten_base::pool::try_parallel_for;
use corten_base::{DType, Operand, Result, bf16, f16, fail, multiversion};
use corten_gemm::refuse_shared;
use corten_gemm::scratch::Ptr;
use corten_gemm::simd::Real;
use corten_gemm::storage::Storage;

/// How a position between elements is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Lines between neighbours.
    Linear,
    /// The nearest element, of two the even one.
    Nearest,
    /// Cubic curves through four elements along each dimension.
    Cubic,
}

/// What lies outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Zeros.
    Zeros,
    /// The element at the border.
    Clamp,
    /// The mirror image.
    Reflect,
}

/// How a grid is read.
#[derive(Clone, Copy, Debug)]
pub struct Warp {
    /// Between elements.
    pub reading: Reading,
    /// Outside.
    pub border: Border,
    /// -1 and 1 are the centres of the first and last elements; otherwise their outer edges.
    pub corners: bool,
}

/// An element that a point reads along one dimension: its weight, and how that changes with the grid's coordinate.
#[derive(Clone, Copy)]
struct Tap {
    /// `None` outside, where there are zeros.
    place: Option<usize>,
    weight: f64,
    slope: f64,
}

const NONE: Tap = Tap { place: None, weight: 0.0, slope: 0.0 };

/// One dimension of an input of `size` elements, with positions in float32 if `single`.
struct Axis {
    warp: Warp,
    size: usize,
    single: bool,
}

impl Axis {
    fn round(&self, x: f64) -> f64 {
        if self.single { x as f32 as f64 } else { x }
    }

    /// The position at a coordinate, and its slope.
    fn position(&self, x: f64) -> (f64, f64) {
        let size = self.size as f64;
        if self.warp.corners {
            (self.round(self.round(self.round(x + 1.0) / 2.0) * (size - 1.0)), (size - 1.0) / 2.0)
        } else {
            (self.round(self.round(self.round(self.round(x + 1.0) * size) - 1.0) / 2.0), size / 2.0)
        }
    }

    /// A position brought inside, and by what its slope is multiplied.
    fn inside(&self, x: f64) -> (f64, f64) {
        match self.warp.border {
            Border::Zeros => (x, 1.0),
            Border::Clamp => self.clamped(x),
            Border::Reflect => {
                let (low, span) = match self.warp.corners {
                    true => (0.0, self.size as f64 - 1.0),
                    false => (-0.5, self.size as f64),
                };
                if span == 0.0 {
                    return (0.0, 0.0);
                }
                let (away, sign) = if x < low { (self.round(low - x), -1.0) } else { (self.round(x - low), 1.0) };
                let extra = away % span;
                let even = self.round(away / span).floor() % 2.0 == 0.0;
                let (place, slope) = if even { (extra + low, sign) } else { (span - extra + low, -sign) };
                let (place, kept) = self.clamped(self.round(place));
                (place, slope * kept)
            }
        }
    }

    /// NaN counts as 0.
    fn clamped(&self, x: f64) -> (f64, f64) {
        let last = self.size as f64 - 1.0;
        if x > 0.0 && x < last { (x, 1.0) } else { (if x >= last { last } else { 0.0 }, 0.0) }
    }

    fn place(&self, x: f64) -> Option<usize> {
        (x >= 0.0 && x < self.size as f64).then_some(x as usize)
    }

    /// The taps at a coordinate of the grid; those behind the mode's number stay unused.
    fn taps(&self, x: f64) -> [Tap; 4] {
        let (raw, unit) = self.position(x);
        let mut taps = [NONE; 4];
        if self.warp.reading == Reading::Cubic {
            let (first, share) = (raw.floor(), self.round(raw - raw.floor()));
            let (weights, slopes) = (cubic_weights(share, -0.75), cubic_slopes(share, -0.75));
            for (k, tap) in taps.iter_mut().enumerate() {
                let place = self.place(self.inside(first + k as f64 - 1.0).0);
                *tap = Tap { place, weight: self.round(weights[k]), slope: slopes[k] * unit };
            }
        } else {
            let (at, kept) = self.inside(raw);
            if self.warp.reading == Reading::Nearest {
                taps[0] = Tap { place: self.place(at.round_ties_even()), weight: 1.0, slope: 0.0 };
                return taps;
            }
            let (first, slope) = (at.floor(), unit * kept);
            let share = self.round(at - first);
            taps[0] = Tap { place: self.place(first), weight: self.round(1.0 - share), slope: -slope };
            taps[1] = Tap { place: self.place(first + 1.0), weight: share, slope };
        }
        if taps[0].weight.is_nan() {
            // Nothing lies at a position that is no number: the result is none either.
            taps[0].place = Some(0);
        }
        taps
    }
}

/// The derivatives of [`cubic_weights`] by `t`.
fn cubic_slopes(t: f64, a: f64) -> [f64; 4] {
    let near = |x: f64| (3.0 * (a + 2.0) * x - 2.0 * (a + 3.0)) * x;
    let far = |x: f64| ((3.0 * x - 10.0) * x + 8.0) * a;
    [far(t + 1.0), near(t), -near(1.0 - t), -far(2.0 - t)]
}

/// A type that sums are made in.
trait Sum: Real {
    fn of(x: f64) -> Self;
}

impl Sum for f32 {
    fn of(x: f64) -> Self {
        x as f32
    }
}

impl Sum for f64 {
    fn of(x: f64) -> Self {
        x
    }
}

/// The taps of all points of one image.
struct Table<T> {
    /// Three dimensions of `taps` each a point: the element's offset (or `usize::MAX` outside), weight and slope.
    entries: Vec<(usize, T, T)>,
    counts: [usize; 3],
}

impl<T: Sum> Table<T> {
    fn new<S: Cast<f64> + Copy>(image: usize, grid: &Operand, x: &Grid<S>, warp: Warp, single: bool) -> Result<Self> {
        let dims = grid.ndim() - 2;
        let count = match warp.reading {
            Reading::Nearest => 1,
            Reading::Linear => 2,
            Reading::Cubic => 4,
        };
        let counts: [usize; 3] = std::array::from_fn(|d| if d + dims < 3 { 1 } else { count });
        let points: usize = grid.sizes()[1..=dims].iter().map(|&n| n as usize).product();
        let mut entries = room(points.saturating_mul(counts.iter().sum()))?;
        let lines = each_point(grid);
        let base = grid.ptr().cast::<S>().wrapping_offset(image as isize * grid.strides()[0] as isize);
        let step = grid.strides()[dims + 1] as isize;
        lines(&mut |offset| {
            for (d, &count) in counts.iter().enumerate() {
                let Some(behind) = (d + dims).checked_sub(3).map(|d| dims - 1 - d) else {
                    entries.push((0, T::ONE, T::ZERO));
                    continue;
                };
                // SAFETY: an element of the grid: the coordinates of a point stand from the last dimension to the first.
                let x_d: f64 = unsafe { base.wrapping_offset(offset + behind as isize * step).read() }.cast();
                let stride: usize = x.size[d + 1..].iter().product();
                let taps = Axis { warp, size: x.size[d], single }.taps(x_d);
                entries.extend(
                    taps[..count]
                        .iter()
                        .map(|tap| (tap.place.map_or(usize::MAX, |p| p * stride), T::of(tap.weight), T::of(tap.slope))),
                );
            }
        });
        Ok(Table { entries, counts })
    }

    fn width(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Calls with the offset of each element that a point reads, and its entries along the three dimensions.
    #[inline(always)]
    fn each(&self, point: usize, mut f: impl FnMut(usize, [(T, T); 3])) {
        let all = &self.entries[point * self.width()..][..self.width()];
        let (first, rest) = all.split_at(self.counts[0]);
        let (second, third) = rest.split_at(self.counts[1]);
        for &(i, wi, si) in first {
            for &(j, wj, sj) in second {
                for &(k, wk, sk) in third {
                    if i != usize::MAX && j != usize::MAX && k != usize::MAX {
                        f(i + j + k, [(wi, si), (wj, sj), (wk, sk)]);
                    }
                }
            }
        }
    }
}

/// Calls with the offset of each point of a grid's image, in row-major order.
fn each_point(grid: &Operand) -> impl Fn(&mut dyn FnMut(isize)) {
    let dims = grid.ndim() - 2;
    let (mut sizes, mut strides) = ([1; 3], [0; 3]);
    for d in 0..dims {
        (sizes[3 - dims + d], strides[3 - dims + d]) = (grid.sizes()[d + 1] as isize, grid.strides()[d + 1] as isize);
    }
    move |f| {
        for i in 0..sizes[0] {
            for j in 0..sizes[1] {
                for k in 0..sizes[2] {
                    f(i * strides[0] + j * strides[1] + k * strides[2]);
                }
            }
        }
    }
}

multiversion! {
    fn read<T: Sum>(table: &Table<T>, x: &[T], y: &mut [T]) {
        for (point, y) in y.iter_mut().enumerate() {
            let mut sum = T::ZERO;
            table.each(point, |at, [(a, _), (b, _), (c, _)]| sum = a.times(b).times(c).fma(x[at], sum));
            *y = sum;
        }
    }
}

multiversion! {
    fn spread<T: Sum>(table: &Table<T>, g: &[T], gx: &mut [T]) {
        gx.fill(T::ZERO);
        for (point, &g) in g.iter().enumerate() {
            table.each(point, |at, [(a, _), (b, _), (c, _)]| gx[at] = a.times(b).times(c).fma(g, gx[at]));
        }
    }
}

multiversion! {
    /// Adds one channel's share to the gradients of the coordinates, three a point.
    fn slopes<T: Sum>(table: &Table<T>, x: &[T], g: &[T], sums: &mut [T]) {
        for (point, (&g, sums)) in g.iter().zip(sums.chunks_exact_mut(3)).enumerate() {
            let mut total = [T::ZERO; 3];
            table.each(point, |at, [(a, da), (b, db), (c, dc)]| {
                let x = x[at];
                total[0] = da.times(b).times(c).fma(x, total[0]);
                total[1] = a.times(db).times(c).fma(x, total[1]);
                total[2] = a.times(b).times(dc).fma(x, total[2]);
            });
            for (sum, total) in sums.iter_mut().zip(total) {
                *sum = g.fma(total, *sum);
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
            other => fail!(NotImplemented, "\"grid_sampler\" not implemented for '{}'", other.scalar_name()),
        }
    };
}

/// Calls `one` for each image with its table, perhaps on several threads.
fn each_image<S: Storage<Compute: Sum> + Cast<f64>>(
    grid: &Operand,
    x: &Grid<S>,
    warp: Warp,
    one: impl Fn(usize, &Table<S::Compute>) -> Result<()> + Sync,
) -> Result<()> {
    let single = grid.dtype() != DType::F64;
    try_parallel_for(grid.sizes()[0] as usize, 1, &|mut images| {
        images.try_for_each(|image| one(image, &Table::new(image, grid, x, warp, single)?))
    })
}

/// The grid of one image of an operand.
fn image_of<S>(x: &Grid<S>, image: usize) -> Grid<S> {
    Grid { ptr: x.ptr.wrapping_offset(image as isize * x.image), ..*x }
}

/// `out` (N, C, *T) = `x` (N, C, *S) at the points of `grid` (N, *T, dims).
///
/// # Errors
/// Sizes that do not fit, dtypes that differ or are no floats, an `out` whose elements share memory, too little memory.
pub fn grid_sample(out: Operand, x: Operand, grid: Operand, warp: Warp) -> Result<()> {
    check(&x, &grid, &out)?;
    refuse_shared(&out)?;
    let channels = x.sizes()[1] as usize;
    by_float!(x.dtype(), S => {
            let (from, to) = (Grid::<S>::new(&x), Grid::<S>::new(&out));
            each_image(&grid, &from, warp, |image, table| {
                // SAFETY: one image of operands that are valid for their sizes, which fit each other.
                unsafe {
                    map_planes((1, channels), &image_of(&from, image), &image_of(&to, image), &|_, _, x, y| {
     read(table, x, y);
     Ok(())
    })
                }
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
    let channels = gx.sizes()[1] as usize;
    by_float!(gx.dtype(), S => {
            let (from, to) = (Grid::<S>::new(&g), Grid::<S>::new(&gx));
            each_image(&grid, &to, warp, |image, table| {
                // SAFETY: as in `grid_sample`.
                unsafe {
                    let (from, to) = (image_of(&from, image), image_of(&to, image));
                    map_planes((1, channels), &from, &to, &|_, _, g, gx| {
     spread(table, g, gx);
     Ok(())
    })
                }
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
    let (channels, dims) = (x.sizes()[1] as usize, x.ndim() - 2);
    by_float!(x.dtype(), S => {
        let (xs, gs) = (Grid::<S>::new(&x), Grid::<S>::new(&g));
        let to = Ptr(ggrid.ptr().cast::<S>());
        each_image(&grid, &xs, warp, |image, table| {
            let mut planes = [(); 3].map(|()| room(0));
            let sizes = [xs.pixels(), gs.pixels(), gs.pixels().saturating_mul(3)];
            for (plane, size) in planes.iter_mut().zip(sizes) {
                *plane = room(size);
            }
            let [from, arrived, sums] = planes;
            let (mut from, mut arrived, mut sums) = (from?, arrived?, sums?);
            sums.resize(sizes[2], Real::ZERO);
            for channel in 0..channels {
                // SAFETY: the planes of one channel of operands that are valid for their sizes.
                unsafe {
                    load(&xs, image, channel, &mut from);
                    load(&gs, image, channel, &mut arrived);
                }
                slopes(table, &from, &arrived, &mut sums);
            }
            let (mut point, step) = (0, ggrid.strides()[dims + 1] as isize);
            let base = to.offset(image as isize * ggrid.strides()[0] as isize);
            each_point(&ggrid)(&mut |offset| {
                for d in 0..dims {
                    let at = base.wrapping_offset(offset + (dims - 1 - d) as isize * step);
                    // SAFETY: an element of this image of `ggrid`.
                    unsafe { at.write(sums[3 * point + 3 - dims + d].cast()) }
                }
                point += 1;
            });
            Ok(())
        })
    })
}

/// Copies one plane in the compute type.
///
/// # Safety
/// The grid must be valid for that image and channel.
unsafe fn load<S: Storage + Cast<S::Compute>>(grid: &Grid<S>, image: usize, channel: usize, to: &mut Vec<S::Compute>) {
    to.clear();
    let [a, b, c] = grid.size;
    for i in 0..a {
        for j in 0..b {
            // SAFETY: the caller's promise.
            to.extend((0..c).map(|k| unsafe { grid.at(image, channel, [i, j, k]).read() }.cast()));
        }
    }
}
