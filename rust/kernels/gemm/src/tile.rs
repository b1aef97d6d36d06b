//! The micro-kernel: one tile of the output in registers, summed over runs of k.
//!
//! Its source is generic over the vector, so that every instruction set does the same operations on each element:
//! one chain of fused multiply-adds over ascending k, started from zero, then the epilogue of [`Tile`].

use crate::dot::{self, LANES};
use crate::simd::{Lanes, Real, Simd};
use corten_base::isa;

/// Most rows that a tile has on any instruction set.
pub const MAX_ROWS: usize = 14;

/// `len` steps of k, and where they begin: offsets added to a row of `a` and to `b`.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Offset in `a`.
    pub a: isize,
    /// Offset in `b`.
    pub b: isize,
    /// Number of steps.
    pub len: usize,
}

/// `c = relu(alpha * total + (beta * c + bias))` where `total` is `sum(a * b)`, added to what `c` holds where `resume` says that
/// these are earlier blocks of the same sum. Offsets count elements; columns of `b` and `c` are contiguous.
#[derive(Clone, Copy)]
pub struct Tile<'a, T> {
    /// The runs of k, in the order in which they are summed.
    pub runs: &'a [Run],
    /// Left factor; row `i` starts at `a + rows[i]`.
    pub a: *const T,
    /// Offsets of the rows of `a`.
    pub rows: &'a [isize],
    /// Step of k in `a`.
    pub a_step: isize,
    /// Right factor.
    pub b: *const T,
    /// Step of k in `b`.
    pub b_step: isize,
    /// From one panel of columns (two vectors wide) to the next in `b`.
    pub b_panel: isize,
    /// Output.
    pub c: *mut T,
    /// From one row of `c` to the next.
    pub c_step: isize,
    /// True where `c` holds the sum so far.
    pub resume: bool,
    /// Factor of the sum.
    pub alpha: T,
    /// Factor of what `c` held before; without it `c` is not read.
    pub beta: Option<T>,
    /// One number per column (or per row), or null.
    pub bias: *const T,
    /// True where the bias has one number per row.
    pub bias_rows: bool,
    /// True where what is below zero becomes zero at the end.
    pub relu: bool,
}

/// # Safety
/// Every row, column and run of the tile must be valid memory; `tail` is at most the number of lanes, and the processor
/// has the vector's instruction set.
#[inline(always)]
unsafe fn tile<V: Simd, const MR: usize, const NV: usize, const MASKED: bool>(t: &Tile<V::Lane>, tail: usize) {
    // SAFETY: the caller's promise covers the memory and the instruction set of everything below.
    unsafe {
        let mask = V::mask(if MASKED { tail } else { V::LANES });
        let mut sums = [[V::splat(V::Lane::ZERO); NV]; MR];
        let a: [*const V::Lane; MR] = std::array::from_fn(|i| t.a.offset(*t.rows.get_unchecked(i)));
        for run in t.runs {
            let mut b = t.b.offset(run.b);
            let mut k = run.a;
            for _ in 0..run.len {
                let columns: [V; NV] = std::array::from_fn(|v| {
                    let p = b.offset(v as isize / 2 * t.b_panel).add(v % 2 * V::LANES);
                    if MASKED && v == NV - 1 { V::load_some(p, mask) } else { V::load(p) }
                });
                for i in 0..MR {
                    let x = V::splat(*a[i].offset(k));
                    for v in 0..NV {
                        sums[i][v] = x.fma(columns[v], sums[i][v]);
                    }
                }
                k += t.a_step;
                b = b.offset(t.b_step);
            }
        }
        let alpha = V::splat(t.alpha);
        // Not a condition below, for a longer loop would not be unrolled, and the sums no longer be registers.
        let floor = V::splat(if t.relu { V::Lane::ZERO } else { V::Lane::LOWEST });
        for (i, sums) in sums.iter().enumerate() {
            for (v, &sum) in sums.iter().enumerate() {
                let last = MASKED && v == NV - 1;
                let load = |p: *const V::Lane| if last { V::load_some(p, mask) } else { V::load(p) };
                let p = t.c.offset(i as isize * t.c_step).add(v * V::LANES);
                let sum = if t.resume { V::splat(V::Lane::ONE).fma(load(p), sum) } else { sum };
                let bias = match (t.bias.is_null(), t.bias_rows) {
                    (true, _) => None,
                    (_, true) => Some(V::splat(*t.bias.add(i))),
                    _ => Some(load(t.bias.add(v * V::LANES))),
                };
                let start = match (t.beta, bias) {
                    (None, bias) => bias,
                    (Some(beta), None) => Some(V::splat(beta).times(load(p))),
                    (Some(beta), Some(bias)) => Some(V::splat(beta).fma(load(p), bias)),
                };
                let y = start.map_or_else(|| alpha.times(sum), |start| alpha.fma(sum, start));
                let y = y.at_least(floor);
                if last { y.store_some(p, mask) } else { y.store(p) }
            }
        }
    }
}

