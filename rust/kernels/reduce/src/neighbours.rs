//! Results whose elements lie in short lines, the lines of neighbouring results one behind the other, as those of the
//! channels of images: blocks of lines are joined element by element, then each result's elements.

use crate::drive::{Finish, GRAIN, LINE, Plan, RUN};
use crate::fold::{Function, Join, Same, join_row, leaves};
use crate::number::Number;
use crate::source::{Mapped, Reader};
use corten_base::alloc::filled;
use corten_base::pool::try_parallel_for;
use corten_base::{Operand, Result, multiversion};
use corten_strided::{Dim, Dims};

/// Elements of a block of lines.
const BLOCK: usize = 1024;

/// Where the blocks are.
pub(crate) struct Neighbours<'a> {
    /// The results beside those of a block.
    outer: Dims<4>,
    /// The results whose lines lie one behind the other.
    inner: Dim<4>,
    /// The elements of a result, apart from a line's.
    lines: Dims<3>,
    /// Elements of a line.
    length: usize,
    reader: &'a Reader<'a>,
}

impl<'a> Neighbours<'a> {
    /// None where elements lie otherwise, or lines are long enough to be joined by themselves.
    pub(crate) fn of(reader: &'a Reader, plan: &Plan) -> Option<Self> {
        let (&line, &inner) = (plan.reduced.as_slice().last()?, plan.kept.as_slice().last()?);
        let operands = if reader.y.is_some() { 2 } else { 1 };
        let behind = |k: usize| line.strides[k] == 1 && inner.strides[k] == line.size as isize;
        let many = plan.reduced.as_slice().len() > 1 && inner.size > 1;
        if !many || !(1..LINE).contains(&line.size) || !(0..operands).all(behind) {
            return None;
        }
        let ((outer, inner), (lines, _)) = (plan.kept.clone().split_inner(), plan.reduced.clone().split_inner());
        Some(Neighbours { outer, inner, lines, length: line.size, reader })
    }

    /// Folds `F` of what is read into `out`.
    pub(crate) fn fold<C: Mapped, J: Join<C>, F: Function<C>>(&self, out: &Operand, finish: Finish<C>) -> Result<()> {
        let (push, raise, leaves) = (join_about::<C, J, F>, join_row::<C, J>, leaves::<C, J, Same>);
        self.fold_by(out, Ways { push, raise, leaves, identity: J::IDENTITY }, finish)
    }

    #[inline(never)]
    fn fold_by<C: Mapped>(&self, out: &Operand, ways: Ways<C>, finish: Finish<C>) -> Result<()> {
        let (length, lines) = (self.length, self.lines.numel());
        let together = (BLOCK / length).min(self.inner.size);
        let blocks = self.inner.size.div_ceil(together);
        let direct = self.reader.direct::<C>();
        let grain = (GRAIN / (together * length * lines).max(1)).max(1);
        try_parallel_for(self.outer.numel() * blocks, grain, &|range| {
            let width = together * length;
            let mut room = filled(C::ZERO, 5 * width + together)?;
            let (centers, rest) = room.split_at_mut(width);
            let (staged, rest) = rest.split_at_mut(width);
            let (levels, values) = rest.split_at_mut(3 * width);
            for task in range {
                let first = task % blocks * together;
                let values = &mut values[..together.min(self.inner.size - first)];
                let width = values.len() * length;
                let (centers, staged) = (&mut centers[..width], &mut staged[..width]);
                let mut at = [0; 4];
                self.outer.walk(task / blocks..task / blocks + 1, |offsets| at = offsets);
                at.iter_mut().zip(self.inner.strides).for_each(|(at, step)| *at += first as isize * step);
                if self.reader.center.is_some() {
                    for (k, centers) in centers.chunks_mut(length).enumerate() {
                        // SAFETY: the center of a result.
                        unsafe {
                            self.reader.centers(at[2] + k as isize * self.inner.strides[2], 0, &mut centers[..1])
                        };
                        centers.fill(centers[0]);
                    }
                }
                let mut tower = Tower::new(ways, levels, width);
                self.lines.walk(0..lines, |[x, y, _]| {
                    let at = [at[0] + x, at[1] + y];
                    if direct {
                        let from = self.reader.x.ptr().cast::<C>().wrapping_offset(at[0]);
                        // SAFETY: the lines lie one behind the other in `x`, and nothing writes them meanwhile.
                        let values = unsafe { std::slice::from_raw_parts(from, width) };
                        tower.push(values, centers);
                    } else {
                        // SAFETY: elements of the operands.
                        unsafe { self.reader.read_about(at, [1, 1], centers, staged) };
                        tower.push(staged, centers);
                    }
                });
                let total = tower.finish();
                (ways.leaves)(total, length, C::ZERO, values);
                finish(values);
                let ptr = out.ptr().wrapping_offset(at[3] * out.dtype().size() as isize);
                // SAFETY: elements of `out`.
                unsafe { C::store(out.dtype(), ptr, self.inner.strides[3], values) };
            }
            Ok(())
        })
    }
}

/// How rows are joined: by function pointers, so that what brings them is compiled once a type.
#[derive(Clone, Copy)]
struct Ways<C> {
    push: fn(&mut [C], &[C], &[C]),
    raise: fn(&mut [C], &[C]),
    leaves: fn(&[C], usize, C, &mut [C]),
    identity: C,
}

/// Rows joined one after the other in runs of [`RUN`], runs in runs of runs, and these one after the other.
struct Tower<'a, C> {
    ways: Ways<C>,
    levels: [&'a mut [C]; 3],
    count: usize,
}

impl<'a, C: Number> Tower<'a, C> {
    /// Of rows of `width` numbers, in room for three.
    fn new(ways: Ways<C>, room: &'a mut [C], width: usize) -> Self {
        let (low, rest) = room.split_at_mut(width);
        let (middle, rest) = rest.split_at_mut(width);
        low.fill(ways.identity);
        Tower { ways, levels: [low, middle, &mut rest[..width]], count: 0 }
    }

    fn push(&mut self, row: &[C], centers: &[C]) {
        if self.count > 0 && self.count.is_multiple_of(RUN) {
            self.raise(0);
            if self.count.is_multiple_of(RUN * RUN) {
                self.raise(1);
            }
        }
        (self.ways.push)(self.levels[0], row, centers);
        self.count += 1;
    }

    /// Joins a level into the next and empties it.
    fn raise(&mut self, level: usize) {
        let (below, above) = self.levels.split_at_mut(level + 1);
        let (below, above) = (&mut *below[level], &mut *above[0]);
        // The first run to come is all that the next level holds.
        if self.count == RUN.pow(level as u32 + 1) {
            above.copy_from_slice(below);
        } else {
            (self.ways.raise)(above, below);
        }
        below.fill(self.ways.identity);
    }

    fn finish(mut self) -> &'a [C] {
        let levels = [0, RUN, RUN * RUN].iter().filter(|&&rows| self.count > rows).count().max(1);
        (1..levels).for_each(|level| self.raise(level - 1));
        let [low, middle, high] = self.levels;
        [low, middle, high][levels - 1]
    }
}

multiversion! {
    /// Joins `F` of a row into `total`, element by element.
    fn join_about<C: Number, J: Join<C>, F: Function<C>>(total: &mut [C], row: &[C], centers: &[C]) {
        for ((total, &value), &center) in total.iter_mut().zip(row).zip(centers) {
            *total = J::join(*total, F::of(value, center));
        }
    }
}
