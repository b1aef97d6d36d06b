//! Brings operands of any dtype and layout to a kernel's contiguous loop.

use crate::blocks::{BLOCK_BYTES, Block, Rows, gather};
use crate::kernel::Kernel;
use crate::plan::{LANES, Plan};
use crate::small;
use crate::transpose::Transpose;
use crate::work::Work;
use corten_base::pool::parallel_for;
use corten_base::{DType, Flat, Memory, Operand, Result, Scalar, error, fail, with_dtype};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// An input: an array, or a number that stands for an array of it.
#[derive(Clone, Copy, Debug)]
pub enum Src<'a> {
    /// An array of the result's sizes.
    Operand(Operand<'a>),
    /// A number, converted to the compute type.
    Scalar(Scalar),
}

impl<'a> From<Operand<'a>> for Src<'a> {
    fn from(x: Operand<'a>) -> Self {
        Src::Operand(x)
    }
}

impl From<Scalar> for Src<'_> {
    fn from(x: Scalar) -> Self {
        Src::Scalar(x)
    }
}

impl Src<'_> {
    /// True of a number, and of an array of these sizes.
    fn has_sizes(&self, sizes: &[i64]) -> bool {
        match self {
            Src::Operand(x) => x.sizes() == sizes,
            Src::Scalar(_) => true,
        }
    }
}

/// Elements that one thread takes at a time.
const CHUNK: usize = 32 * 1024;

/// The bytes of one element of any dtype.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(crate) struct Constant([u8; 16]);

impl Constant {
    pub fn new(value: Scalar, dtype: DType) -> Self {
        let mut constant = Constant([0; 16]);
        with_dtype!(dtype, T => {
            // SAFETY: sixteen bytes, aligned to sixteen, hold any element.
            unsafe { constant.0.as_mut_ptr().cast::<T>().write(value.to::<T>()) }
        });
        constant
    }

    pub fn ptr(&self) -> *const u8 {
        self.0.as_ptr()
    }

    fn operand(&mut self, dtype: DType) -> Result<Operand<'_>> {
        // SAFETY: the bytes are this constant's, which is borrowed for as long.
        let memory = unsafe { Memory::from_raw(self.0.as_mut_ptr(), 16) };
        Operand::new(memory, dtype, 0, &[], &[])
    }
}

/// Runs a kernel over its inputs (as many as it has, at most four).
#[inline]
pub(crate) fn execute(kernel: &Kernel, out: Operand, inputs: &[Src]) -> Result<()> {
    // Contiguous operands of the kernel's own types need no plan.
    if out.dtype() != kernel.output || !out.is_contiguous() {
        return general(Some(kernel), out, inputs);
    }
    let n = out.numel();
    let to = out.ptr() as usize;
    let end = to + n * out.dtype().size();
    let mut addresses = [std::ptr::null::<u8>(); LANES - 1];
    let mut dtype = kernel.first;
    let mut apart = n <= CHUNK;
    for (input, address) in inputs.iter().zip(&mut addresses) {
        match input {
            Src::Operand(x) if x.dtype() == dtype && same_layout(x, &out) => {
                *address = x.ptr();
                let from = x.ptr() as usize;
                apart &= from + n * dtype.size() <= to || end <= from;
            }
            Src::Operand(_) if small::fits(n) && inputs.iter().all(|input| input.has_sizes(out.sizes())) => {
                let refused = n > 0 && small::run(kernel, &out, inputs);
                return if refused { Err(error!(Runtime, "{}", kernel.message)) } else { Ok(()) };
            }
            Src::Operand(_) => return general(Some(kernel), out, inputs),
            Src::Scalar(_) => apart = false,
        }
        dtype = kernel.rest;
    }
    if !apart {
        return contiguous(kernel, n, out.ptr(), addresses, inputs);
    }
    // SAFETY: every operand has `n` contiguous elements of the kernel's types, apart from the result's.
    let refused = n > 0 && unsafe { (kernel.run)(n, out.ptr(), addresses.as_ptr()) };
    if refused { Err(error!(Runtime, "{}", kernel.message)) } else { Ok(()) }
}

