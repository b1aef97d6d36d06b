//! Sums, products, extremes, truth, norms, variance and log-sum-exp over any dimensions.

use crate::fold::{
    ExpDifference, Join, Largest, Magnitude, NanToZero, Product, Same, Smallest, Square, SquaredDifference, Sum, fold,
    reduced_count,
};
use crate::lines::address;
use crate::number::{Number, Ordered, Real};
use crate::source::{Map, Mapped, Reader};
use corten_base::alloc::filled;
use corten_base::{DType, Operand, Result, c64, c128, fail};
use corten_elementwise::{Ternary, Unary, ternary, unary};
use corten_strided::Dims;
use std::sync::atomic::{AtomicBool, Ordering};

/// A reduction. Its results have size 1 along each reduced dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reduce {
    /// Sum.
    Sum,
    /// Sum over count.
    Mean,
    /// Sum in which NaN counts as zero.
    NanSum,
    /// Product.
    Prod,
    /// Largest; NaN if one is there. Nothing of nothing: the caller refuses empty dimensions.
    Amax,
    /// Smallest, likewise.
    Amin,
    /// Whether one differs from zero.
    Any,
    /// Whether all differ from zero.
    All,
    /// How many differ from zero.
    CountNonzero,
    /// (Σ|x|ᵖ)^(1/p): the count of non-zeros for p = 0, the largest or smallest |x| for p = ±∞.
    Norm(f64),
}

/// Reduces `x` to `out`, which has `x`'s rank and size 1 along each reduced dimension.
///
/// `compute` is the type that elements are joined in: float32, float64, int64 or a complex type (int32 and uint64 too for
/// extremes). Truth and counts compute in int64 whatever `compute` says; norms in a real type.
pub fn reduce(op: Reduce, compute: DType, out: Operand, x: Operand) -> Result<()> {
    let reader = Reader::of(x, Map::Same);
    match op {
        Reduce::Any => return truth::<Largest>(&out, &x, Reader { map: Map::Truth, ..reader }, 0),
        Reduce::All => return truth::<Smallest>(&out, &x, Reader { map: Map::Truth, ..reader }, 1),
        Reduce::CountNonzero => return fold::<i64, Sum, Same>(&out, &Reader { map: Map::Truth, ..reader }, |v| v),
        _ => {}
    }
    match compute {
        DType::F32 => real::<f32>(op, &out, reader),
        DType::F64 => real::<f64>(op, &out, reader),
        DType::I64 => ordered::<i64>(op, &out, reader),
        DType::I32 => extreme::<i32>(op, &out, reader),
        DType::U64 => extreme::<u64>(op, &out, reader),
        DType::C64 => complex::<c64>(op, &out, reader),
        DType::C128 => complex::<c128>(op, &out, reader),
        _ => fail!(Runtime, "reductions do not compute in {compute}"),
    }
}

/// Extremes of truth values, whose identity must itself be a truth value.
fn truth<J: Join<i64>>(out: &Operand, x: &Operand, reader: Reader, empty: i64) -> Result<()> {
    let nothing = reduced_count(out, x) == 0;
    fold::<i64, J, Same>(out, &reader, |value| if nothing { empty } else { value })
}

pub(crate) fn real<C: Mapped + Real>(op: Reduce, out: &Operand, reader: Reader) -> Result<()> {
    let mapped = |map| Reader { map, ..reader };
    let size = if reader.x.dtype().is_complex() { mapped(Map::Modulus) } else { reader };
    match op {
        Reduce::Mean => {
            let count = C::from_f64(reduced_count(out, &reader.x) as f64);
            fold::<C, Sum, Same>(out, &reader, |sum| sum.over(count))
        }
        Reduce::NanSum => fold::<C, Sum, NanToZero>(out, &reader, |v| v),
        Reduce::Norm(2.0) => fold::<C, Sum, Square>(out, &size, |v| v.sqrt()),
        Reduce::Norm(1.0) => fold::<C, Sum, Magnitude>(out, &size, |v| v),
        Reduce::Norm(0.0) => fold::<i64, Sum, Same>(out, &mapped(Map::Truth), |v| v),
        Reduce::Norm(f64::INFINITY) => {
            // Of nothing, 0: magnitudes have no smaller one.
            fold::<C, Largest, Magnitude>(out, &size, |v| v.larger(C::ZERO))
        }
        Reduce::Norm(f64::NEG_INFINITY) => fold::<C, Smallest, Magnitude>(out, &size, |v| v),
        Reduce::Norm(p) => fold::<C, Sum, Same>(out, &mapped(Map::Power(p)), |v| {
            let mut root = [v];
            C::map(Map::Power(1.0 / p), &mut root, &[]);
            root[0]
        }),
        _ => ordered::<C>(op, out, reader),
    }
}

