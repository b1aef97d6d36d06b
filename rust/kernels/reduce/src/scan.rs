//! Running sums, products and log-sum-exps along a dimension.

use crate::abreast::{ABREAST, group_of, read_block, write_block};
use crate::columns::{WIDTH, map_columns};
use crate::fold::{Join, Product, Sum};
use crate::lines::{GRAIN, line_of, map_lines, others, same_sizes};
use crate::number::{Number, Ordered, Real};
use corten_base::element::Cast;
use corten_base::pool::parallel_for;
use corten_base::{DType, Operand, Result, c64, c128, fail, multiversion};
use corten_strided::Dim;

/// Elements of a line that are joined before what came before them is.
const PART: usize = 8;
/// Lines of logarithms that move on together where there are few.
const FEW: usize = 4;
/// Places that lines of logarithms move on by at a time.
const PLACES: usize = 64;

/// A scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Running sums.
    CumSum,
    /// Running products.
    CumProd,
    /// Running ln Σ exp.
    LogCumSumExp,
}

/// Scans `x` along `dim` from the first element on, as numbers of type `compute`: totals of float32 and of complex64 run in
/// twice the precision, as PyTorch's.
pub fn cumulate(op: Scan, compute: DType, out: Operand, x: Operand, dim: usize) -> Result<()> {
    same_sizes(&out, &x)?;
    match (op, compute) {
        (Scan::LogCumSumExp, DType::F32 | DType::F64) => log_cumulate(&out, &x, dim),
        (Scan::CumSum, DType::F32) => running::<f32, f64, Sum>(&out, &x, dim),
        (Scan::CumProd, DType::F32) => running::<f32, f64, Product>(&out, &x, dim),
        (Scan::CumSum, DType::F64) => running::<f64, f64, Sum>(&out, &x, dim),
        (Scan::CumProd, DType::F64) => running::<f64, f64, Product>(&out, &x, dim),
        (Scan::CumSum, DType::I64) => running::<i64, i64, Sum>(&out, &x, dim),
        (Scan::CumProd, DType::I64) => running::<i64, i64, Product>(&out, &x, dim),
        (Scan::CumSum, DType::C64) => running::<c64, c128, Sum>(&out, &x, dim),
        (Scan::CumProd, DType::C64) => running::<c64, c128, Product>(&out, &x, dim),
        (Scan::CumSum, DType::C128) => running::<c128, c128, Sum>(&out, &x, dim),
        (Scan::CumProd, DType::C128) => running::<c128, c128, Product>(&out, &x, dim),
        _ => fail!(Runtime, "{op:?} does not compute in {compute}"),
    }
}

/// A number whose running totals are of type `A`.
trait Totalled<A>: Number {
    fn widen(self) -> A;
    fn narrow(total: A) -> Self;
}

impl<A: Number + Cast<C>, C: Number + Cast<A>> Totalled<A> for C {
    #[inline(always)]
    fn widen(self) -> A {
        self.cast()
    }
    #[inline(always)]
    fn narrow(total: A) -> C {
        total.cast()
    }
}

fn running<C: Totalled<A>, A: Number, J: Join<A>>(out: &Operand, x: &Operand, dim: usize) -> Result<()> {
    let side_by_side = map_columns::<C, 1, 2>(out, [x], dim, |[x], mut out| {
        let mut totals = [J::IDENTITY; WIDTH];
        for place in 0..x.count() {
            advance::<A, C, J>(&mut totals[..x.width()], x.row(place), out.row(place));
        }
    })?;
    if side_by_side {
        return Ok(());
    }
    let length = line_of(x, dim)?.size;
    map_lines::<C, 1, 2>(out, [x], dim, |[x], out| {
        for (x, out) in x.chunks_exact(length).zip(out.chunks_exact_mut(length)) {
            scan_line::<A, C, J>(x, out);
        }
    })
}

multiversion! {
    /// Totals along a line.
    fn scan_line<A: Number, C: Totalled<A>, J: Join<A>>(x: &[C], out: &mut [C]) {
        let mut total = J::IDENTITY;
        let mut done = 0;
        // Totals twice as wide hold the total of a few elements, which then need not wait for what came before them.
        if size_of::<A>() > size_of::<C>() {
            for (x, out) in x.as_chunks::<PART>().0.iter().zip(out.as_chunks_mut::<PART>().0) {
                let mut sums = x.map(C::widen);
                for i in 1..PART {
                    sums[i] = J::join(sums[i - 1], sums[i]);
                }
                *out = sums.map(|sum| C::narrow(J::join(total, sum)));
                total = J::join(total, sums[PART - 1]);
                done += PART;
            }
        }
        for (&x, out) in x[done..].iter().zip(&mut out[done..]) {
            total = J::join(total, x.widen());
            *out = C::narrow(total);
        }
    }
}

multiversion! {
    /// Moves totals on by a row.
    fn advance<A: Number, C: Totalled<A>, J: Join<A>>(totals: &mut [A], x: &[C], out: &mut [C]) {
        for ((total, &x), out) in totals.iter_mut().zip(x).zip(out) {
            *total = J::join(*total, x.widen());
            *out = C::narrow(*total);
        }
    }
}

/// Running ln Σ exp of several lines together, which need not wait for each other's steps.
fn log_cumulate(out: &Operand, x: &Operand, dim: usize) -> Result<()> {
    same_sizes(out, x)?;
    let dims = others([x, out], dim)?.sorted().coalesced();
    let (from, to) = (line_of(x, dim)?, line_of(out, dim)?);
    let lines = dims.numel();
    parallel_for(lines.div_ceil(ABREAST), (GRAIN / (ABREAST * from.size.max(1))).max(1), &|range| {
        let (mut block, mut room) = ([[0.0; ABREAST]; PLACES], [0.0; PLACES]);
        for group in range {
            let (at, count) = group_of(&dims, group);
            let mut totals = [f64::NEG_INFINITY; ABREAST];
            for first in (0..from.size).step_by(PLACES) {
                let size = PLACES.min(from.size - first);
                let starts =
                    |k: usize, line: Dim<1>| at[..count].iter().map(move |at| at[k] + first as isize * line.strides[0]);
                // SAFETY: parts of lines of `x`, which nothing writes before they are read.
                unsafe { read_block(x, starts(0, from), Dim { size, ..from }, &mut room, &mut block) };
                advance_logs(&mut totals, &mut block[..size], count);
                // SAFETY: parts of lines of `out`.
                unsafe { write_block(out, starts(1, to), Dim { size, ..to }, &mut room, &block) };
            }
        }
    });
    Ok(())
}

multiversion! {
    /// Moves the first `count` totals on by each of the rows, which become the totals up to them.
    fn advance_logs(totals: &mut [f64; ABREAST], rows: &mut [[f64; ABREAST]], count: usize) {
        if count <= FEW { advance_lanes::<FEW>(totals, rows) } else { advance_lanes::<ABREAST>(totals, rows) }
    }
}

#[inline(always)]
fn advance_lanes<const N: usize>(totals: &mut [f64; ABREAST], rows: &mut [[f64; ABREAST]]) {
    let mut last: [f64; N] = std::array::from_fn(|i| totals[i]);
    for row in rows {
        for (total, x) in last.iter_mut().zip(row) {
            let (high, low) = (total.larger(*x), total.smaller(*x));
            let sum = high + Real::ln(1.0 + Real::exp(low - high));
            // Equal infinities differ by NaN; their sum is themselves.
            *total = if high.abs() == f64::INFINITY { high } else { sum };
            *x = *total;
        }
    }
    totals[..N].copy_from_slice(&last);
}
