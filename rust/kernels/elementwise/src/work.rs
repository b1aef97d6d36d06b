//! A planned call: blocks of elements are brought to the kernel's loop and its results to their places.

use crate::blocks::{BLOCK_BYTES, Block, Rows, gather, scatter};
use crate::convert::Conversion;
use crate::kernel::{Kernel, Run};
use crate::plan::{Cursor, Dim, LANES, Lane, Plan};
use corten_base::DType;
use smallvec::SmallVec;
use std::ops::Range;

/// How many elements of every dtype on the way fit in a block.
pub(crate) fn block_len(lanes: &[Lane], types: [DType; 3]) -> usize {
    let widest = lanes.iter().map(|lane| lane.dtype).chain(types).map(|d| d.compute().size()).max().unwrap_or(8);
    BLOCK_BYTES / widest
}

/// Elements of a row that is worth a call of its own, where that spares a copy.
const ROW: usize = 128;
/// Elements of a block that a row's constant fills.
const SPREAD: usize = 256;

/// A planned call.
pub(crate) struct Work<'a> {
    pub kernel: Option<&'a Kernel>,
    pub plan: Plan,
    pub load: SmallVec<[Conversion; LANES - 1]>,
    pub store: Conversion,
    pub block: usize,
}

impl Work<'_> {
    /// Computes the elements with these numbers in walking order; true if one was refused.
    pub fn run(&self, range: Range<usize>) -> bool {
        let dims = &self.plan.dims[..];
        let lanes = &self.plan.lanes[..];
        let out = &lanes[0];
        // Long rows are taken one by one, so that their elements are used in place; short ones fill blocks together.
        let is_row = |k: usize| dims[0].strides[k] == lanes[k].dtype.size() as isize;
        let spares = |k: usize| !lanes[k].contiguous && (is_row(k) || dims[0].strides[k] == 0) && lanes[k].period > 1;
        let enough = if (0..lanes.len()).any(spares) { ROW.min(self.block) } else { self.block };
        let by_rows = dims.len() == 1 || dims[0].size >= enough;
        let in_place: [bool; LANES] =
            std::array::from_fn(|k| k < lanes.len() && (lanes[k].contiguous || (by_rows && is_row(k))));
        let shared = |lane: &Lane| lane.low < out.high && out.low < lane.high;
        let mut direct = [false; LANES];
        direct[0] = self.store.is_identity() && in_place[0];
        for k in 1..lanes.len() {
            direct[k] = self.load[k - 1].is_identity() && in_place[k] && !(direct[0] && shared(&lanes[k]));
        }
        // A row's constants are used in place by a kernel that can hold them.
        let constant = |k: usize| dims[0].strides[k] == 0 && self.load[k - 1].is_identity() && !shared(&lanes[k]);
        let held = self
            .kernel
            .and_then(Kernel::held)
            .filter(|_| by_rows && direct[0] && direct[1] && lanes.len() > 2 && (2..lanes.len()).all(constant));
        if held.is_some() {
            direct[2..lanes.len()].fill(true);
        }
        let unblocked = match self.kernel {
            Some(_) => direct[..lanes.len()].iter().all(|&d| d),
            None => {
                let converted = self.load[0].is_single() && in_place[1] && !self.overlaps_result(1);
                direct[0] && (self.load[0].is_identity() || converted)
            }
        };
        if let (Some(kernel), true, [row, outer]) = (self.kernel, unblocked && by_rows, dims) {
            return self.rows_in_place(held.unwrap_or(kernel.run), *row, *outer, range);
        }
        // What comes again and again is brought to its block once.
        let longest = if by_rows { 1 } else { self.block / 2 };
        let repeats: [bool; LANES] = std::array::from_fn(|k| {
            (1..lanes.len()).contains(&k) && self.kernel.is_some() && !direct[k] && lanes[k].period <= longest
        });
        let spread = |k: usize| by_rows && self.kernel.is_some() && dims[0].strides[k] == 0 && lanes[k].period > 1;
        let period = (1..lanes.len()).filter(|&k| repeats[k]).map(|k| lanes[k].period).max().unwrap_or(1);
        let step = if (1..lanes.len()).any(spread) { self.block.min(SPREAD) } else { self.block / period * period };

        let mut blocks: [Block; LANES] = std::array::from_fn(|_| Block::new());
        let mut scratch = [Block::new(), Block::new(), Block::new()];
        let blocks: [*mut u8; LANES] = blocks.each_mut().map(Block::ptr);
        let [raw, scratch @ ..] = scratch.each_mut().map(Block::ptr);
        let mut inputs = [std::ptr::null::<u8>(); LANES - 1];
        let mut refused = false;
        let mut cursor = Cursor::at(dims, range.start);
        let mut start = range.start;
        for k in (1..lanes.len()).filter(|&k| repeats[k]) {
            let first = start / period * period;
            let n = step.min(range.end - first);
            let walk = Walk { dims, cursor: &Cursor::at(dims, first), start: first, n };
            // SAFETY: blocks hold `n` elements of every dtype on the way, all of them elements of the operand.
            unsafe { self.load_from(k, &walk, in_place[k], blocks[k], raw, scratch) };
        }
        while start < range.end {
            let mut n = range.end - start;
            if by_rows {
                n = n.min(cursor.row_left(dims));
            }
            if !unblocked {
                n = n.min(step - start % period);
            }
            let walk = Walk { dims, cursor: &cursor, start, n };
            // A row's constant stays in its block to the end of the row.
            let fresh = !by_rows || start == range.start || cursor.row_left(dims) == dims[0].size;
            // SAFETY: `n` elements from the cursor on lie inside each operand, as `Operand::new` checked; blocks hold
            // `n` elements of every dtype on the way and are apart; what is used in place does not overlap the result.
            unsafe {
                let result = if direct[0] { self.address(0, &walk) } else { blocks[0] };
                for k in 1..lanes.len() {
                    if direct[k] && self.kernel.is_some() {
                        inputs[k - 1] = self.address(k, &walk);
                    } else if self.kernel.is_none() {
                        self.load_from(k, &walk, in_place[k], result, raw, scratch);
                    } else if repeats[k] {
                        inputs[k - 1] = blocks[k].wrapping_add(start % period * self.kernel_type(k).size());
                    } else if fresh || dims[0].strides[k] != 0 {
                        inputs[k - 1] = blocks[k];
                        self.load_from(k, &walk, in_place[k], blocks[k], raw, scratch);
                    }
                }
                if let Some(kernel) = self.kernel {
                    refused |= held.unwrap_or(kernel.run)(n, result, inputs.as_ptr());
                }
                if !direct[0] {
                    self.store_to(&walk, result, raw, scratch);
                }
            }
            if n <= cursor.row_left(dims) {
                cursor.advance(dims, n);
            } else {
                cursor = Cursor::at(dims, start + n);
            }
            start += n;
        }
        refused
    }

    /// Computes elements of rows that the kernel's loop takes from, and writes to, where they lie.
    fn rows_in_place(&self, run: Run, row: Dim, outer: Dim, range: Range<usize>) -> bool {
        let lanes = &self.plan.lanes[..];
        let (mut number, mut column, mut left) = (range.start / row.size, range.start % row.size, range.len());
        let mut refused = false;
        while left > 0 {
            let n = left.min(row.size - column);
            let at = |k: usize| {
                let offset = number as isize * outer.strides[k] + column as isize * row.strides[k];
                lanes[k].ptr.wrapping_offset(offset)
            };
            let mut inputs = [std::ptr::null::<u8>(); LANES - 1];
            for (k, input) in inputs[..lanes.len() - 1].iter_mut().enumerate() {
                *input = at(k + 1);
            }
            // SAFETY: the row's `n` elements lie inside each operand, as `Operand::new` checked, and inputs that are used
            // in place do not overlap the result.
            refused |= unsafe { run(n, at(0), inputs.as_ptr()) };
            (number, column, left) = (number + 1, 0, left - n);
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
    unsafe fn load_from(
        &self,
        lane: usize,
        walk: &Walk,
        in_place: bool,
        block: *mut u8,
        raw: *mut u8,
        scratch: [*mut u8; 2],
    ) {
        let conversion = &self.load[lane - 1];
        let Lane { ptr, dtype, .. } = self.plan.lanes[lane];
        let size = dtype.size();
        if in_place && !conversion.is_identity() && !self.overlaps_result(lane) {
            // SAFETY: the caller's promise.
            return unsafe { conversion.run(walk.n, block, self.address(lane, walk), scratch) };
        }
        let gathered = if conversion.is_identity() { block } else { raw };
        let mut done = 0;
        walk.rows(lane, |offset, rows| {
            // SAFETY: the caller's promise; rows partition the walk.
            unsafe { gather(size, rows, gathered.add(done * size), ptr.wrapping_offset(offset)) };
            done += rows.len();
        });
        if !conversion.is_identity() {
            // SAFETY: the caller's promise.
            unsafe { conversion.run(walk.n, block, gathered, scratch) };
        }
    }

    /// The type in which the kernel takes input `lane`.
    fn kernel_type(&self, lane: usize) -> DType {
        match self.kernel {
            Some(kernel) if lane == 1 => kernel.first,
            Some(kernel) => kernel.rest,
            None => self.plan.lanes[0].dtype,
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
        walk.rows(0, |offset, rows| {
            for i in 0..rows.rows {
                let to = ptr.wrapping_offset(offset + i as isize * rows.step);
                // SAFETY: the caller's promise; rows partition the walk.
                unsafe { scatter(size, rows.n, to, rows.stride, converted.add(done * size)) };
                done += rows.n;
            }
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
    /// Calls `each(byte offset, rows)` for stretches of the innermost dimension, whole ones together along the next.
    #[inline]
    fn rows(&self, lane: usize, mut each: impl FnMut(isize, Rows)) {
        let dims = self.dims;
        let stride = dims[0].strides[lane];
        let first = self.n.min(self.cursor.row_left(dims));
        if first == self.n {
            return each(self.cursor.offset(dims, lane), Rows::one(first, stride));
        }
        let mut cursor = self.cursor.clone();
        let mut done = 0;
        while done < self.n {
            let left = self.n - done;
            let whole = if cursor.row_left(dims) == dims[0].size { left / dims[0].size } else { 0 };
            let rows = match whole.min(cursor.rows_left(dims)) {
                0 => Rows::one(left.min(cursor.row_left(dims)), stride),
                rows => Rows { rows, n: dims[0].size, step: dims[1].strides[lane], stride },
            };
            each(cursor.offset(dims, lane), rows);
            done += rows.len();
            if done < self.n {
                cursor = Cursor::at(dims, self.start + done);
            }
        }
    }
}
