//! The negative log-likelihood of classes.

use crate::fold::{Sum, tree};
use crate::lines::address;
use crate::number::{Number, Real, Source};
use corten_base::alloc::filled;
use corten_base::{DType, Operand, Result, bf16, f16, fail};
use corten_strided::{Dim, Dims};

/// How the losses of elements become the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// They are the result.
    None,
    /// Their sum over the sum of their classes' weights.
    Mean,
    /// Their sum.
    Sum,
}

/// Where the elements of log-probabilities (N × C × S), targets (N × S) and another operand (N × S, or one element) lie.
struct Plan {
    dims: Dims<3>,
    classes: Dim<1>,
}

fn plan(x: &Operand, target: &Operand, other: &Operand, reduction: Reduction) -> Result<Plan> {
    let (&[n, classes, s], &[tn, ts]) = (x.sizes(), target.sizes()) else {
        fail!(Runtime, "expected sizes N × C × S and N × S, but got {:?} and {:?}", x.sizes(), target.sizes());
    };
    if (n, s) != (tn, ts) || target.dtype() != DType::I64 {
        fail!(
            Runtime,
            "size mismatch (got input: {:?}, target: {:?} of {})",
            x.sizes(),
            target.sizes(),
            target.dtype()
        );
    }
    let strides = match (reduction, other.sizes()) {
        (Reduction::None, &[on, os]) if (on, os) == (n, s) => [other.strides()[0], other.strides()[1]],
        (Reduction::Mean | Reduction::Sum, []) => [0, 0],
        (_, sizes) => fail!(Runtime, "a loss of reduction {reduction:?} cannot have sizes {sizes:?}"),
    };
    let dim = |i: usize, k: usize| Dim {
        size: x.sizes()[i] as usize,
        strides: [x.strides()[i] as isize, target.strides()[k] as isize, strides[k] as isize],
    };
    let classes = Dim { size: classes as usize, strides: [x.strides()[1] as isize] };
    Ok(Plan { dims: Dims::from_dims([dim(0, 0), dim(2, 1)]), classes })
}

/// The class at an offset of `target`, or `None` to be ignored.
#[inline(always)]
fn class_at(target: &Operand, offset: isize, classes: usize, ignore: i64) -> Result<Option<usize>> {
    // SAFETY: an element of `target`, which is int64.
    let class = unsafe { target.ptr().cast::<i64>().offset(offset).read() };
    if class == ignore {
        return Ok(None);
    }
    if class < 0 || class as u64 >= classes as u64 {
        fail!(Index, "Target {class} is out of bounds.");
    }
    Ok(Some(class as usize))
}

fn weights<C: Number>(weight: Option<&Operand>, classes: usize) -> Result<Option<Vec<C>>> {
    let Some(weight) = weight else { return Ok(None) };
    if weight.sizes() != [classes as i64] {
        fail!(
            Runtime,
            "weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {:?}",
            weight.sizes()
        );
    }
    let mut values = filled(C::ZERO, classes)?;
    // SAFETY: the elements of `weight`.
    unsafe { C::load(weight.dtype(), weight.ptr(), weight.strides()[0] as isize, &mut values) };
    Ok(Some(values))
}

/// `-weight[t] · x[n, t, s]` for each target t, none where it is `ignore`. `x` is N × C × S, `target` int64 N × S; `out` is
/// N × S, or one element that `reduction` makes. `total_weight` (one element) receives the sum of the weights taken.
pub fn nll_loss(
    out: Operand,
    total_weight: Operand,
    x: Operand,
    target: Operand,
    weight: Option<Operand>,
    reduction: Reduction,
    ignore: i64,
) -> Result<()> {
    let weight = weight.as_ref();
    match x.dtype() {
        DType::F64 => forward::<f64, f64>(&out, &total_weight, &x, &target, weight, reduction, ignore),
        DType::F32 => forward::<f32, f32>(&out, &total_weight, &x, &target, weight, reduction, ignore),
        DType::F16 => forward::<f16, f32>(&out, &total_weight, &x, &target, weight, reduction, ignore),
        DType::BF16 => forward::<bf16, f32>(&out, &total_weight, &x, &target, weight, reduction, ignore),
        other => other.unsupported("nll_loss_out_frame"),
    }
}

/// Log-probabilities and targets.
struct Pairs<'a> {
    x: &'a Operand<'a>,
    target: &'a Operand<'a>,
    classes: Dim<1>,
    ignore: i64,
}

