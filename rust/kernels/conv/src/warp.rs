//! Which elements the points of a grid read, and with which weights: taps along each dimension, joined for blocks of points.

use crate::taps::cubic_weights;
use corten_base::alloc::filled;
use corten_base::element::Cast;
use corten_base::{Operand, Result, multiversion};
use corten_gemm::simd::Real;

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

/// Points whose taps are worked out at a time.
pub(crate) const BLOCK: usize = 256;

/// A type that sums are made in.
pub(crate) trait Sum: Real {
    /// Positions are rounded to float32.
    const SINGLE: bool;
    fn of(x: f64) -> Self;
}

impl Sum for f32 {
    const SINGLE: bool = true;
    #[inline(always)]
    fn of(x: f64) -> Self {
        x as f32
    }
}

impl Sum for f64 {
    const SINGLE: bool = false;
    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }
}

/// An element that a point reads along one dimension: its place, its weight, and how that changes with the coordinate.
#[derive(Clone, Copy)]
struct Tap {
    /// A whole number, or NaN outside, where there are zeros: places of several dimensions are added up by vectors.
    place: f64,
    weight: f64,
    slope: f64,
}

/// One dimension of an input of `size` elements, with positions in float32 if `single`.
#[derive(Clone, Copy)]
struct Axis {
    warp: Warp,
    size: f64,
    single: bool,
}

impl Axis {
    #[inline(always)]
    fn round(&self, x: f64) -> f64 {
        if self.single { x as f32 as f64 } else { x }
    }

    /// The position at a coordinate, and its slope.
    #[inline(always)]
    fn position(&self, x: f64) -> (f64, f64) {
        if self.warp.corners {
            (self.round(self.round(self.round(x + 1.0) / 2.0) * (self.size - 1.0)), (self.size - 1.0) / 2.0)
        } else {
            (self.round(self.round(self.round(self.round(x + 1.0) * self.size) - 1.0) / 2.0), self.size / 2.0)
        }
    }

    /// A position brought inside, and by what its slope is multiplied.
    #[inline(always)]
    fn inside(&self, x: f64) -> (f64, f64) {
        match self.warp.border {
            Border::Zeros => (x, 1.0),
            Border::Clamp => self.clamped(x),
            Border::Reflect => self.reflected(x),
        }
    }

