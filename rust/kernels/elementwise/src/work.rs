//! A planned call: blocks of elements are brought to the kernel's loop and its results to their places.

use crate::blocks::{BLOCK_BYTES, Block, Rows, gather, scatter};
use crate::convert::Conversion;
use crate::kernel::{Kernel, Run};
use crate::plan::{Cursor, Dim, LANES, Lane, Plan};
use corten_base::DType;
use smallvec::SmallVec;
use std::ops::Range;

/// Elements of a row that is worth a call of its own, where that spares a copy.
const ROW: usize = 128;
/// Bytes of a row that is worth a call of its own in a copy of rows.
const MOVED_BYTES: usize = 256;
/// Elements of a block that a row's constant fills.
const SPREAD: usize = 256;

/// A planned call.
pub(crate) struct Work<'a> {
    kernel: Option<&'a Kernel>,
    plan: &'a Plan,
    load: SmallVec<[Conversion; LANES - 1]>,
    store: Conversion,
    course: Course,
}

/// How a call goes through its elements.
struct Course {
    /// Stretches end with their rows, so that the elements of long rows are used in place; short rows fill blocks together.
    by_rows: bool,
    /// A stretch's elements follow one another in the lane, and may be read while the result is written.
    in_place: [bool; LANES],
    /// How each input comes to the kernel.
    ways: [Way; LANES - 1],
    /// True where results are written to their places, without a block.
    writes: bool,
    /// The kernel's loop, or that of a copy, where it takes and writes all elements in place.
    rows: Option<Run>,
    /// Elements of a stretch, at most.
    step: usize,
    /// Stretches end where inputs that stay in their blocks repeat themselves.
    period: usize,
}

/// How an input comes to the kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Where it lies.
    InPlace,
    /// From a block that is filled once, as the same elements come again and again.
    Once,
    /// From a block that is filled once a row, with its constant.
    OnceARow,
    /// From a block that is filled each time.
    Blocks,
}

impl Course {
    fn new(kernel: Option<&Kernel>, plan: &Plan, load: &[Conversion], store: &Conversion, types: [DType; 3]) -> Course {
        let (row, lanes) = (&plan.dims[0], &plan.lanes[..]);
        // As many elements of every dtype on the way fit in a block.
        let widest = lanes.iter().map(|lane| lane.dtype).chain(types).map(|d| d.compute().size()).max().unwrap_or(8);
        let block = BLOCK_BYTES / widest;
        let is_row = |k: usize| row.strides[k] == lanes[k].dtype.size() as isize;
        let is_constant = |k: usize| row.strides[k] == 0;
        let shared = |k: usize| lanes[k].low < lanes[0].high && lanes[0].low < lanes[k].high;
        let spares = |k: usize| !lanes[k].contiguous && (is_row(k) || is_constant(k)) && lanes[k].period > 1;
        let moves = kernel.is_none() && load[0].is_identity() && store.is_identity() && is_row(0) && is_row(1);
        let enough = match () {
            _ if moves => MOVED_BYTES / widest,
            _ if (0..lanes.len()).any(spares) => ROW.min(block),
            _ => block,
        };
        let by_rows = plan.dims.len() == 1 || row.size >= enough;
        let follows = |k: usize| lanes[k].contiguous || (by_rows && is_row(k));
        let writes = store.is_identity() && follows(0);
        let in_place = std::array::from_fn(|k| k < lanes.len() && follows(k) && !(k > 0 && writes && shared(k)));
        let longest = if by_rows { 1 } else { block / 2 };
        let ways: [Way; LANES - 1] = std::array::from_fn(|i| match i + 1 {
            k if k >= lanes.len() || (in_place[k] && load[i].is_identity()) => Way::InPlace,
            k if lanes[k].period <= longest => Way::Once,
            k if by_rows && is_constant(k) => Way::OnceARow,
            _ => Way::Blocks,
        });
        let rows = match kernel {
            _ if !(writes && ways[0] == Way::InPlace) => None,
            None => Some(copier(lanes[0].dtype.size())),
            Some(kernel) => {
                // A row's constants are used in place by a kernel that can hold them.
                let held = |k: usize| is_constant(k) && load[k - 1].is_identity() && !shared(k);
                let held = kernel.held().filter(|_| by_rows && lanes.len() > 2 && (2..lanes.len()).all(held));
                held.or(ways.iter().all(|&way| way == Way::InPlace).then_some(kernel.run))
            }
        };
        let once = lanes[1..].iter().zip(ways).filter(|&(_, way)| way == Way::Once);
        let period = once.map(|(lane, _)| lane.period).max().unwrap_or(1);
        let step = match kernel {
            // What needs no block on its way is copied whole.
            None if writes && (load[0].is_identity() || (load[0].is_single() && in_place[1])) => usize::MAX,
            Some(_) if ways.contains(&Way::OnceARow) => block.min(SPREAD),
            _ => block / period * period,
        };
        Course { by_rows, in_place, ways, writes, rows, step, period }
    }
}

