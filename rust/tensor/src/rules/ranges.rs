//! Ranges of numbers, computed as PyTorch computes them.

use crate::tensor::Tensor;
use corten_base::{DType, Operand, element::Cast};
use corten_base::{Result, Scalar, with_dtype};

/// Writes `value(i)` to each place `i` of a row-major operand. `T` is the operand's element type.
fn write<T: corten_base::Element>(out: &Operand, value: impl Fn(usize) -> T) {
    let (ptr, stride) = (out.ptr().cast::<T>(), out.strides().first().copied().unwrap_or(1));
    for i in 0..out.numel() {
        // SAFETY: the operand is one-dimensional, and all of its elements lie in its memory.
        unsafe { ptr.offset(i as isize * stride as isize).write(value(i)) }
    }
}

/// `start + i * step`; integers exactly, floats in double precision, then rounded once.
pub fn arange(out: &Tensor, start: Scalar, step: Scalar) -> Result<()> {
    let core = out.core();
    let operand = core.operand()?;
    if core.dtype.is_integral(true) {
        let (start, step) = (start.to_i64(), step.to_i64());
        with_dtype!(core.dtype, E => write::<E>(&operand, |i| start.wrapping_add(step.wrapping_mul(i as i64)).cast()));
    } else {
        let (start, step) = (start.to_f64(), step.to_f64());
        with_dtype!(core.dtype, E => write::<E>(&operand, |i| (start + step * i as f64).cast()));
    }
    Ok(())
}

/// `steps` numbers from `start` to `end`, counted from the nearer end as PyTorch counts; powers of `base` where given.
pub fn space(out: &Tensor, start: Scalar, end: Scalar, base: Option<f64>) -> Result<()> {
    let core = out.core();
    let operand = core.operand()?;
    let steps = core.numel();
    let (start, end) = (start.to_f64(), end.to_f64());
    match core.dtype {
        DType::F32 if base.is_none() => {
            let (start, end) = (start as f32, end as f32);
            let step = (end - start) / (steps.max(2) - 1) as f32;
            write::<f32>(&operand, |i| {
                if i < steps / 2 { step.mul_add(i as f32, start) } else { (-step).mul_add((steps - i - 1) as f32, end) }
            });
        }
        dtype => {
            let step = (end - start) / (steps.max(2) - 1) as f64;
            let at = |i: usize| {
                let x = if i < steps / 2 {
                    step.mul_add(i as f64, start)
                } else {
                    (-step).mul_add((steps - i - 1) as f64, end)
                };
                base.map_or(x, |base| libm::pow(base, x))
            };
            with_dtype!(dtype, E => write::<E>(&operand, |i| at(i).cast()));
        }
    }
    if steps == 1 {
        let first = base.map_or(start, |base| libm::pow(base, start));
        with_dtype!(core.dtype, E => write::<E>(&operand, |_| first.cast()));
    }
    Ok(())
}
