//! Running sums, products, log-sum-exps and extremes along a dimension.

use crate::lines::{line_of, map_lines, others};
use crate::number::{Number, Ordered, Real};
use crate::softmax::same_sizes;
use corten_base::alloc::filled;
use corten_base::{DType, Operand, Result, c64, c128, fail};

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

/// Scans `x` along `dim`, joining in the type `compute` from the first element on.
pub fn cumulate(op: Scan, compute: DType, out: Operand, x: Operand, dim: usize) -> Result<()> {
    same_sizes(&out, &x)?;
    match (op, compute) {
        (Scan::LogCumSumExp, DType::F32) => log_cumulate::<f32>(&out, &x, dim),
        (Scan::LogCumSumExp, DType::F64) => log_cumulate::<f64>(&out, &x, dim),
        (Scan::CumSum | Scan::CumProd, DType::F32) => running::<f32>(op, &out, &x, dim),
        (Scan::CumSum | Scan::CumProd, DType::F64) => running::<f64>(op, &out, &x, dim),
        (Scan::CumSum | Scan::CumProd, DType::I64) => running::<i64>(op, &out, &x, dim),
        (Scan::CumSum | Scan::CumProd, DType::C64) => running::<c64>(op, &out, &x, dim),
        (Scan::CumSum | Scan::CumProd, DType::C128) => running::<c128>(op, &out, &x, dim),
        _ => fail!(Runtime, "{op:?} does not compute in {compute}"),
    }
}

fn running<C: Number>(op: Scan, out: &Operand, x: &Operand, dim: usize) -> Result<()> {
    let product = op == Scan::CumProd;
    map_lines::<C, 1, 2>(out, [x], dim, |[x], out| {
        let mut total = if product { C::ONE } else { C::ZERO };
        for (out, &x) in out.iter_mut().zip(x) {
            total = if product { total.times(x) } else { total.plus(x) };
            *out = total;
        }
    })
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
    match x.dtype() {
        DType::F16 | DType::BF16 | DType::F32 => extreme::<f32>(largest, &values, &indices, &x, dim),
        DType::F64 => extreme::<f64>(largest, &values, &indices, &x, dim),
        DType::U64 => extreme::<u64>(largest, &values, &indices, &x, dim),
        d if d.is_complex() => fail!(NotImplemented, "\"cummax_cummin\" not implemented for '{}'", d.scalar_name()),
        _ => extreme::<i64>(largest, &values, &indices, &x, dim),
    }
}

fn extreme<C: Ordered>(largest: bool, values: &Operand, indices: &Operand, x: &Operand, dim: usize) -> Result<()> {
    let dims = others([x, values, indices], dim)?;
    let (from, to, index) = (line_of(x, dim)?, line_of(values, dim)?, line_of(indices, dim)?);
    let mut line = filled(C::ZERO, from.size)?;
    dims.walk(0..if from.size == 0 { 0 } else { dims.numel() }, |at| {
        let byte = |o: &Operand, offset: isize| o.ptr().wrapping_offset(offset * o.dtype().size() as isize);
        // SAFETY: the three lines consist of elements of the operands; indices are int64.
        unsafe {
            C::load(x.dtype(), byte(x, at[0]), from.strides[0], &mut line);
            let (mut best, mut best_at) = (line[0], 0);
            for (i, value) in line.iter_mut().enumerate() {
                let joined = if largest { best.larger(*value) } else { best.smaller(*value) };
                if value.is_nan() || (!best.is_nan() && joined == *value) {
                    (best, best_at) = (*value, i);
                }
                *value = best;
                indices.ptr().cast::<i64>().offset(at[2] + i as isize * index.strides[0]).write(best_at as i64);
            }
            C::store(values.dtype(), byte(values, at[1]), to.strides[0], &line);
        }
    });
    Ok(())
}