/// The loop that copies elements of so many bytes.
fn copier(size: usize) -> Run {
    /// # Safety
    /// As [`Run`].
    unsafe fn run<const SIZE: usize>(n: usize, out: *mut u8, inputs: *const *const u8) -> bool {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(*inputs, out, n * SIZE) };
        false
    }
    match size {
        1 => run::<1>,
        2 => run::<2>,
        4 => run::<4>,
        8 => run::<8>,
        _ => run::<16>,
    }
}

impl<'a> Work<'a> {
    /// A call of a kernel whose first input, others, and result have these types; without one, a copy.
    pub fn new(kernel: Option<&'a Kernel>, plan: &'a Plan, types: [DType; 3]) -> Work<'a> {
        let [first, rest, result] = types;
        let wanted = std::iter::once(first).chain(std::iter::repeat(rest));
        let load: SmallVec<_> =
            plan.lanes[1..].iter().zip(wanted).map(|(lane, dtype)| Conversion::new(lane.dtype, dtype)).collect();
        let store = Conversion::new(result, plan.lanes[0].dtype);
        let course = Course::new(kernel, plan, &load, &store, types);
        Work { kernel, plan, load, store, course }
    }

    /// Computes the elements with these numbers in walking order; true if one was refused.
    pub fn run(&self, range: Range<usize>) -> bool {
        match (self.course.rows, self.kernel) {
            (Some(run), _) => self.compute_rows(run, range),
            (None, Some(kernel)) => self.compute_blocks(kernel, range),
            (None, None) => {
                self.copy(range);
                false
            }
        }
    }

    /// Computes elements that the kernel's loop takes from, and writes to, where they lie: row by row.
    fn compute_rows(&self, run: Run, range: Range<usize>) -> bool {
        let (dims, lanes) = (&self.plan.dims[..], &self.plan.lanes[..]);
        let steps = dims.get(1).map_or([0; LANES], |next| next.strides);
        let mut cursor = Cursor::at(dims, range.start);
        let (mut left, mut refused) = (range.len(), false);
        while left > 0 {
            let (rows, n) = cursor.rows(dims, left);
            let mut at: [*mut u8; LANES] = std::array::from_fn(|k| match lanes.get(k) {
                Some(lane) => lane.ptr.wrapping_offset(cursor.offsets[k]),
                None => std::ptr::null_mut(),
            });
            for _ in 0..rows {
                // SAFETY: the row's `n` elements lie inside each operand, as `Operand::new` checked, and inputs that are
                // used in place do not overlap the result.
                refused |= unsafe { run(n, at[0], at[1..].as_ptr().cast()) };
                for (at, step) in at.iter_mut().zip(steps) {
                    *at = at.wrapping_offset(step);
                }
            }
            cursor.advance(dims, rows * n);
            left -= rows * n;
        }
        refused
    }

    /// Computes elements some of which go through blocks.
    fn compute_blocks(&self, kernel: &Kernel, range: Range<usize>) -> bool {
        let Course { ways, writes, step, period, .. } = self.course;
        let mut blocks: [Block; LANES] = std::array::from_fn(|_| Block::new());
        let mut scratch = [Block::new(), Block::new(), Block::new()];
        let blocks: [*mut u8; LANES] = blocks.each_mut().map(Block::ptr);
        let scratch = scratch.each_mut().map(Block::ptr);
        let mut inputs = [std::ptr::null::<u8>(); LANES - 1];
        for k in (1..self.plan.lanes.len()).filter(|&k| ways[k - 1] == Way::Once) {
            let first = range.start / period * period;
            let walk = Walk::at(&self.plan.dims, first, step.min(range.end - first));
            // SAFETY: blocks hold `step` elements of every dtype on the way, all of them elements of the operand.
            unsafe { self.load_from(k, &walk, blocks[k], scratch) };
        }
        let (mut refused, start) = (false, range.start);
        self.walk(range, |walk| {
            // SAFETY: a walk's elements lie inside each operand, as `Operand::new` checked; blocks hold as many of every
            // dtype on the way and are apart; what is used in place does not overlap the result.
            unsafe {
                for k in 1..self.plan.lanes.len() {
                    let size = if k == 1 { kernel.first } else { kernel.rest }.size();
                    inputs[k - 1] = match ways[k - 1] {
                        Way::InPlace => self.address(k, walk),
                        Way::Once => blocks[k].wrapping_add(walk.start % period * size),
                        Way::OnceARow if walk.start != start && !walk.cursor.at_row() => blocks[k],
                        Way::OnceARow | Way::Blocks => {
                            self.load_from(k, walk, blocks[k], scratch);
                            blocks[k]
                        }
                    };
                }
                let result = if writes { self.address(0, walk) } else { blocks[0] };
                refused |= (kernel.run)(walk.n, result, inputs.as_ptr());
                if !writes {
                    self.store_to(walk, result, scratch);
                }
            }
        });
        refused
    }

    /// Copies the elements with these numbers.
    fn copy(&self, range: Range<usize>) {
        let mut block = Block::new();
        let mut scratch = [Block::new(), Block::new(), Block::new()];
        let scratch = scratch.each_mut().map(Block::ptr);
        self.walk(range, |walk| {
            let writes = self.course.writes;
            let result = if writes { self.address(0, walk) } else { block.ptr() };
            // SAFETY: as in `compute_blocks`; a stretch that needs no block may be longer than one.
            unsafe {
                self.load_from(1, walk, result, scratch);
                if !writes {
                    self.store_to(walk, result, scratch);
                }
            }
        });
    }

    /// Calls with stretches of the elements with these numbers, as the course has it.
    #[inline(always)]
    fn walk(&self, range: Range<usize>, mut each: impl FnMut(&Walk)) {
        let (dims, course) = (&self.plan.dims[..], &self.course);
        let mut walk = Walk::at(dims, range.start, 0);
        while walk.start < range.end {
            walk.n = (range.end - walk.start).min(course.step - walk.start % course.period);
            if course.by_rows {
                walk.n = walk.n.min(walk.cursor.row_left(dims));
            }
            each(&walk);
            walk.cursor.advance(dims, walk.n);
            walk.start += walk.n;
        }
    }

    /// Where the walk's first element of a lane is.
    fn address(&self, lane: usize, walk: &Walk) -> *mut u8 {
        self.plan.lanes[lane].ptr.wrapping_offset(walk.cursor.offsets[lane])
    }

    /// Brings the walk's elements of input `lane` to `block`, in the kernel's type.
    ///
    /// # Safety
    /// The walk lies inside the lane; the blocks are apart and large enough.
    unsafe fn load_from(&self, lane: usize, walk: &Walk, block: *mut u8, [raw, scratch @ ..]: [*mut u8; 3]) {
        let conversion = &self.load[lane - 1];
        let Lane { ptr, dtype, .. } = self.plan.lanes[lane];
        let size = dtype.size();
        if !conversion.is_identity() && self.course.in_place[lane] {
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

    /// Brings a block of the kernel's results to the walk's places.
    ///
    /// # Safety
    /// As for `load_from`.
    unsafe fn store_to(&self, walk: &Walk, block: *mut u8, [raw, scratch @ ..]: [*mut u8; 3]) {
        let Lane { ptr, dtype, .. } = self.plan.lanes[0];
        let (size, in_place) = (dtype.size(), self.course.in_place[0]);
        let mut converted = block;
        if !self.store.is_identity() {
            converted = if in_place { self.address(0, walk) } else { raw };
            // SAFETY: the caller's promise.
            unsafe { self.store.run(walk.n, converted, block, scratch) };
            if in_place {
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
    cursor: Cursor,
    start: usize,
    n: usize,
}

impl<'a> Walk<'a> {
    fn at(dims: &'a [Dim], start: usize, n: usize) -> Walk<'a> {
        Walk { dims, cursor: Cursor::at(dims, start), start, n }
    }

    /// Calls `each(byte offset, rows)` for stretches of the innermost dimension, whole ones together along the next.
    #[inline]
    fn rows(&self, lane: usize, mut each: impl FnMut(isize, Rows)) {
        let dims = self.dims;
        let stride = dims[0].strides[lane];
        if self.n <= self.cursor.row_left(dims) {
            return each(self.cursor.offsets[lane], Rows::one(self.n, stride));
        }
        let mut cursor = self.cursor.clone();
        let mut left = self.n;
        let step = dims[1].strides[lane];
        while left > 0 {
            let (rows, n) = cursor.rows(dims, left);
            let rows = Rows { rows, n, step, stride };
            each(cursor.offsets[lane], rows);
            cursor.advance(dims, rows.len());
            left -= rows.len();
        }
    }
}