fn ordered<C: Mapped + Ordered>(op: Reduce, out: &Operand, reader: Reader) -> Result<()> {
    match op {
        Reduce::Sum | Reduce::NanSum => fold::<C, Sum, Same>(out, &reader, |v| v),
        Reduce::Prod => fold::<C, Product, Same>(out, &reader, |v| v),
        _ => extreme::<C>(op, out, reader),
    }
}

fn extreme<C: Mapped + Ordered>(op: Reduce, out: &Operand, reader: Reader) -> Result<()> {
    match op {
        Reduce::Amax => fold::<C, Largest, Same>(out, &reader, |v| v),
        Reduce::Amin => fold::<C, Smallest, Same>(out, &reader, |v| v),
        _ => fail!(Runtime, "{op:?} does not compute in {}", C::DTYPE),
    }
}

fn complex<C: Mapped>(op: Reduce, out: &Operand, reader: Reader) -> Result<()> {
    match op {
        Reduce::Sum => fold::<C, Sum, Same>(out, &reader, |v| v),
        Reduce::NanSum => fold::<C, Sum, NanToZero>(out, &reader, |v| v),
        Reduce::Mean => {
            let scale = C::from_f64(1.0 / reduced_count(out, &reader.x) as f64);
            fold::<C, Sum, Same>(out, &reader, |v| v.times(scale))
        }
        Reduce::Prod => fold::<C, Product, Same>(out, &reader, |v| v),
        _ => fail!(Runtime, "{op:?} does not compute in {}", C::DTYPE),
    }
}

/// Variance with `correction` taken from the count (or its square root, if `sqrt`), in two passes: the mean, then the
/// squared differences from it. `mean` receives the mean if it is wanted; both have size 1 along reduced dimensions.
pub fn var(out: Operand, mean: Option<Operand>, x: Operand, correction: f64, sqrt: bool) -> Result<()> {
    match x.dtype() {
        DType::F64 => var_in::<f64>(&out, mean, x, (correction, sqrt), drop),
        DType::F16 | DType::BF16 | DType::F32 => {
            let finite = AtomicBool::new(true);
            var_in::<f32>(&out, mean, x, (correction, sqrt), |variance| {
                if variance.is_infinite() {
                    finite.store(false, Ordering::Relaxed);
                }
            })?;
            if finite.into_inner() {
                return Ok(());
            }
            // Sums and squares of large numbers overflow where the results need not. Only such are computed anew: none
            // depends on its neighbours.
            with_temporary::<f32>(&out, &x, |exact, _| {
                with_temporary::<f32>(&out, &x, |exact_mean, _| {
                    var_in::<f64>(&exact, Some(exact_mean), x, (correction, sqrt), drop)?;
                    if let Some(mean) = mean {
                        finite_or(mean, exact_mean)?;
                    }
                    finite_or(out, exact)
                })
            })
        }
        other => fail!(Runtime, "std and var only support floating point dtypes, but got {other}"),
    }
}

/// Puts other numbers in the place of those that are not finite.
fn finite_or(out: Operand, other: Operand) -> Result<()> {
    with_temporary::<f32>(&out, &out, |kept, _| {
        unary(Unary::isfinite, DType::F32, kept, out)?;
        ternary(Ternary::select, DType::F32, out, kept.into(), out.into(), other.into())
    })
}