/// Runs a kernel over elements in a row; false where it takes a plan: other types, lengths, or shared memory.
#[inline]
pub(crate) fn flat<const N: usize>(kernel: &Kernel, out: Flat, inputs: [Flat; N]) -> Result<bool> {
    let mut fits = out.dtype() == kernel.output && out.len() <= CHUNK;
    let mut dtype = kernel.first;
    for input in &inputs {
        fits &= input.dtype() == dtype && input.len() == out.len() && input.is_apart(&out);
        dtype = kernel.rest;
    }
    if !fits {
        return Ok(false);
    }
    let addresses = inputs.map(|input| input.ptr().cast_const());
    // SAFETY: every operand has as many elements of the kernel's types, apart from the result's.
    let refused = !out.is_empty() && unsafe { (kernel.run)(out.len(), out.ptr(), addresses.as_ptr()) };
    if refused { Err(error!(Runtime, "{}", kernel.message)) } else { Ok(true) }
}

/// True if sizes and strides are equal. A loop, as a call to compare memory takes longer than most shapes do.
#[inline]
fn same_layout(x: &Operand, y: &Operand) -> bool {
    x.ndim() == y.ndim()
        && x.sizes().iter().zip(y.sizes()).all(|(a, b)| a == b)
        && x.strides().iter().zip(y.strides()).all(|(a, b)| a == b)
}

/// Runs a kernel over contiguous operands of its own types and numbers (null addresses), by several threads if there
/// are many elements. Inputs that share memory with the result are copied block by block, unless the kernel updates the
/// first in its place; numbers fill a block each, unless the kernel holds them.
#[inline(never)]
fn contiguous(
    kernel: &Kernel,
    n: usize,
    out: *mut u8,
    addresses: [*const u8; LANES - 1],
    inputs: &[Src],
) -> Result<()> {
    /// Addresses that threads share.
    struct Shared(*mut u8, [*const u8; LANES - 1]);
    // SAFETY: threads write disjoint ranges of the result.
    unsafe impl Sync for Shared {}
    let shared = Shared(out, addresses);
    let widest = kernel.first.size().max(kernel.rest.size()).max(8);
    let output = kernel.output.size();
    let refused = AtomicBool::new(false);
    let update = kernel.update().filter(|_| addresses[0] == out.cast_const());
    let to = out as usize;
    let overlaps = move |from: usize, size: usize| from < to + n * output && to < from + n * size;
    let numbers = inputs.len() > 1 && inputs[1..].iter().all(|input| matches!(input, Src::Scalar(_)));
    let held = kernel
        .held()
        .filter(|_| numbers && !addresses[0].is_null() && !overlaps(addresses[0] as usize, kernel.first.size()));
    let run = held.or(update).unwrap_or(kernel.run);
    let body = |range: Range<usize>| {
        let Shared(out, addresses) = &shared;
        let mut blocks: [Block; LANES - 1] = std::array::from_fn(|_| Block::new());
        let mut here = [std::ptr::null::<u8>(); LANES - 1];
        let mut copied = [false; LANES - 1];
        let mut step = range.len();
        for (k, input) in inputs.iter().enumerate() {
            let size = if k == 0 { kernel.first.size() } else { kernel.rest.size() };
            copied[k] = !addresses[k].is_null() && overlaps(addresses[k] as usize, size);
            copied[k] &= k > 0 || update.is_none();
            if copied[k] || (held.is_none() && matches!(input, Src::Scalar(_))) {
                step = step.min(BLOCK_BYTES / widest);
            }
        }
        for (k, (input, block)) in inputs.iter().zip(&mut blocks).enumerate() {
            let dtype = if k == 0 { kernel.first } else { kernel.rest };
            if let Src::Scalar(value) = input {
                let constant = Constant::new(*value, dtype);
                let times = if held.is_some() { 1 } else { step };
                // SAFETY: a block holds so many elements, and the constant is one.
                unsafe { gather(dtype.size(), Rows::one(times, 0), block.ptr(), constant.ptr()) };
            }
        }
        let mut start = range.start;
        while start < range.end {
            let m = step.min(range.end - start);
            for k in 0..inputs.len() {
                let size = if k == 0 { kernel.first.size() } else { kernel.rest.size() };
                here[k] = addresses[k].wrapping_add(start * size);
                if addresses[k].is_null() {
                    here[k] = blocks[k].ptr();
                } else if copied[k] {
                    // SAFETY: `m` elements from `start` on lie inside the operand and fit in the block.
                    unsafe { std::ptr::copy_nonoverlapping(here[k], blocks[k].ptr(), m * size) };
                    here[k] = blocks[k].ptr();
                }
            }
            // SAFETY: as above; what is not copied does not overlap the result, or is updated.
            if unsafe { run(m, out.wrapping_add(start * output), here.as_ptr()) } {
                refused.store(true, Ordering::Relaxed);
            }
            start += m;
        }
    };
    if n <= CHUNK {
        body(0..n)
    } else {
        parallel_for(n, CHUNK, &body)
    }
    if refused.into_inner() { Err(error!(Runtime, "{}", kernel.message)) } else { Ok(()) }
}

