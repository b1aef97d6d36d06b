//! Brings operands of any dtype and layout to a kernel's contiguous loop.

use crate::blocks::{BLOCK_BYTES, Block, gather, scatter};
use crate::convert::Conversion;
use crate::kernel::Kernel;
use crate::plan::{Cursor, Dim, LANES, Lane, Plan};
use corten_base::pool::parallel_for;
use corten_base::{DType, Memory, Operand, Result, Scalar, error, fail, with_dtype};
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

/// Elements that one thread takes at a time.
const CHUNK: usize = 32 * 1024;

/// The bytes of one element of any dtype.
#[derive(Clone, Copy)]
#[repr(align(16))]
struct Constant([u8; 16]);

impl Constant {
    fn new(value: Scalar, dtype: DType) -> Self {
        let mut constant = Constant([0; 16]);
        with_dtype!(dtype, T => {
            // SAFETY: sixteen bytes, aligned to sixteen, hold any element.
            unsafe { constant.0.as_mut_ptr().cast::<T>().write(value.to::<T>()) }
        });
        constant
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

/// True if sizes and strides are equal. A loop, as a call to compare memory takes longer than most shapes do.
#[inline]
fn same_layout(x: &Operand, y: &Operand) -> bool {
    x.ndim() == y.ndim()
        && x.sizes().iter().zip(y.sizes()).all(|(a, b)| a == b)
        && x.strides().iter().zip(y.strides()).all(|(a, b)| a == b)
}

/// Runs a kernel over contiguous operands of its own types and numbers (null addresses), by several threads if there
/// are many elements. Inputs that share memory with the result are copied block by block.
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
    let body = |range: Range<usize>| {
        let Shared(out, addresses) = &shared;
        let mut blocks: [Block; LANES - 1] = std::array::from_fn(|_| Block::new());
        let mut here = [std::ptr::null::<u8>(); LANES - 1];
        let mut copied = [false; LANES - 1];
        let mut step = range.len();
        for (k, input) in inputs.iter().enumerate() {
            let size = if k == 0 { kernel.first.size() } else { kernel.rest.size() };
            let (from, to) = (addresses[k] as usize, *out as usize);
            copied[k] = !addresses[k].is_null() && from < to + n * output && to < from + n * size;
            if copied[k] || matches!(input, Src::Scalar(_)) {
                step = step.min(BLOCK_BYTES / widest);
            }
        }
        for (k, (input, block)) in inputs.iter().zip(&mut blocks).enumerate() {
            let dtype = if k == 0 { kernel.first } else { kernel.rest };
            if let Src::Scalar(value) = input {
                let constant = Constant::new(*value, dtype);
                // SAFETY: a block holds `step` elements, and the constant is one.
                unsafe { gather(dtype.size(), step, block.ptr(), constant.0.as_ptr(), 0) };
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
            // SAFETY: as above; what is not copied does not overlap the result.
            if unsafe { (kernel.run)(m, out.wrapping_add(start * output), here.as_ptr()) } {
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
    if out.sizes().iter().zip(out.strides()).any(|(&size, &stride)| size > 1 && stride == 0) {
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
    let load = |i: usize| Conversion::new(operands[i].dtype(), if i == 0 { first } else { rest });
    let work = Work {
        kernel,
        load: (0..operands.len()).map(load).collect(),
        store: Conversion::new(result, out.dtype()),
        block: block_len(&plan.lanes, [first, rest, result]),
        plan,
    };
    let refused = AtomicBool::new(false);
    let body = |range: Range<usize>| {
        if work.run(range) {
            refused.store(true, Ordering::Relaxed);
        }
    };
    if work.plan.numel <= CHUNK {
        body(0..work.plan.numel);
    } else {
        parallel_for(work.plan.numel, CHUNK, &body);
    }
    match kernel {
        Some(kernel) if refused.into_inner() => Err(error!(Runtime, "{}", kernel.message)),
        _ => Ok(()),
    }
}

/// How many elements of every dtype on the way fit in a block.
fn block_len(lanes: &[Lane], types: [DType; 3]) -> usize {
    let widest = lanes.iter().map(|lane| lane.dtype).chain(types).map(|d| d.compute().size()).max().unwrap_or(8);
    BLOCK_BYTES / widest.max(8)
}

/// A planned call.
struct Work<'a> {
    kernel: Option<&'a Kernel>,
    plan: Plan,
    load: SmallVec<[Conversion; LANES - 1]>,
    store: Conversion,
    block: usize,
}

impl Work<'_> {
    /// Computes the elements with these numbers in walking order; true if one was refused.
    fn run(&self, range: Range<usize>) -> bool {
        let dims = &self.plan.dims[..];
        let lanes = &self.plan.lanes[..];
        let out = &lanes[0];
        // Long rows are taken one by one, so that their elements are used in place; short ones fill blocks together.
        let by_rows = dims.len() == 1 || dims[0].size >= self.block;
        let in_place =
            |k: usize| lanes[k].contiguous || (by_rows && dims[0].strides[k] == lanes[k].dtype.size() as isize);
        let shared = |lane: &Lane| lane.low < out.high && out.low < lane.high;
        let mut direct = [false; LANES];
        direct[0] = self.store.is_identity() && in_place(0);
        for k in 1..lanes.len() {
            direct[k] = self.load[k - 1].is_identity() && in_place(k) && !(direct[0] && shared(&lanes[k]));
        }
        let unblocked = match self.kernel {
            Some(_) => direct[..lanes.len()].iter().all(|&d| d),
            None => direct[0] && self.load[0].is_identity(),
        };

        let mut blocks: [Block; LANES] = std::array::from_fn(|_| Block::new());
        let mut scratch = [Block::new(), Block::new(), Block::new()];
        let blocks: [*mut u8; LANES] = blocks.each_mut().map(Block::ptr);
        let [raw, scratch @ ..] = scratch.each_mut().map(Block::ptr);
        let mut inputs = [std::ptr::null::<u8>(); LANES - 1];
        let mut refused = false;
        let mut cursor = Cursor::at(dims, range.start);
        let mut start = range.start;
        // Constants fill their blocks once, after which only the others are loaded.
        for k in 1..lanes.len() {
            if self.kernel.is_some() && lanes[k].constant && !direct[k] {
                inputs[k - 1] = blocks[k];
                let n = self.block.min(range.len());
                // SAFETY: blocks hold `n` elements of every dtype on the way, and a constant has one element.
                unsafe { self.load_from(k, &Walk { dims, cursor: &cursor, start, n }, blocks[k], raw, scratch) };
            }
        }
        while start < range.end {
            let mut n = range.end - start;
            if by_rows {
                n = n.min(cursor.row_left(dims));
            }
            if !unblocked {
                n = n.min(self.block);
            }
            let walk = Walk { dims, cursor: &cursor, start, n };
            // SAFETY: `n` elements from the cursor on lie inside each operand, as `Operand::new` checked; blocks hold
            // `n` elements of every dtype on the way and are apart; what is used in place does not overlap the result.
            unsafe {
                let result = if direct[0] { self.address(0, &walk) } else { blocks[0] };
                for k in 1..lanes.len() {
                    if direct[k] && self.kernel.is_some() {
                        inputs[k - 1] = self.address(k, &walk);
                    } else if self.kernel.is_none() {
                        self.load_from(k, &walk, result, raw, scratch);
                    } else if !lanes[k].constant {
                        inputs[k - 1] = blocks[k];
                        self.load_from(k, &walk, blocks[k], raw, scratch);
                    }
                }
                if let Some(kernel) = self.kernel {
                    refused |= (kernel.run)(n, result, inputs.as_ptr());
                }
                if !direct[0] {
                    self.store_to(&walk, result, raw, scratch);
                }
            }
            let mut left = n;
            while left > 0 && start + n < range.end {
                let row = left.min(cursor.row_left(dims));
                cursor.advance(dims, row);
                left -= row;
            }
            start += n;
        }
        refused
    }

    /// Where the walk's elements of a lane begin, if they follow one another.
    fn address(&self, lane: usize, walk: &Walk) -> *mut u8 {
        let Lane { ptr, dtype, contiguous, .. } = self.plan.lanes[lane];
        if contiguous {
            ptr.wrapping_add(walk.start * dtype.size())
        } else {
            ptr.wrapping_offset(walk.cursor.offset(walk.dims, lane))
        }
    }

    /// Brings the walk's elements of input `lane` to `block`, in the kernel's type.
    ///
    /// # Safety
    /// The walk lies inside the lane; the blocks are apart and large enough.
    unsafe fn load_from(&self, lane: usize, walk: &Walk, block: *mut u8, raw: *mut u8, scratch: [*mut u8; 2]) {
        let conversion = &self.load[lane - 1];
        let Lane { ptr, dtype, contiguous, .. } = self.plan.lanes[lane];
        let size = dtype.size();
        if contiguous && !conversion.is_identity() && !self.overlaps_result(lane) {
            // SAFETY: the caller's promise.
            return unsafe { conversion.run(walk.n, block, self.address(lane, walk), scratch) };
        }
        let gathered = if conversion.is_identity() { block } else { raw };
        let mut done = 0;
        walk.rows(lane, |offset, n, stride| {
            // SAFETY: the caller's promise; rows partition the walk.
            unsafe { gather(size, n, gathered.add(done * size), ptr.wrapping_offset(offset), stride) };
            done += n;
        });
        if !conversion.is_identity() {
            // SAFETY: the caller's promise.
            unsafe { conversion.run(walk.n, block, gathered, scratch) };
        }
    }

    /// True if an input must be copied before the result is written, even to convert it.
    fn overlaps_result(&self, lane: usize) -> bool {
        let (out, lane) = (&self.plan.lanes[0], &self.plan.lanes[lane]);
        self.kernel.is_none() && lane.low < out.high && out.low < lane.high
    }

    /// Brings a block of the kernel's results to the walk's places.
    ///
    /// # Safety
    /// As for `load_from`.
    unsafe fn store_to(&self, walk: &Walk, block: *mut u8, raw: *mut u8, scratch: [*mut u8; 2]) {
        let Lane { ptr, dtype, contiguous, .. } = self.plan.lanes[0];
        let size = dtype.size();
        let converted = match (self.store.is_identity(), contiguous) {
            (true, _) => block,
            (false, true) => self.address(0, walk),
            (false, false) => raw,
        };
        if !self.store.is_identity() {
            // SAFETY: the caller's promise.
            unsafe { self.store.run(walk.n, converted, block, scratch) };
            if contiguous {
                return;
            }
        }
        let mut done = 0;
        walk.rows(0, |offset, n, stride| {
            // SAFETY: the caller's promise; rows partition the walk.
            unsafe { scatter(size, n, ptr.wrapping_offset(offset), stride, converted.add(done * size)) };
            done += n;
        });
    }
}

/// `n` elements from a position on.
struct Walk<'a> {
    dims: &'a [Dim],
    cursor: &'a Cursor,
    start: usize,
    n: usize,
}

impl Walk<'_> {
    /// Calls `row(byte offset, elements, byte stride)` for each stretch within the innermost dimension.
    #[inline]
    fn rows(&self, lane: usize, mut row: impl FnMut(isize, usize, isize)) {
        let stride = self.dims[0].strides[lane];
        let first = self.n.min(self.cursor.row_left(self.dims));
        row(self.cursor.offset(self.dims, lane), first, stride);
        let mut left = self.n - first;
        if left == 0 {
            return;
        }
        let mut cursor = self.cursor.clone();
        cursor.advance(self.dims, first);
        while left > 0 {
            let n = left.min(self.dims[0].size);
            row(cursor.offset(self.dims, lane), n, stride);
            left -= n;
            if left > 0 {
                cursor.advance(self.dims, n);
            }
        }
    }
}
