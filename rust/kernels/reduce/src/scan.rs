//! Running sums, products, log-sum-exps and extremes along a dimension.

use crate::columns::{WIDTH, map_columns};
use crate::fold::{Join, Product, Sum};
use crate::lines::{address, line_of, map_lines, others, same_sizes};
use crate::number::{Number, Ordered, Real, by_order};
use corten_base::alloc::filled;
use corten_base::element::Cast;
use corten_base::{DType, Operand, Result, c64, c128, fail, multiversion};

/// Elements of a line that are joined before what came before them is.
const PART: usize = 8;

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

/// Scans `x` along `dim` from the first element on, as numbers of type `compute`: sums and products of float32 and of
/// complex64 run in twice the precision, as PyTorch's.
pub fn cumulate(op: Scan, compute: DType, out: Operand, x: Operand, dim: usize) -> Result<()> {
    same_sizes(&out, &x)?;
    match (op, compute) {
        (Scan::LogCumSumExp, DType::F32) => log_cumulate::<f32>(&out, &x, dim),
        (Scan::LogCumSumExp, DType::F64) => log_cumulate::<f64>(&out, &x, dim),
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
    map_lines::<C, 1, 2>(out, [x], dim, |[x], out| scan_line::<A, C, J>(x, out))
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

fn log_cumulate<C: Real>(out: &Operand, x: &Operand, dim: usize) -> Result<()> {
    map_lines::<C, 1, 2>(out, [x], dim, |[x], out| {
        let mut total = C::LOWEST;
        for (out, &x) in out.iter_mut().zip(x) {
            let (high, low) = (total.larger(x), total.smaller(x));
            // Equal infinities differ by NaN; their sum is themselves.
            total = if high.abs() == C::HIGHEST { high } else { high.plus(C::ONE.plus(low.minus(high).exp()).ln()) };
            *out = total;
        }
    })
}

/// The largest (or smallest) element so far along `dim`, and its index: of equal ones the last, as PyTorch. NaN wins.
pub fn cum_extreme(largest: bool, values: Operand, indices: Operand, x: Operand, dim: usize) -> Result<()> {
    same_sizes(&values, &x)?;
    same_sizes(&indices, &x)?;
    if indices.dtype() != DType::I64 {
        fail!(Runtime, "indices must be int64, but are {}", indices.dtype());
    }
    by_order!(x.dtype(), "cummax_cummin", C => extreme::<C>(largest, &values, &indices, &x, dim))
}

fn extreme<C: Ordered>(largest: bool, values: &Operand, indices: &Operand, x: &Operand, dim: usize) -> Result<()> {
    let dims = others([x, values, indices], dim)?;
    let (from, to, index) = (line_of(x, dim)?, line_of(values, dim)?, line_of(indices, dim)?);
    let mut line = filled(C::ZERO, from.size)?;
    dims.walk(0..if from.size == 0 { 0 } else { dims.numel() }, |at| {
        // SAFETY: the three lines consist of elements of the operands; indices are int64.
        unsafe {
            C::load(x.dtype(), address(x, at[0]), from.strides[0], &mut line);
            let (mut best, mut best_at) = (line[0], 0);
            for (i, value) in line.iter_mut().enumerate() {
                let joined = if largest { best.larger(*value) } else { best.smaller(*value) };
                if value.is_nan() || (!best.is_nan() && joined == *value) {
                    (best, best_at) = (*value, i);
                }
                *value = best;
                indices.ptr().cast::<i64>().offset(at[2] + i as isize * index.strides[0]).write(best_at as i64);
            }
            C::store(values.dtype(), address(values, at[1]), to.strides[0], &line);
        }
    });
    Ok(())
}
