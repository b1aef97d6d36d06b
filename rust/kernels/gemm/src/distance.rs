//! Distances between the rows of two matrices.
//!
//! Each is a sum over columns in order, in chains of 128 that start from zero and are added in order.

use crate::scratch::Ptr;
use crate::simd::Real;
use corten_base::alloc::filled;
use corten_base::pool::parallel_for;
use corten_base::{DType, Operand, Result, fail, multiversion};

/// Columns of a chain.
const CHAIN: usize = 128;
/// Rows of the first matrix in a tile, at most.
const ROWS: usize = 8;
/// Rows of the second matrix in a tile.
const WIDTH: usize = 8;
/// Differences that a task should have at least.
const GRAIN: usize = 1 << 18;

/// A number that has a root.
trait Root: Real {
    fn root(self) -> Self;
}

impl Root for f32 {
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
}

impl Root for f64 {
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
}

/// `out[b][i][j] = |x[b][i] - y[b][j]|`, the root of the sum of squares, of (B, P, M) and (B, R, M), contiguous and of float32 or float64.
///
/// # Errors
/// Sizes that do not fit, operands that are not contiguous, other or different dtypes, and too little memory.
pub fn distances(out: Operand, x: Operand, y: Operand) -> Result<()> {
    let (&[b, p, m], &[_, r, _]) = (x.sizes(), y.sizes()) else {
        fail!(Runtime, "distances: expected three dimensions, but got {:?} and {:?}", x.sizes(), y.sizes());
    };
    if y.sizes() != [b, r, m] || out.sizes() != [b, p, r] || ![&out, &x, &y].iter().all(|o| o.is_contiguous()) {
        fail!(Runtime, "distances: {:?} and {:?} do not give {:?}", x.sizes(), y.sizes(), out.sizes());
    }
    if x.dtype() != y.dtype() || x.dtype() != out.dtype() {
        fail!(Runtime, "distances: expected {} for every operand", out.dtype());
    }
    let sizes = [b, p, r, m].map(|n| n as usize);
    match out.dtype() {
        // SAFETY: contiguous operands of these sizes and this dtype.
        DType::F32 => unsafe { batches::<f32>(Ptr(out.ptr().cast()), x.ptr().cast(), y.ptr().cast(), sizes) },
        // SAFETY: as above.
        DType::F64 => unsafe { batches::<f64>(Ptr(out.ptr().cast()), x.ptr().cast(), y.ptr().cast(), sizes) },
        other => fail!(NotImplemented, "distances are not implemented for {other}"),
    }
}

/// # Safety
/// `out`, `x` and `y` must be valid for (b, p, r), (b, p, m) and (b, r, m) numbers, and nothing else use `out`.
unsafe fn batches<T: Root>(out: Ptr<T>, x: *const T, y: *const T, [b, p, r, m]: [usize; 4]) -> Result<()> {
    // SAFETY: the caller's promise.
    let (x, y) = unsafe { (std::slice::from_raw_parts(x, b * p * m), std::slice::from_raw_parts(y, b * r * m)) };
    if b * p * r == 0 {
        return Ok(());
    }
    let panels = r.div_ceil(WIDTH);
    let mut packed = filled([T::ZERO; WIDTH], panels.saturating_mul(m))?;
    for batch in 0..b {
        let (x, y) = (&x[batch * p * m..][..p * m], &y[batch * r * m..][..r * m]);
        for j in 0..r {
            let panel = &mut packed[j / WIDTH * m..][..m];
            panel.iter_mut().zip(&y[j * m..][..m]).for_each(|(lanes, &y)| lanes[j % WIDTH] = y);
        }
        let (tiles, packed) = (p.div_ceil(ROWS), &packed);
        parallel_for(tiles, (GRAIN / (ROWS * r * m.max(1))).max(1), &|range| {
            let (first, end) = (range.start * ROWS, p.min(range.end * ROWS));
            // SAFETY: the rows of the result that are this task's.
            let out = unsafe { std::slice::from_raw_parts_mut(out.at((batch * p + first) * r), (end - first) * r) };
            let x = &x[first * m..end * m];
            rows(out, x, packed, r, m);
        });
    }
    Ok(())
}

multiversion! {
    /// The distances of rows of `m` columns to the `r` rows that are packed side by side.
    fn rows<T: Root>(out: &mut [T], x: &[T], packed: &[[T; WIDTH]], r: usize, m: usize) {
        // As many sums as the latency of a multiply-add takes, but no more than there are registers for.
        match size_of::<T>() {
            4 => tiles::<T, ROWS>(out, x, packed, r, m),
            _ => tiles::<T, { ROWS / 2 }>(out, x, packed, r, m),
        }
    }
}

#[inline(always)]
fn tiles<T: Root, const N: usize>(out: &mut [T], x: &[T], packed: &[[T; WIDTH]], r: usize, m: usize) {
    let count = out.len() / r;
    for (panel, column) in (0..r).step_by(WIDTH).enumerate() {
        let panel = &packed[panel * m..][..m];
        let width = WIDTH.min(r - column);
        for first in (0..count).step_by(N) {
            // Behind the last row it stands again.
            let lines = std::array::from_fn(|k| &x[(first + k).min(count - 1) * m..][..m]);
            let tile = tile::<T, N>(lines, panel);
            for (row, distances) in (first..count).zip(&tile) {
                out[row * r + column..][..width].copy_from_slice(&distances[..width]);
            }
        }
    }
}

#[inline(always)]
fn tile<T: Root, const N: usize>(lines: [&[T]; N], panel: &[[T; WIDTH]]) -> [[T; WIDTH]; N] {
    let mut totals = [[T::ZERO; WIDTH]; N];
    for start in (0..panel.len()).step_by(CHAIN) {
        let end = panel.len().min(start + CHAIN);
        let (panel, lines) = (&panel[start..end], lines.map(|line| &line[start..end]));
        let mut sums = [[T::ZERO; WIDTH]; N];
        for (k, y) in panel.iter().enumerate() {
            for (sums, line) in sums.iter_mut().zip(&lines) {
                for (sum, &y) in sums.iter_mut().zip(y) {
                    let difference = line[k].plus(y.negative());
                    *sum = difference.fma(difference, *sum);
                }
            }
        }
        for (total, sum) in totals.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
            *total = total.plus(*sum);
        }
    }
    totals.map(|row| row.map(T::root))
}
