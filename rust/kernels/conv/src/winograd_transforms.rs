//! The transforms of minimal filtering, applied to vectors of channels: see [`crate::winograd`].

use corten_base::{Scalar, multiversion};
use corten_gemm::scratch::Ptr;
use corten_gemm::simd::Real;

/// Numbers that are transformed together.
const VECTOR: usize = 8;

/// Does the same for each vector of `width` channels, the last of which begins early, or for each single one of few.
macro_rules! each_vector {
    ($width:expr, |$at:ident, $n:ident| $body:expr) => {
        if $width < VECTOR {
            const $n: usize = 1;
            for $at in 0..$width {
                $body;
            }
        } else {
            const $n: usize = VECTOR;
            for $at in (0..$width).step_by(VECTOR) {
                let $at = $at.min($width - VECTOR);
                $body;
            }
        }
    };
}

/// A row of tiles whose outputs are two rows of pixels, or one where there is nothing below; what lies outside goes to
/// `spare`.
pub struct Row<T> {
    /// Tiles.
    pub tiles: usize,
    /// Pixels of a row that lie inside.
    pub pixels: usize,
    /// Channels.
    pub width: usize,
    /// False where the second row lies outside.
    pub below: bool,
    /// Room for a pixel.
    pub spare: Ptr<T>,
}

#[inline(always)]
fn add<T: Real, const N: usize>(x: [T; N], y: [T; N]) -> [T; N] {
    std::array::from_fn(|i| x[i].plus(y[i]))
}

#[inline(always)]
fn subtract<T: Real, const N: usize>(x: [T; N], y: [T; N]) -> [T; N] {
    std::array::from_fn(|i| x[i].plus(y[i].negative()))
}

/// `B' d` of four numbers.
#[inline(always)]
fn spread<T: Real, const N: usize>(d: [[T; N]; 4]) -> [[T; N]; 4] {
    [subtract(d[0], d[2]), add(d[1], d[2]), subtract(d[2], d[1]), subtract(d[1], d[3])]
}

/// `G g` of three numbers.
#[inline(always)]
fn widen<T: Real, const N: usize>(g: [[T; N]; 3], half: T) -> [[T; N]; 4] {
    let (outer, inner) = (add(g[0], g[2]), g[1]);
    [g[0], add(outer, inner).map(|x| x.times(half)), subtract(outer, inner).map(|x| x.times(half)), g[2]]
}

/// `A' m` of four numbers.
#[inline(always)]
fn gather<T: Real, const N: usize>(m: [[T; N]; 4]) -> [[T; N]; 2] {
    [add(add(m[0], m[1]), m[2]), subtract(subtract(m[1], m[2]), m[3])]
}

/// # Safety
/// `p` must be valid for reads of `N` numbers.
#[inline(always)]
unsafe fn load<T: Copy, const N: usize>(p: *const T) -> [T; N] {
    // SAFETY: the caller's promise.
    unsafe { p.cast::<[T; N]>().read_unaligned() }
}

/// # Safety
/// `p` must be valid for writes of `N` numbers.
#[inline(always)]
unsafe fn store<T: Copy, const N: usize>(p: *mut T, x: [T; N]) {
    // SAFETY: the caller's promise.
    unsafe { p.cast::<[T; N]>().write_unaligned(x) }
}

/// Writes a row of a transformed tile.
///
/// # Safety
/// `to` must have room for them.
#[inline(always)]
unsafe fn put_row<T: Copy, const N: usize>(to: Ptr<T>, point: usize, row: usize, x: [[T; N]; 4]) {
    // SAFETY: the caller's promise.
    unsafe {
        store(to.at(4 * row * point), x[0]);
        store(to.at((4 * row + 1) * point), x[1]);
        store(to.at((4 * row + 2) * point), x[2]);
        store(to.at((4 * row + 3) * point), x[3]);
    }
}

multiversion! {
    /// Transforms the weights of some channels, `[channel][position][output]` in the kernel's `order`.
    ///
    /// # Safety
    /// Both sides must have room for the channels of a panel, which is a multiple of the vectors; `order` must name positions
    /// of the kernel.
    pub unsafe fn transform_weights<T: Real>(
        from: Ptr<T>,
        to: Ptr<T>,
        point: usize,
        order: &[usize; 9],
        channels: usize,
        panel: usize,
    ) {
        let half = T::from_scalar(Scalar::Float(0.5));
        for channel in 0..channels {
            for lane in (0..panel).step_by(VECTOR) {
                // SAFETY: the caller's promise.
                unsafe {
                    let tap = |at: usize| load::<T, VECTOR>(from.at((9 * channel + order[at]) * panel + lane));
                    let column = |j: usize| widen([tap(j), tap(3 + j), tap(6 + j)], half);
                    let (a, b, c) = (column(0), column(1), column(2));
                    let to = Ptr(to.at(channel * panel + lane));
                    put_row(to, point, 0, widen([a[0], b[0], c[0]], half));
                    put_row(to, point, 1, widen([a[1], b[1], c[1]], half));
                    put_row(to, point, 2, widen([a[2], b[2], c[2]], half));
                    put_row(to, point, 3, widen([a[3], b[3], c[3]], half));
                }
            }
        }
    }
}