/// Copies elements to a result of the same sizes, converting them to its dtype.
pub fn copy(out: Operand, x: Operand) -> Result<()> {
    general(None, out, &[Src::Operand(x)])
}

/// Sets every element to a number, converted to the result's dtype.
pub fn fill(out: Operand, value: Scalar) -> Result<()> {
    general(None, out, &[Src::Scalar(value)])
}

/// Any operands: `None` for a kernel that copies its input.
#[inline(never)]
fn general(kernel: Option<&Kernel>, out: Operand, inputs: &[Src]) -> Result<()> {
    let shared = |(&size, &stride): (&i64, &i64)| size > 1 && stride == 0;
    if out.sizes().iter().zip(out.strides()).any(shared) && out.numel() > 0 {
        fail!(Runtime, "the result of sizes {:?} has strides {:?}: elements share memory", out.sizes(), out.strides());
    }
    let (first, rest, result) = match kernel {
        Some(kernel) => (kernel.first, kernel.rest, kernel.output),
        None => (out.dtype(), out.dtype(), out.dtype()),
    };
    let mut constants = [Constant([0; 16]); LANES - 1];
    let mut operands: SmallVec<[Operand; LANES - 1]> = SmallVec::new();
    for (i, (input, constant)) in inputs.iter().zip(&mut constants).enumerate() {
        match input {
            Src::Operand(x) if x.sizes() != out.sizes() => {
                fail!(Runtime, "an input of sizes {:?} does not match the result's {:?}", x.sizes(), out.sizes())
            }
            Src::Operand(x) => operands.push(*x),
            Src::Scalar(value) => {
                let dtype = if i == 0 { first } else { rest };
                *constant = Constant::new(*value, dtype);
                operands.push(constant.operand(dtype)?);
            }
        }
    }
    if out.sizes().contains(&0) {
        return Ok(());
    }
    let plan = Plan::new(&out, &operands);
    let wanted = |i: usize| if i == 0 { first } else { rest };
    let verdict = |refused: bool| match kernel {
        Some(kernel) if refused => Err(error!(Runtime, "{}", kernel.message)),
        _ => Ok(()),
    };
    if out.dtype() == result
        && operands.iter().enumerate().all(|(i, x)| x.dtype() == wanted(i))
        && let Some(transpose) = Transpose::find(kernel, &plan)
    {
        return verdict(transpose.run()?);
    }
    let work = Work::new(kernel, &plan, [first, rest, result]);
    let refused = AtomicBool::new(false);
    let body = |range: Range<usize>| {
        if work.run(range) {
            refused.store(true, Ordering::Relaxed);
        }
    };
    if plan.numel <= CHUNK {
        body(0..plan.numel);
    } else {
        parallel_for(plan.numel, CHUNK, &body);
    }
    verdict(refused.into_inner())
}
