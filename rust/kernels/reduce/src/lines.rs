//! Lines along one dimension: gathered into contiguous numbers where they are not so already, side by side where their
//! neighbours are close, and handed to a kernel one by one. The output is an input or overlaps none.

use crate::number::Number;
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_base::scratch::Scratch;
use corten_base::{Operand, Result, fail};
use corten_strided::{Dim, Dims};

/// Neighbouring lines gathered together, so that several cache lines are read at each place along them.
const TILE: usize = 64;
/// Elements of a cache line of float32.
const APART: usize = 16;
/// Elements a task should have at least.
pub(crate) const GRAIN: usize = 16_384;

/// Lines that a kernel is given at once, at most.
pub(crate) const LINES: usize = 64;
/// Elements of such lines, which stay in the first cache.
const TOGETHER: usize = 4096;

/// The dimension `dim` of an operand, which must have it (a scalar counts as one line of one element).
pub(crate) fn line_of(x: &Operand, dim: usize) -> Result<Dim<1>> {
    match (x.sizes().get(dim), x.strides().get(dim)) {
        (Some(&size), Some(&stride)) => Ok(Dim { size: size.max(0) as usize, strides: [stride as isize] }),
        _ if x.ndim() == 0 && dim == 0 => Ok(Dim { size: 1, strides: [1] }),
        _ => fail!(Index, "Dimension out of range: there are {} dimensions, but got {dim}", x.ndim()),
    }
}

/// An error unless two operands have the same sizes.
pub(crate) fn same_sizes(a: &Operand, b: &Operand) -> Result<()> {
    if a.sizes() == b.sizes() {
        return Ok(());
    }
    fail!(Runtime, "sizes {:?} and {:?} differ", a.sizes(), b.sizes())
}

/// The address of an element of `x`, at this many elements from its first.
pub(crate) fn address(x: &Operand, offset: isize) -> *mut u8 {
    x.ptr().wrapping_offset(offset * x.dtype().size() as isize)
}

/// The dimensions other than `dim` of operands that agree in them.
pub(crate) fn others<const N: usize>(operands: [&Operand; N], dim: usize) -> Result<Dims<N>> {
    let first = operands[0];
    for other in operands {
        let agree =
            other.ndim() == first.ndim() && (0..first.ndim()).all(|i| i == dim || other.sizes()[i] == first.sizes()[i]);
        if !agree {
            fail!(Runtime, "sizes {:?} and {:?} differ outside dimension {dim}", first.sizes(), other.sizes());
        }
    }
    let dims = (0..first.ndim())
        .filter(|&i| i != dim)
        .map(|i| Dim { size: first.sizes()[i].max(0) as usize, strides: operands.map(|o| o.strides()[i] as isize) });
    Ok(Dims::from_dims(dims))
}

/// Calls `kernel` with lines of `inputs` along `dim` and the lines of `out` to be filled: one of each, or up to [`LINES`]
/// short ones that follow one another, as contiguous numbers.
pub(crate) fn map_lines<C: Number, const N: usize, const M: usize>(
    out: &Operand,
    inputs: [&Operand; N],
    dim: usize,
    kernel: impl Fn([&[C]; N], &mut [C]) + Sync,
) -> Result<()> {
    // M is N + 1: the output's strides come last.
    let all: [&Operand; M] = std::array::from_fn(|k| if k < N { inputs[k] } else { out });
    let dims = others(all, dim)?.sorted().coalesced();
    let mut lines = [Dim { size: 1, strides: [1] }; M];
    for (line, operand) in lines.iter_mut().zip(all) {
        *line = line_of(operand, dim)?;
    }
    let (count, in_length, out_length) = (dims.numel(), lines[0].size, lines[N].size);
    if let Some(other) = lines[..N].iter().find(|l| l.size != in_length) {
        fail!(Runtime, "lines of {in_length} and {} elements along dimension {dim}", other.size);
    }
    if count == 0 || out_length == 0 {
        return Ok(());
    }
    let along = (0..M).all(|k| lines[k].strides[0] == 1 || lines[k].size == 1);
    let tile = if along { 1 } else { TILE };
    let grain = (GRAIN / in_length.max(out_length)).max(1).next_multiple_of(tile);
    // In place, lines are staged: a kernel may read an element after it wrote it.
    let in_place = inputs.iter().any(|x| x.ptr() == out.ptr());
    if !in_place && along && all.iter().all(|x| x.dtype() == C::DTYPE) {
        parallel_for(count, grain, &|range| {
            dims.runs(range, |offsets, strides, number| {
                let follow = (0..M).all(|k| strides[k] == lines[k].size as isize);
                let together = if follow { (TOGETHER / in_length.max(1)).clamp(1, LINES) } else { 1 };
                for first in (0..number).step_by(together) {
                    let count = together.min(number - first);
                    let at =
                        |k: usize| all[k].ptr().cast::<C>().wrapping_offset(offsets[k] + first as isize * strides[k]);
                    // SAFETY: the elements of these lines lie side by side in the operands, and lines do not overlap.
                    unsafe {
                        let x = std::array::from_fn(|k| std::slice::from_raw_parts(at(k), count * in_length));
                        kernel(x, std::slice::from_raw_parts_mut(at(N), count * out_length));
                    }
                }
            })
        });
        return Ok(());
    }
    // Tiles of lines that lie next to each other, or lines one by one.
    let (outer, inner) = dims.split_inner();
    let tiles = inner.size.div_ceil(tile);
    try_parallel_for(outer.numel() * tiles, (grain / tile).max(1), &|range| {
        let (in_pitch, out_pitch) = (pitch(in_length), pitch(out_length));
        let tile = inner.size.min(tile);
        let mut staged = Scratch::filled(C::ZERO, tile * (N * in_pitch + out_pitch))?;
        let (stage_in, stage_out) = staged.split_at_mut(tile * N * in_pitch);
        for task in range {
            let first = task % tiles * tile;
            let width = (inner.size - first).min(tile);
            outer.walk(task / tiles..task / tiles + 1, |offsets| {
                let at = |k: usize| address(all[k], offsets[k] + first as isize * inner.strides[k]);
                for k in 0..N {
                    let to = &mut stage_in[tile * k * in_pitch..][..tile * in_pitch];
                    // SAFETY: elements of input k.
                    unsafe { gather(all[k], at(k), lines[k], inner.strides[k], width, to) };
                }
                for i in 0..width {
                    let x = std::array::from_fn(|k| &stage_in[(tile * k + i) * in_pitch..][..in_length]);
                    kernel(x, &mut stage_out[i * out_pitch..][..out_length]);
                }
                // SAFETY: elements of the output.
                unsafe { scatter(out, at(N), lines[N], inner.strides[N], width, stage_out) };
            });
        }
        Ok(())
    })
}

