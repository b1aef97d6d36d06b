//! Copies whose source runs along another dimension than the result: by tiles, so that each cache line is read once.

use crate::plan::{Cursor, Dim, Plan};
use corten_base::pool::parallel_for;
use smallvec::SmallVec;

/// Elements along each side of a tile.
const TILE: usize = 32;

/// A copy of elements of one size, contiguous along `inner` in the result and along `across` in the source.
pub(crate) struct Transpose<'a> {
    plan: &'a Plan,
    inner: Dim,
    across: Dim,
    /// All other dimensions.
    outer: SmallVec<[Dim; 6]>,
}

impl Transpose<'_> {
    /// The copy from lane 1 to lane 0, if it is one that tiles speed up.
    pub fn find(plan: &Plan) -> Option<Transpose<'_>> {
        let size = plan.lanes[0].dtype.size() as isize;
        let inner = plan.dims[0];
        let at = plan.dims.iter().position(|dim| dim.strides[1] == size)?;
        let across = plan.dims[at];
        let apart = plan.lanes[1].high <= plan.lanes[0].low || plan.lanes[0].high <= plan.lanes[1].low;
        if at == 0 || inner.strides[0] != size || !apart || inner.size.min(across.size) < 4 {
            return None;
        }
        let outer = plan.dims.iter().enumerate().filter(|&(i, _)| i != 0 && i != at).map(|(_, &dim)| dim).collect();
        Some(Transpose { plan, inner, across, outer })
    }

    /// Copies, in bands of tiles that several threads share.
    pub fn run(&self) {
        let bands = self.across.size.div_ceil(TILE);
        let items = bands * self.outer.iter().map(|dim| dim.size).product::<usize>();
        let grain = (32 * 1024 / (TILE * self.inner.size)).max(1);
        parallel_for(items, grain, &|range| {
            for item in range {
                let cursor = Cursor::at(&self.outer, item / bands);
                let start = item % bands * TILE;
                let rows = TILE.min(self.across.size - start);
                for column in (0..self.inner.size).step_by(TILE) {
                    let columns = TILE.min(self.inner.size - column);
                    let [out, x] = [0, 1].map(|lane| {
                        let offset = cursor.offset(&self.outer, lane)
                            + start as isize * self.across.strides[lane]
                            + column as isize * self.inner.strides[lane];
                        self.plan.lanes[lane].ptr.wrapping_offset(offset)
                    });
                    let (to, from) = (self.across.strides[0], self.inner.strides[1]);
                    // SAFETY: the tile's elements lie inside both operands, which are apart and hold elements of this
                    // size.
                    unsafe {
                        match self.plan.lanes[0].dtype.size() {
                            1 => tile::<u8>(rows, columns, out, to, x, from),
                            2 => tile::<u16>(rows, columns, out, to, x, from),
                            4 => tile::<u32>(rows, columns, out, to, x, from),
                            8 => tile::<u64>(rows, columns, out, to, x, from),
                            _ => tile::<[u64; 2]>(rows, columns, out, to, x, from),
                        }
                    }
                }
            }
        });
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