/// # Safety
/// As [`Transform::tile`].
#[inline(always)]
unsafe fn transform_input<T: Real, const N: usize>(from: Ptr<T>, row: usize, pixel: usize, to: Ptr<T>, point: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let at = |i: usize, j: usize| load::<T, N>(from.at(i * row + j * pixel));
        let column = |j: usize| spread([at(0, j), at(1, j), at(2, j), at(3, j)]);
        let (a, b, c, d) = (column(0), column(1), column(2), column(3));
        put_row(to, point, 0, spread([a[0], b[0], c[0], d[0]]));
        put_row(to, point, 1, spread([a[1], b[1], c[1], d[1]]));
        put_row(to, point, 2, spread([a[2], b[2], c[2], d[2]]));
        put_row(to, point, 3, spread([a[3], b[3], c[3], d[3]]));
    }
}

/// A transform of a tile's numbers from channels last to its positions.
pub trait Transform {
    /// Transforms `N` channels of one tile, whose rows and pixels are so far apart.
    ///
    /// # Safety
    /// `from` must be valid for the channels of all pixels that the tile reads, and `to` for those of all 16 points.
    unsafe fn tile<T: Real, const N: usize>(from: Ptr<T>, row: usize, pixel: usize, to: Ptr<T>, point: usize);
}

/// `B' d B` of the inputs that a tile reads.
pub struct Inputs;
impl Transform for Inputs {
    #[inline(always)]
    unsafe fn tile<T: Real, const N: usize>(from: Ptr<T>, row: usize, pixel: usize, to: Ptr<T>, point: usize) {
        // SAFETY: the caller's promise.
        unsafe { transform_input::<T, N>(from, row, pixel, to, point) }
    }
}

/// `A g A'` of the gradient of a tile's outputs.
pub struct Gradients;
impl Transform for Gradients {
    #[inline(always)]
    unsafe fn tile<T: Real, const N: usize>(from: Ptr<T>, row: usize, pixel: usize, to: Ptr<T>, point: usize) {
        // SAFETY: the caller's promise.
        unsafe { transform_gradient::<T, N>(from, row, pixel, to, point) }
    }
}

multiversion! {
    /// Transforms tiles beside each other, as `[position][tile][channel]`, tiles `step` apart.
    ///
    /// # Safety
    /// As [`Transform::tile`], for each tile.
    pub unsafe fn transform_tiles<T: Real, F: Transform>(
        from: Ptr<T>,
        row: usize,
        tiles: usize,
        depth: usize,
        to: Ptr<T>,
        step: usize,
        point: usize,
    ) {
        for tile in 0..tiles {
            let (from, to) = (Ptr(from.at(2 * tile * depth)), Ptr(to.at(tile * step)));
            each_vector!(depth, |c, N| {
                // SAFETY: the caller's promise, for these channels.
                unsafe { F::tile::<T, N>(Ptr(from.at(c)), row, depth, Ptr(to.at(c)), point) }
            });
        }
    }
}

/// Transforms one tile's sums; `zeros` stays zero as long as the outputs are finite.
///
/// # Safety
/// The sums, the outputs and the bias, unless it is null, must have room for `N` channels.
#[inline(always)]
unsafe fn transform_sum<T: Real, const N: usize>(
    from: Ptr<T>,
    point: usize,
    to: [*mut T; 4],
    bias: Ptr<T>,
    zeros: &mut [T; VECTOR],
) {
    // SAFETY: the caller's promise.
    unsafe {
        let at = |i: usize, j: usize| load::<T, N>(from.at((4 * i + j) * point));
        let column = |j: usize| gather([at(0, j), at(1, j), at(2, j), at(3, j)]);
        let (a, b, c, d) = (column(0), column(1), column(2), column(3));
        let (above, below) = (gather([a[0], b[0], c[0], d[0]]), gather([a[1], b[1], c[1], d[1]]));
        let bias = if bias.0.is_null() { [T::ZERO; N] } else { load(bias.0) };
        let mut put = |to: *mut T, y: [T; N]| {
            let y = add(y, bias);
            (0..N).for_each(|k| zeros[k] = y[k].fma(T::ZERO, zeros[k]));
            store(to, y);
        };
        put(to[0], above[0]);
        put(to[1], above[1]);
        put(to[2], below[0]);
        put(to[3], below[1]);
    }
}