    fn reflected(&self, x: f64) -> (f64, f64) {
        let (low, span) = match self.warp.corners {
            true => (0.0, self.size - 1.0),
            false => (-0.5, self.size),
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

    /// NaN counts as 0.
    #[inline(always)]
    fn clamped(&self, x: f64) -> (f64, f64) {
        let last = self.size - 1.0;
        let kept = if x > 0.0 && x < last { 1.0 } else { 0.0 };
        let x = if x > 0.0 { x } else { 0.0 };
        (if x < last { x } else { last }, kept)
    }

    #[inline(always)]
    fn place(&self, x: f64) -> f64 {
        if x >= 0.0 && x < self.size { x.trunc() } else { f64::NAN }
    }
}

/// The taps at a coordinate, in a way of reading.
trait Curve<const N: usize> {
    fn taps(axis: &Axis, x: f64) -> [Tap; N];
}

/// Lines between neighbours.
struct Lines;
/// The nearest element.
struct Steps;
/// Cubic curves.
struct Cubics;

impl Curve<2> for Lines {
    #[inline(always)]
    fn taps(axis: &Axis, x: f64) -> [Tap; 2] {
        let (raw, unit) = axis.position(x);
        let (at, kept) = axis.inside(raw);
        let (first, slope) = (at.floor(), unit * kept);
        let share = axis.round(at - first);
        [
            Tap { place: axis.place(first), weight: axis.round(1.0 - share), slope: -slope },
            Tap { place: axis.place(first + 1.0), weight: share, slope },
        ]
    }
}

impl Curve<1> for Steps {
    #[inline(always)]
    fn taps(axis: &Axis, x: f64) -> [Tap; 1] {
        let place = axis.place(axis.inside(axis.position(x).0).0.round_ties_even());
        [Tap { place, weight: 1.0, slope: 0.0 }]
    }
}

impl Curve<4> for Cubics {
    #[inline(always)]
    fn taps(axis: &Axis, x: f64) -> [Tap; 4] {
        let (raw, unit) = axis.position(x);
        let (first, share) = (raw.floor(), axis.round(raw - raw.floor()));
        let (weights, slopes) = (cubic_weights(share, -0.75), cubic_slopes(share, -0.75));
        std::array::from_fn(|k| {
            let place = axis.place(axis.inside(first + k as f64 - 1.0).0);
            Tap { place, weight: axis.round(weights[k]), slope: slopes[k] * unit }
        })
    }
}

/// The derivatives of [`cubic_weights`] by `t`.
fn cubic_slopes(t: f64, a: f64) -> [f64; 4] {
    let near = |x: f64| (3.0 * (a + 2.0) * x - 2.0 * (a + 3.0)) * x;
    let far = |x: f64| ((3.0 * x - 10.0) * x + 8.0) * a;
    [far(t + 1.0), near(t), -near(1.0 - t), -far(2.0 - t)]
}

/// One tap of each point of a block along one dimension: offsets (whole, or NaN outside), weights and slopes.
#[derive(Clone)]
struct Column {
    offsets: [f64; BLOCK],
    weights: [f64; BLOCK],
    slopes: [f64; BLOCK],
}

/// What the points of a block read: in row-major order of the taps, for each point the element and its weight.
pub(crate) struct Table<T> {
    along: [Vec<Column>; 3],
    coordinates: Vec<f64>,
    places: Vec<usize>,
    weights: Vec<T>,
    slopes: [Vec<T>; 3],
}

/// One tap of each point: the elements' places in a plane (`usize::MAX` outside) and their weights.
pub(crate) type Taps<'a, T> = (&'a [usize; BLOCK], &'a [T; BLOCK]);

impl<T: Sum> Table<T> {
    /// Room for the taps of a block of points of `dims` coordinates, with the weights' slopes if they are wanted.
    pub fn new(warp: Warp, dims: usize, sloped: bool) -> Result<Self> {
        let count = match warp.reading {
            Reading::Nearest => 1,
            Reading::Linear => 2,
            Reading::Cubic => 4,
        };
        let counts: [usize; 3] = std::array::from_fn(|d| if d + dims < 3 { 1 } else { count });
        let one = Column { offsets: [0.0; BLOCK], weights: [1.0; BLOCK], slopes: [0.0; BLOCK] };
        let mut along = [const { Vec::new() }; 3];
        for (columns, &count) in along.iter_mut().zip(&counts) {
            *columns = filled(one.clone(), count)?;
        }
        let entries = counts.iter().product::<usize>() * BLOCK;
        let mut slopes = [const { Vec::new() }; 3];
        for slopes in &mut slopes {
            *slopes = filled(T::ZERO, if sloped { entries } else { 0 })?;
        }
        Ok(Table {
            along,
            coordinates: filled(0.0, BLOCK)?,
            places: filled(0, entries)?,
            weights: filled(T::ZERO, entries)?,
            slopes,
        })
    }

    /// Works out the taps of `count` points (at most [`BLOCK`]) of an image from `first` on.
    pub fn fill<S: Cast<f64> + Copy>(
        &mut self,
        warp: Warp,
        size: [usize; 3],
        grid: &Operand,
        image: usize,
        (first, count): (usize, usize),
    ) {
        let dims = grid.ndim() - 2;
        for d in 3 - dims..3 {
            // The coordinates of a point stand from the last dimension to the first.
            read_coordinates::<S>(grid, image, 2 - d, first, &mut self.coordinates[..count]);
            let axis = Axis { warp, size: size[d] as f64, single: T::SINGLE };
            let stride = size[d + 1..].iter().product::<usize>() as f64;
            columns(axis, stride, &self.coordinates[..count], &mut self.along[d]);
        }
        self.join_dimensions();
    }

    /// Each combination of a tap of every dimension.
    #[inline(never)]
    fn join_dimensions(&mut self) {
        let [first, second, third] = &self.along;
        let mut at = 0;
        for a in first {
            for b in second {
                for c in third {
                    let range = at..at + BLOCK;
                    join([a, b, c], &mut self.places[range.clone()], &mut self.weights[range.clone()]);
                    if !self.slopes[0].is_empty() {
                        let [x, y, z] = self.slopes.each_mut().map(|slopes| &mut slopes[range.clone()]);
                        join_slopes([a, b, c], [x, y, z]);
                    }
                    at += BLOCK;
                }
            }
        }
    }

    /// The taps, in row-major order.
    pub fn taps(&self) -> impl Iterator<Item = Taps<'_, T>> {
        self.places.as_chunks().0.iter().zip(self.weights.as_chunks().0)
    }

    /// How the weights of the taps change with the position along each dimension.
    pub fn slopes(&self) -> [&[[T; BLOCK]]; 3] {
        self.slopes.each_ref().map(|slopes| slopes.as_chunks().0)
    }
}

/// Works out the taps of each coordinate along one dimension, of which neighbours lie `stride` apart.
fn columns(axis: Axis, stride: f64, coordinates: &[f64], columns: &mut [Column]) {
    let coordinates = &coordinates[..coordinates.len().min(BLOCK)];
    match (columns, axis.warp.border) {
        ([a, b], Border::Zeros | Border::Clamp) => lines_inside(axis, stride, coordinates, [a, b]),
        ([a, b], Border::Reflect) => each::<Lines, 2>(axis, stride, coordinates, [a, b]),
        ([a], _) => each::<Steps, 1>(axis, stride, coordinates, [a]),
        ([a, b, c, d], _) => each::<Cubics, 4>(axis, stride, coordinates, [a, b, c, d]),
        _ => {}
    }
}

multiversion! {
    /// What is most common takes several points at once.
    fn lines_inside(axis: Axis, stride: f64, coordinates: &[f64], columns: [&mut Column; 2]) {
        let border = if axis.warp.border == Border::Clamp { Border::Clamp } else { Border::Zeros };
        each::<Lines, 2>(Axis { warp: Warp { border, ..axis.warp }, ..axis }, stride, coordinates, columns);
    }
}

#[inline(always)]
fn each<C: Curve<N>, const N: usize>(axis: Axis, stride: f64, coordinates: &[f64], mut columns: [&mut Column; N]) {
    for (point, &x) in coordinates.iter().enumerate() {
        for (k, (column, tap)) in columns.iter_mut().zip(C::taps(&axis, x)).enumerate() {
            // Nothing lies at a position that is no number: the result is none either.
            let place = if k == 0 && tap.weight.is_nan() { 0.0 } else { tap.place };
            column.offsets[point] = place * stride;
            column.weights[point] = tap.weight;
            column.slopes[point] = tap.slope;
        }
    }
}

multiversion! {
    fn join<T: Sum>(along: [&Column; 3], places: &mut [usize], weights: &mut [T]) {
        let [a, b, c] = along;
        let (places, weights) = (&mut places[..BLOCK], &mut weights[..BLOCK]);
        for point in 0..BLOCK {
            let offset = a.offsets[point] + b.offsets[point] + c.offsets[point];
            let [x, y, z] = [a, b, c].map(|column| T::of(column.weights[point]));
            let weight = x.times(y).times(z);
            let (inside, offset) = (offset >= 0.0, if offset >= 0.0 { offset } else { -1.0 });
            // SAFETY: a whole number from -1 on, and far below 2^53.
            places[point] = unsafe { offset.to_int_unchecked::<i64>() } as usize;
            weights[point] = if inside { weight } else { T::ZERO };
        }
    }
}

multiversion! {
    fn join_slopes<T: Sum>(along: [&Column; 3], slopes: [&mut [T]; 3]) {
        let [a, b, c] = along;
        let [x, y, z] = slopes.map(|slopes| &mut slopes[..BLOCK]);
        for point in 0..BLOCK {
            let inside = a.offsets[point] + b.offsets[point] + c.offsets[point] >= 0.0;
            let or_zero = |slope: T| if inside { slope } else { T::ZERO };
            let [wx, wy, wz] = [a, b, c].map(|column| T::of(column.weights[point]));
            let [sx, sy, sz] = [a, b, c].map(|column| T::of(column.slopes[point]));
            x[point] = or_zero(sx.times(wy).times(wz));
            y[point] = or_zero(wx.times(sy).times(wz));
            z[point] = or_zero(wx.times(wy).times(sz));
        }
    }
}

/// Reads one coordinate of the points of a grid's image from `first` on.
fn read_coordinates<S: Cast<f64> + Copy>(
    grid: &Operand,
    image: usize,
    coordinate: usize,
    first: usize,
    to: &mut [f64],
) {
    let mut to = to.iter_mut();
    each_point(grid, image, coordinate, first, to.len(), |at| {
        if let Some(to) = to.next() {
            // SAFETY: an element of the grid.
            *to = unsafe { grid.ptr().cast::<S>().offset(at).read() }.cast();
        }
    });
}

/// Calls with the offset of one coordinate of each of `count` points of a grid's image, from `first` on in row-major order.
pub(crate) fn each_point(
    grid: &Operand,
    image: usize,
    coordinate: usize,
    first: usize,
    count: usize,
    mut f: impl FnMut(isize),
) {
    let last = grid.ndim() - 1;
    let (sizes, strides) = (&grid.sizes()[1..last], &grid.strides()[1..last]);
    let base = image as i64 * grid.strides()[0] + coordinate as i64 * grid.strides()[last];
    let (size, step) = (sizes[last - 2], strides[last - 2]);
    let (mut point, end) = (first as i64, (first + count) as i64);
    while point < end {
        let (mut rest, mut offset) = (point / size, base);
        for (size, stride) in sizes.iter().zip(strides).rev().skip(1) {
            offset += rest % size * stride;
            rest /= size;
        }
        let start = point % size;
        let run = (size - start).min(end - point);
        (start..start + run).for_each(|k| f((offset + k * step) as isize));
        point += run;
    }
}