type Dots<T> = unsafe fn(&[T], *const T, isize, &mut [T]);
type Entry<T> = unsafe fn(&Tile<T>, usize);

/// The micro-kernels of one instruction set for one type.
pub struct Kernels<T: 'static> {
    /// Lanes of a vector; panels are two vectors wide.
    pub lanes: usize,
    /// Heights in ascending order.
    heights: &'static [usize],
    /// By height, then one or two vectors, then whether the last is masked.
    entries: &'static [[[Entry<T>; 2]; 2]],
    /// Four vectors for the first few heights, which else would wait for the latency of the multiply-adds.
    wide: &'static [Entry<T>],
    /// [`dot::dots`] of columns in a cache, and of those far away.
    pub dots: [Dots<T>; 2],
}

impl<T: Real> Kernels<T> {
    /// Columns of a panel.
    pub fn panel(&self) -> usize {
        2 * self.lanes
    }

    /// Most rows of a tile.
    pub fn max_rows(&self) -> usize {
        self.heights[self.heights.len() - 1]
    }

    /// Index of the height of the next tile when `left` rows remain.
    fn height(&self, left: usize) -> usize {
        let max = self.max_rows();
        if self.heights.len() == max {
            // Every height exists: tiles of about the same height.
            left.div_ceil(left.div_ceil(max)) - 1
        } else {
            self.heights.iter().rposition(|&h| h <= left).unwrap_or(0)
        }
    }

    /// Computes `t.rows.len()` rows by `columns` columns, rows outermost.
    ///
    /// # Safety
    /// Every row, column and run must be valid memory.
    pub unsafe fn block(&self, t: &Tile<T>, columns: usize) {
        let (rows, panel) = (t.rows, self.panel());
        let mut t = *t;
        let (b, c, bias) = (t.b, t.c, t.bias);
        let mut i = 0;
        while i < rows.len() {
            let height = self.height(rows.len() - i);
            t.rows = &rows[i..];
            let mut j = 0;
            while j < columns {
                t.b = b.wrapping_offset((j / panel) as isize * t.b_panel);
                t.c = c.wrapping_offset(i as isize * t.c_step).wrapping_add(j);
                t.bias = if bias.is_null() { bias } else { bias.wrapping_add(if t.bias_rows { i } else { j }) };
                let left = columns - j;
                // SAFETY: the tile lies inside the block, whose memory the caller vouches for, and `kernels` chose
                // entries that the processor can run.
                unsafe {
                    if height < self.wide.len() && left >= 2 * panel {
                        self.wide[height](&t, self.lanes);
                        j += 2 * panel;
                        continue;
                    }
                    let vectors = left.min(panel).div_ceil(self.lanes);
                    let tail = left.min(panel) - (vectors - 1) * self.lanes;
                    self.entries[height][vectors - 1][(tail < self.lanes) as usize](&t, tail);
                }
                j += panel;
            }
            i += self.heights[height];
        }
    }
}

