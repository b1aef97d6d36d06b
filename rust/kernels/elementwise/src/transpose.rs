//! Calls with an input that runs along another dimension than the result: by tiles, so that each cache line is read once.

use crate::blocks::{Rows, gather};
use crate::kernel::Kernel;
use crate::plan::{Cursor, Dim, LANES, Lane, Plan};
use corten_base::Result;
use corten_base::alloc::Block;
use corten_base::pool::try_parallel_for;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that a tile's columns take up in the input: a cache line.
const ACROSS: usize = 64;
/// Elements of a tile's rows.
const COLUMNS: usize = 64;
/// Elements of a row that is worth a kernel's call of its own, and the most that one takes.
const SHORT: usize = 16;
const LONG: usize = 1024;

/// A call over elements that are contiguous along `inner` in the result and along `across` in some of the inputs.
pub(crate) struct Transpose<'a> {
    kernel: Option<&'a Kernel>,
    plan: &'a Plan,
    inner: Dim,
    across: Dim,
    /// All other dimensions.
    outer: SmallVec<[Dim; 6]>,
    crossing: [bool; LANES],
    /// Rows of a tile.
    rows: usize,
}

impl Transpose<'_> {
    /// The call, if it is one that tiles speed up. The lanes must have the kernel's types, or one type without a kernel.
    pub fn find<'a>(kernel: Option<&'a Kernel>, plan: &'a Plan) -> Option<Transpose<'a>> {
        let (lanes, inner) = (&plan.lanes[..], plan.dims[0]);
        let size = |k: usize| lanes[k].dtype.size();
        let is_row = |k: usize| inner.strides[k] == size(k) as isize;
        let crossing: [bool; LANES] =
            std::array::from_fn(|k| k > 0 && k < lanes.len() && !is_row(k) && inner.strides[k] != 0);
        let first = crossing.iter().position(|&crosses| crosses)?;
        let at = plan.dims.iter().position(|dim| dim.strides[first] == size(first) as isize)?;
        let across = plan.dims[at];
        let along = |k: usize| !crossing[k] || across.strides[k] == size(k) as isize;
        let apart = |lane: &Lane| lane.high <= lanes[0].low || lanes[0].high <= lane.low;
        if !is_row(0)
            || !(1..lanes.len()).all(|k| along(k) && apart(&lanes[k]))
            || across.size < 4
            || inner.size < if kernel.is_some() { SHORT } else { 4 }
        {
            return None;
        }
        let outer = plan.dims.iter().enumerate().filter(|&(i, _)| i != 0 && i != at).map(|(_, &dim)| dim).collect();
        let widest = (1..lanes.len()).map(size).max()?;
        Some(Transpose { kernel, plan, inner, across, outer, crossing, rows: ACROSS / widest })
    }

    /// Runs it, in bands of rows that several threads share; true if an element was refused.
    pub fn run(&self) -> Result<bool> {
        let bands = self.across.size.div_ceil(self.rows);
        let items = bands * self.outer.iter().map(|dim| dim.size).product::<usize>();
        let grain = (32 * 1024 / (self.rows * self.inner.size)).max(1);
        let width = if self.kernel.is_some() { LONG } else { COLUMNS }.min(self.inner.size);
        let refused = AtomicBool::new(false);
        try_parallel_for(items, grain, &|range| {
            let inputs = if self.kernel.is_some() { self.plan.lanes.len() - 1 } else { 0 };
            let room = Block::new(inputs * ACROSS * width)?;
            for item in range {
                let cursor = Cursor::at(&self.outer, item / bands);
                let start = item % bands * self.rows;
                let rows = self.rows.min(self.across.size - start);
                for column in (0..self.inner.size).step_by(width) {
                    let columns = width.min(self.inner.size - column);
                    let at: [*mut u8; LANES] = std::array::from_fn(|k| match self.plan.lanes.get(k) {
                        Some(lane) => lane.ptr.wrapping_offset(
                            cursor.offsets[k]
                                + start as isize * self.across.strides[k]
                                + column as isize * self.inner.strides[k],
                        ),
                        None => std::ptr::null_mut(),
                    });
                    // SAFETY: the elements lie inside all operands, which are apart from the result; the room takes as
                    // many of the widest type for each input.
                    if unsafe { self.band(rows, columns, at, room.ptr()) } {
                        refused.store(true, Ordering::Relaxed);
                    }
                }
            }
            Ok(())
        })?;
        Ok(refused.into_inner())
    }

    /// Runs the call over rows, whose first elements lie at the addresses; true if an element was refused. Crossing
    /// inputs are turned into `room` first, so that the kernel has long rows, which processors fetch in time.
    ///
    /// # Safety
    /// The rows' elements must lie inside the operands, and the inputs' together fit into `room`.
    unsafe fn band(&self, rows: usize, columns: usize, at: [*mut u8; LANES], room: *mut u8) -> bool {
        let size = |k: usize| self.plan.lanes[k].dtype.size();
        let Some(kernel) = self.kernel else {
            // SAFETY: the caller's promise.
            unsafe { transpose(size(0), rows, columns, at[0], self.across.strides[0], at[1], self.inner.strides[1]) };
            return false;
        };
        let inputs = self.plan.lanes.len() - 1;
        let block = |k: usize| room.wrapping_add((k - 1) * ACROSS * columns);
        for k in (1..=inputs).filter(|&k| self.crossing[k]) {
            let pitch = columns * size(k);
            for first in (0..columns).step_by(COLUMNS) {
                let to = block(k).wrapping_add(first * size(k));
                let from = at[k].wrapping_offset(first as isize * self.inner.strides[k]);
                let columns = COLUMNS.min(columns - first);
                // SAFETY: as above.
                unsafe { transpose(size(k), rows, columns, to, pitch as isize, from, self.inner.strides[k]) };
            }
        }
        let mut refused = false;
        for row in 0..rows {
            let address = |k: usize| at[k].wrapping_offset(row as isize * self.across.strides[k]);
            let mut here = [std::ptr::null::<u8>(); LANES - 1];
            for k in 1..=inputs {
                here[k - 1] = if self.crossing[k] {
                    block(k).wrapping_add(row * columns * size(k))
                } else if self.inner.strides[k] != 0 {
                    address(k)
                } else {
                    // SAFETY: as above.
                    unsafe { gather(size(k), Rows::one(columns, 0), block(k), address(k)) };
                    block(k)
                };
            }
            // SAFETY: as above; the room and the inputs are apart from the result.
            refused |= unsafe { (kernel.run)(columns, address(0), here.as_ptr()) };
        }
        refused
    }
}

