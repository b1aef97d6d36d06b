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
    // Small contiguous operands of the kernel's own types need no plan.
    let mut addresses = [std::ptr::null::<u8>(); LANES - 1];
    if out.dtype() == kernel.output && out.is_contiguous() {
        let n = out.numel();
        let bytes = n * out.dtype().size();
        let mut dtype = kernel.first;
        let direct = n <= CHUNK
            && inputs.iter().zip(&mut addresses).all(|(input, address)| match input {
                Src::Operand(x) => {
                    let same = x.dtype() == dtype && x.sizes() == out.sizes() && x.is_contiguous();
                    dtype = kernel.rest;
                    *address = x.ptr();
                    let (from, to) = (x.ptr() as usize, out.ptr() as usize);
                    same && (from + n * x.dtype().size() <= to || to + bytes <= from)
                }
                Src::Scalar(_) => false,
            });
        if direct && n > 0 {
            // SAFETY: every operand has `n` contiguous elements of the kernel's types, apart from the result's.
            let refused = unsafe { (kernel.run)(n, out.ptr(), addresses.as_ptr()) };
            return if refused { Err(error!(Runtime, "{}", kernel.message)) } else { Ok(()) };
        }
    }
    general(Some(kernel), out, inputs)
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