impl Pairs<'_> {
    /// The losses along a run of targets, and the weights that they took; zeros where a target is ignored.
    #[inline(never)]
    fn losses<T: Source<C>, C: Real>(
        &self,
        [from, at]: [isize; 2],
        [step, next]: [isize; 2],
        weight: Option<&[C]>,
        losses: &mut [C],
        taken: &mut [C],
    ) -> Result<()> {
        for (i, (loss, factor)) in (0..).zip(losses.iter_mut().zip(taken)) {
            let class = class_at(self.target, at + i * next, self.classes.size, self.ignore)?;
            let Some(class) = class else { continue };
            let offset = from + i * step + class as isize * self.classes.strides[0];
            // SAFETY: an element of `x`, which is of type T.
            let value: C = unsafe { self.x.ptr().cast::<T>().offset(offset).read() }.cast();
            *factor = weight.map_or(C::ONE, |weight| weight[class]);
            *loss = C::ZERO.minus(value).times(*factor);
        }
        Ok(())
    }
}

fn forward<T: Source<C>, C: Real>(
    out: &Operand,
    total_weight: &Operand,
    x: &Operand,
    target: &Operand,
    weight: Option<&Operand>,
    reduction: Reduction,
    ignore: i64,
) -> Result<()> {
    let Plan { dims, classes } = plan(x, target, out, reduction)?;
    let weight = weights::<C>(weight, classes.size)?;
    if total_weight.numel() != 1 {
        fail!(Runtime, "total_weight must have one element, but has sizes {:?}", total_weight.sizes());
    }
    let (mut losses, mut taken) = (filled(C::ZERO, dims.numel())?, filled(C::ZERO, dims.numel())?);
    let pairs = Pairs { x, target, classes, ignore };
    let (mut start, mut result) = (0, Ok(()));
    dims.runs(0..dims.numel(), |[from, at, to], [step, next, along], count| {
        let run = start..start + count;
        start += count;
        if result.is_ok() {
            let (losses, taken) = (&mut losses[run.clone()], &mut taken[run]);
            result = pairs.losses::<T, C>([from, at], [step, next], weight.as_deref(), losses, taken);
            if reduction == Reduction::None {
                // SAFETY: a run of elements of `out`.
                unsafe { C::store(out.dtype(), address(out, to), along, losses) };
            }
        }
    });
    result?;
    let total = tree::<C, Sum>(&taken);
    // SAFETY: the only element of `total_weight`.
    unsafe { C::store(total_weight.dtype(), total_weight.ptr(), 1, &[total]) };
    if reduction != Reduction::None {
        let sum = tree::<C, Sum>(&losses);
        let loss = if reduction == Reduction::Mean { sum.over(total) } else { sum };
        // SAFETY: the only element of `out`.
        unsafe { C::store(out.dtype(), out.ptr(), 1, &[loss]) };
    }
    Ok(())
}

/// The gradient of [`nll_loss`] with respect to `x`, from `g`, that of its result.
pub fn nll_loss_backward(
    gx: Operand,
    g: Operand,
    target: Operand,
    weight: Option<Operand>,
    total_weight: Operand,
    reduction: Reduction,
    ignore: i64,
) -> Result<()> {
    match gx.dtype() {
        DType::F64 => backward::<f64>(&gx, &g, &target, weight.as_ref(), &total_weight, reduction, ignore),
        DType::F32 | DType::F16 | DType::BF16 => {
            backward::<f32>(&gx, &g, &target, weight.as_ref(), &total_weight, reduction, ignore)
        }
        other => other.unsupported("nll_loss_backward"),
    }
}

fn backward<C: Real>(
    gx: &Operand,
    g: &Operand,
    target: &Operand,
    weight: Option<&Operand>,
    total_weight: &Operand,
    reduction: Reduction,
    ignore: i64,
) -> Result<()> {
    let Plan { dims, classes } = plan(gx, target, g, reduction)?;
    let weight = weights::<C>(weight, classes.size)?;
    if total_weight.numel() != 1 {
        fail!(Runtime, "total_weight must have one element, but has sizes {:?}", total_weight.sizes());
    }
    let mut total = [C::ONE];
    if reduction == Reduction::Mean {
        // SAFETY: the only element of `total_weight`.
        unsafe { C::load(total_weight.dtype(), total_weight.ptr(), 1, &mut total) };
    }
    let zeros = filled(C::ZERO, classes.size)?;
    let mut result = Ok(());
    dims.walk(0..dims.numel(), |[to, at, from]| {
        // SAFETY: the classes' elements of `gx`.
        unsafe { C::store(gx.dtype(), address(gx, to), classes.strides[0], &zeros) };
        match class_at(target, at, classes.size, ignore) {
            Err(error) => result = Err(error),
            Ok(None) => {}
            Ok(Some(class)) => {
                let factor = weight.as_ref().map_or(C::ONE, |w| w[class]);
                let mut value = [C::ZERO];
                // SAFETY: an element of `g`, and one of `gx`.
                unsafe {
                    C::load(g.dtype(), address(g, from), 1, &mut value);
                    value[0] = C::ZERO.minus(factor).times(value[0]).over(total[0]);
                    let place = address(gx, to + class as isize * classes.strides[0]);
                    C::store(gx.dtype(), place, 1, &value);
                }
            }
        }
    });
    result
}