/// `out[row * to + column] = x[column * from + row]` for elements of `size` bytes, strides in bytes.
///
/// # Safety
/// Both sides must be valid and aligned for the tile's elements and must not overlap.
unsafe fn transpose(size: usize, rows: usize, columns: usize, out: *mut u8, to: isize, x: *const u8, from: isize) {
    // SAFETY: the caller's promise, by the size that the elements have.
    unsafe {
        match size {
            1 => tile::<u8>(rows, columns, out, to, x, from),
            2 => tile::<u16>(rows, columns, out, to, x, from),
            4 => tile::<u32>(rows, columns, out, to, x, from),
            8 => tile::<u64>(rows, columns, out, to, x, from),
            _ => tile::<[u64; 2]>(rows, columns, out, to, x, from),
        }
    }
}

/// `out[row * to + column] = x[column * from + row]`, strides in bytes.
///
/// # Safety
/// Both sides must be valid and aligned for the tile's elements and must not overlap.
unsafe fn tile<T: Copy>(rows: usize, columns: usize, out: *mut u8, to: isize, x: *const u8, from: isize) {
    for row in 0..rows {
        let out = out.wrapping_offset(row as isize * to).cast::<T>();
        let x = x.wrapping_add(row * size_of::<T>());
        for column in 0..columns {
            // SAFETY: the caller's promise.
            unsafe { out.add(column).write(x.offset(column as isize * from).cast::<T>().read()) };
        }
    }
}
