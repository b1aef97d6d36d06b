//! Where values belong in sequences that are in order.

use crate::copy::{Base, GRAIN, int64, same_dtype, same_sizes};
use corten_base::pool::parallel_for;
use corten_base::{DType, Element, Operand, Result, fail};
use corten_strided::{Dim, Dims};
use std::hint::select_unpredictable;

/// A type that is searched in.
trait Ordered: Element + PartialOrd {}

impl<T: Element + PartialOrd> Ordered for T {}

/// A sequence in order: its first element, how far apart they are, and how many.
#[derive(Clone, Copy)]
struct Sequence<T> {
    first: *const T,
    step: isize,
    size: usize,
}

/// Values that are looked up: the first of `count`, where the first answer goes, and the sequence of the first; `steps` to
/// the next answer, value and sequence.
#[derive(Clone, Copy)]
struct Lookup<T> {
    out: *mut i64,
    x: *const T,
    sequence: Sequence<T>,
    steps: [isize; 3],
    count: usize,
}

/// For each element of `x`, the place in the ascending last dimension of `sequence` that is its: in front of equal ones,
/// or behind them if `right`; not-a-number goes behind all. `sequence` is one for all or has the sizes of `x` but for the
/// last, and the dtype of `x`, int64, uint64, float32 or float64. `out` is int64.
pub fn search(out: Operand, sequence: Operand, x: Operand, right: bool) -> Result<()> {
    int64(&out)?;
    same_sizes(&out, &x)?;
    same_dtype(&sequence, &x)?;
    let (Some((&size, before)), Some((&step, lead))) = (sequence.sizes().split_last(), sequence.strides().split_last())
    else {
        fail!(Runtime, "a sequence has at least one dimension");
    };
    let one = before.is_empty();
    if !one && (x.ndim() != sequence.ndim() || x.sizes()[..before.len()] != *before) {
        fail!(Runtime, "sizes {:?} and {:?} differ before the last dimension", sequence.sizes(), x.sizes());
    }
    let dims = Dims::from_dims((0..x.ndim()).map(|d| {
        Dim {
            size: x.sizes()[d] as usize,
            strides: [out.strides()[d], x.strides()[d], if one { 0 } else { lead.get(d).copied().unwrap_or(0) }]
                .map(|stride| stride as isize),
        }
    }));
    let (dims, step, size) = (dims.coalesced(), step as isize, size as usize);
    match x.dtype() {
        DType::I64 => each_run::<i64>(&dims, out, sequence, x, (step, size), right),
        DType::U64 => each_run::<u64>(&dims, out, sequence, x, (step, size), right),
        DType::F32 => each_run::<f32>(&dims, out, sequence, x, (step, size), right),
        DType::F64 => each_run::<f64>(&dims, out, sequence, x, (step, size), right),
        other => fail!(NotImplemented, "searching is not implemented for {other}"),
    }
    Ok(())
}

fn each_run<T: Ordered>(
    dims: &Dims<3>,
    out: Operand,
    sequence: Operand,
    x: Operand,
    (step, size): (isize, usize),
    right: bool,
) {
    let bases = (Base::<i64>::of(&out), Base::<T>::of(&x), Base::<T>::of(&sequence));
    parallel_for(dims.numel(), GRAIN / 4, &|range| {
        let (out, x, sequence) = bases;
        dims.runs(range, |[o, at, s], steps, count| {
            let sequence = Sequence { first: sequence.0.wrapping_offset(s).cast_const(), step, size };
            let lookup = Lookup { out: out.0.wrapping_offset(o), x: x.0.wrapping_offset(at), sequence, steps, count };
            // SAFETY: elements of the operands, and lines of the sequence's.
            unsafe { look_up(lookup, right) }
        });
    });
}

/// # Safety
/// What the lookup describes must be elements; nothing else uses those of `out`.
#[allow(clippy::neg_cmp_op_on_partial_ord, reason = "what cannot be compared counts as what comes before")]
unsafe fn look_up<T: Ordered>(lookup: Lookup<T>, right: bool) {
    let Lookup { out, x, sequence, steps, count } = lookup;
    for k in 0..count as isize {
        let sequence = Sequence { first: sequence.first.wrapping_offset(k * steps[2]), ..sequence };
        // SAFETY: the caller's promise.
        unsafe {
            let value = x.offset(k * steps[1]).read();
            let place = if right {
                place(sequence, |element| !(element > value))
            } else {
                place(sequence, |element| !(element >= value))
            };
            out.offset(k * steps[0]).write(place as i64);
        }
    }
}

/// How many elements come before what is sought, as `before` says of each: halves are left out without a branch, which
/// would often be guessed wrong.
///
/// # Safety
/// The sequence's elements must be readable.
#[inline(always)]
unsafe fn place<T: Ordered>(sequence: Sequence<T>, before: impl Fn(T) -> bool) -> usize {
    // SAFETY: the caller's promise.
    let at = |place: usize| unsafe { sequence.first.offset(place as isize * sequence.step).read() };
    let (mut low, mut left) = (0, sequence.size);
    if left == 0 {
        return 0;
    }
    let last = at(left - 1);
    if last.partial_cmp(&last).is_none() {
        return place_before_nan(left, |place| before(at(place)));
    }
    while left > 1 {
        let half = left / 2;
        low = select_unpredictable(before(at(low + half - 1)), low + half, low);
        left -= half;
    }
    low + before(at(low)) as usize
}

/// [`place`] in a sequence with not-a-number at its end, which is not in order for comparisons: PyTorch's steps.
#[cold]
fn place_before_nan(size: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