multiversion! {
    /// Transforms the sums of a row of tiles to pixels with channels last; false where one is not finite.
    ///
    /// # Safety
    /// The sums, both rows of outputs (of which the second only where it is inside), the spare pixel and the bias, unless it
    /// is null, must have room for what `sizes` tells.
    pub unsafe fn transform_sums<T: Real>(from: Ptr<T>, point: usize, to: [Ptr<T>; 2], bias: Ptr<T>, sizes: &Row<T>) -> bool {
        let &Row { tiles, pixels, width, below, spare } = sizes;
        let mut zeros = [T::ZERO; VECTOR];
        for tile in 0..tiles {
            let right = 2 * tile + 1 < pixels;
            let at = |row: Ptr<T>, inside: bool, j: usize| if inside { row.at((2 * tile + j) * width) } else { spare.0 };
            let to = [at(to[0], true, 0), at(to[0], right, 1), at(to[1], below, 0), at(to[1], below && right, 1)];
            let from = Ptr(from.at(tile * width));
            each_vector!(width, |c, N| {
                let bias = Ptr(bias.add_unless_null(c).cast_mut());
                // SAFETY: the caller's promise, for these channels.
                unsafe { transform_sum::<T, N>(Ptr(from.at(c)), point, to.map(|to| to.wrapping_add(c)), bias, &mut zeros) };
            });
        }
        zeros.iter().all(|&x| x == T::ZERO)
    }
}

/// `A y` of two numbers.
#[inline(always)]
fn unfold<T: Real, const N: usize>(y: [[T; N]; 2]) -> [[T; N]; 4] {
    [y[0], add(y[0], y[1]), subtract(y[0], y[1]), y[1].map(T::negative)]
}

/// `G' m` of four numbers.
#[inline(always)]
fn narrow<T: Real, const N: usize>(m: [[T; N]; 4], half: T) -> [[T; N]; 3] {
    let (even, odd) = (add(m[1], m[2]).map(|x| x.times(half)), subtract(m[1], m[2]).map(|x| x.times(half)));
    [add(m[0], even), odd, add(even, m[3])]
}

/// # Safety
/// As [`Transform::tile`].
#[inline(always)]
unsafe fn transform_gradient<T: Real, const N: usize>(
    from: Ptr<T>,
    row: usize,
    pixel: usize,
    to: Ptr<T>,
    point: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let column = |j: usize| unfold([load::<T, N>(from.at(j * pixel)), load(from.at(row + j * pixel))]);
        let (a, b) = (column(0), column(1));
        put_row(to, point, 0, unfold([a[0], b[0]]));
        put_row(to, point, 1, unfold([a[1], b[1]]));
        put_row(to, point, 2, unfold([a[2], b[2]]));
        put_row(to, point, 3, unfold([a[3], b[3]]));
    }
}

/// Transforms sums to nine weights, `step` apart; `zeros` stays zero as long as they are finite.
///
/// # Safety
/// The sums and the weights must have room for `N` channels.
#[inline(always)]
unsafe fn transform_filter<T: Real, const N: usize>(
    from: Ptr<T>,
    point: usize,
    to: Ptr<T>,
    step: usize,
    half: T,
    zeros: &mut [T; VECTOR],
) {
    // SAFETY: the caller's promise.
    unsafe {
        let at = |i: usize, j: usize| load::<T, N>(from.at((4 * i + j) * point));
        let column = |j: usize| narrow([at(0, j), at(1, j), at(2, j), at(3, j)], half);
        let (a, b, c, d) = (column(0), column(1), column(2), column(3));
        let mut put = |row: usize, w: [[T; N]; 3]| {
            let to = Ptr(to.at(3 * row * step));
            for w in w {
                (0..N).for_each(|k| zeros[k] = w[k].fma(T::ZERO, zeros[k]));
            }
            store(to.0, w[0]);
            store(to.at(step), w[1]);
            store(to.at(2 * step), w[2]);
        };
        put(0, narrow([a[0], b[0], c[0], d[0]], half));
        put(1, narrow([a[1], b[1], c[1], d[1]], half));
        put(2, narrow([a[2], b[2], c[2], d[2]], half));
    }
}

multiversion! {
    /// Transforms the sums of `width` weights beside each other to `[position][weight]`; false where one is not finite.
    ///
    /// # Safety
    /// There must be so many sums at each point, and room for nine times as many weights.
    pub unsafe fn transform_filters<T: Real>(from: Ptr<T>, point: usize, to: Ptr<T>, width: usize) -> bool {
        let half = T::from_scalar(Scalar::Float(0.5));
        let mut zeros = [T::ZERO; VECTOR];
        each_vector!(width, |c, N| {
            // SAFETY: the caller's promise, for these weights.
            unsafe { transform_filter::<T, N>(Ptr(from.at(c)), point, Ptr(to.at(c)), width, half, &mut zeros) };
        });
        zeros.iter().all(|&x| x == T::ZERO)
    }
}