macro_rules! kernels {
    ($name:ident, $lane:ty, $vector:ty, [$($height:literal)*], wide [$($wide:literal)*] $(, $feature:literal)?) => {
        pub mod $name {
            use super::*;
            $(#[target_feature(enable = $feature)])?
            unsafe fn entry<const MR: usize, const NV: usize, const MASKED: bool>(t: &Tile<$lane>, tail: usize) {
                // SAFETY: the caller's promise; the features are enabled on this function.
                unsafe { tile::<$vector, MR, NV, MASKED>(t, tail) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn dots<const FAR: bool>(x: &[$lane], columns: *const $lane, step: isize, totals: &mut [$lane]) {
                // SAFETY: the caller's promise; the features are enabled on this function.
                unsafe { dot::dots::<$vector, { LANES / <$vector as Simd>::LANES }, FAR>(x, columns, step, totals) }
            }
            pub static KERNELS: Kernels<$lane> = Kernels {
                lanes: <$vector as Simd>::LANES,
                heights: &[$($height),*],
                entries: &[$([
                    [entry::<$height, 1, false>, entry::<$height, 1, true>],
                    [entry::<$height, 2, false>, entry::<$height, 2, true>],
                ]),*],
                wide: &[$(entry::<$wide, 4, false>),*],
                dots: [dots::<false>, dots::<true>],
            };
        }
    };
}

kernels! { portable_f32, f32, Lanes<f32, 8>, [1 2 4], wide [] }
kernels! { portable_f64, f64, Lanes<f64, 4>, [1 2 4], wide [] }
kernels! { portable_i64, i64, Lanes<i64, 4>, [1 2 4], wide [] }

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use crate::simd::{F32x8, F32x16, F64x4, F64x8};
    kernels! { avx2_f32, f32, F32x8, [1 2 3 4 5 6], wide [1 2 3], "avx2,fma" }
    kernels! { avx2_f64, f64, F64x4, [1 2 3 4 5 6], wide [1 2 3], "avx2,fma" }
    kernels! { avx2_i64, i64, Lanes<i64, 4>, [1 2 4], wide [], "avx2,fma" }
    kernels! { avx512_f32, f32, F32x16, [1 2 4 8 14], wide [1 2], "avx512f,avx2,fma" }
    kernels! { avx512_f64, f64, F64x8, [1 2 4 8 14], wide [1 2], "avx512f,avx2,fma" }
}

/// A type with micro-kernels.
pub trait Compute: Real {
    /// Those of the instruction set in use.
    fn kernels() -> &'static Kernels<Self>;
}

macro_rules! compute {
    ($($t:ty: $portable:ident, $avx2:ident, $avx512:ident;)*) => { $(
        impl Compute for $t {
            fn kernels() -> &'static Kernels<Self> {
                match isa::isa() {
                    #[cfg(target_arch = "x86_64")]
                    isa::Isa::Avx512 => &x86::$avx512::KERNELS,
                    #[cfg(target_arch = "x86_64")]
                    isa::Isa::Avx2 => &x86::$avx2::KERNELS,
                    _ => &$portable::KERNELS,
                }
            }
        }
    )* };
}

compute! {
    f32: portable_f32, avx2_f32, avx512_f32;
    f64: portable_f64, avx2_f64, avx512_f64;
    i64: portable_i64, avx2_i64, avx2_i64;
}

#[cfg(test)]
mod tests {
    use super::*;

    // The tile shapes of AVX-512, on vectors that every processor has.
    kernels! { large, f32, Lanes<f32, 16>, [1 2 4 8 14], wide [1 2] }

    #[test]
    fn tiles_of_every_shape_give_the_same_bits() {
        let number = |i: usize| (i * 7919 % 1009) as f32 / 301.0 - 1.6;
        let (a, b): (Vec<f32>, Vec<f32>) = ((0..40 * 30).map(number).collect(), (0..30 * 100).map(number).collect());
        let bias: Vec<f32> = (0..100).map(number).collect();
        for (rows, columns) in [(1, 1), (1, 100), (2, 65), (3, 15), (14, 32), (13, 33), (27, 31), (40, 97)] {
            for (resume, beta, bias_rows) in [(false, None, false), (true, None, true), (false, Some(0.3), false)] {
                let run = |kernels: &Kernels<f32>| {
                    let mut c: Vec<f32> = (0..rows * 100).map(number).collect();
                    let offsets: Vec<isize> = (0..rows as isize).map(|i| i * 30).collect();
                    let tile = Tile {
                        runs: &[Run { a: 0, b: 0, len: 11 }, Run { a: 12, b: 1200, len: 18 }],
                        a: a.as_ptr(),
                        rows: &offsets,
                        a_step: 1,
                        b: b.as_ptr(),
                        b_step: 100,
                        b_panel: kernels.panel() as isize,
                        c: c.as_mut_ptr(),
                        c_step: 100,
                        resume,
                        alpha: 1.7,
                        beta,
                        bias: bias.as_ptr(),
                        bias_rows,
                        relu: beta.is_some(),
                    };
                    // SAFETY: 40 rows of 30, 30 rows of 100 and the runs' steps lie inside the buffers.
                    unsafe { kernels.block(&tile, columns) };
                    c
                };
                let expected = run(&portable_f32::KERNELS);
                assert_eq!(run(&large::KERNELS), expected, "{rows} by {columns}");
                assert_eq!(run(f32::kernels()), expected, "{rows} by {columns}");
            }
        }
    }
}