/// Variances or their roots; each variance is shown to `see`.
fn var_in<C: Mapped + Real>(
    out: &Operand,
    mean: Option<Operand>,
    x: Operand,
    (correction, sqrt): (f64, bool),
    see: impl Fn(C) + Sync,
) -> Result<()> {
    let count = reduced_count(out, &x) as f64;
    with_temporary::<C>(out, &x, |temporary, expanded| {
        real::<C>(Reduce::Mean, &temporary, Reader::of(x, Map::Same))?;
        if let Some(mean) = mean {
            copy::<C>(&mean, &temporary)?;
        }
        let divisor = C::from_f64((count - correction).max(0.0));
        let reader = Reader { center: Some(expanded), ..Reader::of(x, Map::Same) };
        fold::<C, Sum, SquaredDifference>(out, &reader, |sum| {
            let variance = sum.over(divisor);
            see(variance);
            if sqrt { variance.sqrt() } else { variance }
        })
    })
}

/// ln Σ exp(x), with the largest element taken out first.
pub fn logsumexp(out: Operand, x: Operand) -> Result<()> {
    match x.dtype() {
        DType::F64 => logsumexp_in::<f64>(&out, x),
        DType::F16 | DType::BF16 | DType::F32 => logsumexp_in::<f32>(&out, x),
        other => fail!(Runtime, "logsumexp only supports floating point dtypes, but got {other}"),
    }
}

fn logsumexp_in<C: Mapped + Real>(out: &Operand, x: Operand) -> Result<()> {
    with_temporary::<C>(out, &x, |largest, expanded| {
        fold::<C, Largest, Same>(&largest, &Reader::of(x, Map::Same), |v| {
            // An infinite shift would turn the infinities into NaN.
            if v.abs() == C::HIGHEST { C::ZERO } else { v }
        })?;
        with_temporary::<C>(out, out, |sums, _| {
            let reader = Reader { center: Some(expanded), ..Reader::of(x, Map::Same) };
            fold::<C, Sum, ExpDifference>(&sums, &reader, |v| v.ln())?;
            let dims = Dims::new(out.sizes(), [out.strides(), largest.strides(), sums.strides()]).coalesced();
            dims.walk(0..dims.numel(), |[to, shift, sum]| {
                // SAFETY: elements of the three operands, the last two of type C.
                unsafe {
                    let value = largest.ptr().cast::<C>().offset(shift).read();
                    let value = value.plus(sums.ptr().cast::<C>().offset(sum).read());
                    C::store(out.dtype(), address(out, to), 1, &[value]);
                }
            });
            Ok(())
        })
    })
}

/// Calls `body` with fresh memory of `out`'s sizes, as it is and expanded to `x`'s sizes.
pub(crate) fn with_temporary<C: Number>(
    out: &Operand,
    x: &Operand,
    body: impl FnOnce(Operand, Operand) -> Result<()>,
) -> Result<()> {
    if out.ndim() != x.ndim() {
        fail!(Runtime, "a result of {} dimensions cannot take a reduction of {}", out.ndim(), x.ndim());
    }
    let mut memory = filled(C::ZERO, out.numel())?;
    let mut strides = vec![0; out.ndim()];
    let mut step = 1;
    for i in (0..out.ndim()).rev() {
        strides[i] = step;
        step *= out.sizes()[i];
    }
    let expanded: Vec<i64> = (0..x.ndim()).map(|i| if out.sizes()[i] == 1 { 0 } else { strides[i] }).collect();
    let memory = corten_base::Memory::from_slice(&mut memory);
    body(
        Operand::new(memory, C::DTYPE, 0, out.sizes(), &strides)?,
        Operand::new(memory, C::DTYPE, 0, x.sizes(), &expanded)?,
    )
}

/// Copies elements of type C into an operand of any dtype and the same sizes.
fn copy<C: Number>(out: &Operand, x: &Operand) -> Result<()> {
    if out.sizes() != x.sizes() || x.dtype() != C::DTYPE {
        fail!(Runtime, "sizes {:?} and {:?} differ", out.sizes(), x.sizes());
    }
    let dims = Dims::new(out.sizes(), [out.strides(), x.strides()]).coalesced();
    dims.walk(0..dims.numel(), |[to, from]| {
        // SAFETY: elements of the two operands.
        unsafe {
            let value = x.ptr().cast::<C>().offset(from).read();
            C::store(out.dtype(), address(out, to), 1, &[value]);
        }
    });
    Ok(())
}