/// Room for a line of `x` where it cannot be taken from where it lies.
pub(crate) fn buffer<C: Number>(x: &Operand, line: Dim<1>) -> Result<Scratch<C>> {
    Scratch::filled(C::ZERO, if in_place::<C>(x, line) { 0 } else { line.size })
}

fn in_place<C: Number>(x: &Operand, line: Dim<1>) -> bool {
    x.dtype() == C::DTYPE && (line.strides[0] == 1 || line.size <= 1)
}

/// A line of `x` as numbers: where it lies, or loaded to the [`buffer`].
///
/// # Safety
/// From `at` on, `x` must have such a line, which nothing writes meanwhile.
pub(crate) unsafe fn read_line<'a, C: Number>(
    x: &Operand<'a>,
    at: *mut u8,
    line: Dim<1>,
    room: &'a mut [C],
) -> &'a [C] {
    // SAFETY: the caller's promise.
    unsafe {
        if in_place::<C>(x, line) {
            return std::slice::from_raw_parts(at.cast(), line.size);
        }
        C::load(x.dtype(), at, line.strides[0], &mut room[..line.size]);
    }
    &room[..line.size]
}

/// Lets `fill` write a line of `out`: where it lies, or by way of the [`buffer`].
///
/// # Safety
/// From `at` on, `out` must have such a line, which nothing else uses meanwhile.
pub(crate) unsafe fn write_line<C: Number>(
    out: &Operand,
    at: *mut u8,
    line: Dim<1>,
    room: &mut [C],
    fill: impl FnOnce(&mut [C]),
) {
    // SAFETY: the caller's promise.
    unsafe {
        if in_place::<C>(out, line) {
            return fill(std::slice::from_raw_parts_mut(at.cast(), line.size));
        }
        let room = &mut room[..line.size];
        fill(room);
        C::store(out.dtype(), at, line.strides[0], room);
    }
}

/// Distance between staged lines: not a multiple of the distance at which cache lines compete.
fn pitch(length: usize) -> usize {
    length.next_multiple_of(APART) + APART
}

/// Reads `width` lines, `across` apart, one after the other into `to`, a pitch apart.
///
/// # Safety
/// The lines must consist of elements of `x`, the first at `ptr`.
unsafe fn gather<C: Number>(x: &Operand, ptr: *const u8, line: Dim<1>, across: isize, width: usize, to: &mut [C]) {
    let (size, pitch) = (x.dtype().size() as isize, pitch(line.size));
    if across == 1 && x.dtype() == C::DTYPE {
        for j in 0..line.size {
            for i in 0..width {
                // SAFETY: the caller's promise; the elements are of type C.
                to[i * pitch + j] = unsafe { ptr.cast::<C>().offset(j as isize * line.strides[0] + i as isize).read() };
            }
        }
    } else {
        for i in 0..width {
            let at = ptr.wrapping_offset(i as isize * across * size);
            // SAFETY: the caller's promise.
            unsafe { C::load(x.dtype(), at, line.strides[0], &mut to[i * pitch..][..line.size]) };
        }
    }
}

/// The reverse of [`gather`].
///
/// # Safety
/// The lines must consist of elements of `out`, the first at `ptr`.
unsafe fn scatter<C: Number>(out: &Operand, ptr: *mut u8, line: Dim<1>, across: isize, width: usize, from: &[C]) {
    let (size, pitch) = (out.dtype().size() as isize, pitch(line.size));
    if across == 1 && out.dtype() == C::DTYPE {
        for j in 0..line.size {
            for i in 0..width {
                let at = ptr.cast::<C>().wrapping_offset(j as isize * line.strides[0] + i as isize);
                // SAFETY: the caller's promise; the elements are of type C.
                unsafe { at.write(from[i * pitch + j]) }
            }
        }
    } else {
        for i in 0..width {
            let at = ptr.wrapping_offset(i as isize * across * size);
            // SAFETY: the caller's promise.
            unsafe { C::store(out.dtype(), at, line.strides[0], &from[i * pitch..][..line.size]) };
        }
    }
}
