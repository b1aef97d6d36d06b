//! Convolutions of few channels: the pixels lie along the vectors, and the rows of the micro-kernel are output channels.
//!
//! What a block of pixels reads is gathered into a matrix (terms by pixels), unless there are so few output channels that
//! the gathering would take longer than the sums: then the micro-kernel reads the padded image where it is.

use crate::direct::{Direct, Phase, each_tap, volume};
use crate::geometry::Grid;
use crate::lines::Lines;
use corten_base::pool::try_parallel_for;
use corten_base::{Result, multiversion};
use corten_gemm::product::{K_BLOCK, TASK_WORK};
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::{Lanes, Real, Simd};
use corten_gemm::storage::{Storage, View};
use corten_gemm::tile::{Compute, Run, Tile};
use std::ops::Range;

/// Output channels from which on gathering pays.
const GATHER: usize = 4;
/// Input channels whose runs along a row of taps are too short for [`Direct::run`].
const FEW: usize = 4;
/// Columns of [`Single`]'s vectors.
const LANES: usize = 8;
/// Bytes of gathered pixels and of sums: they stay in the second cache.
const NEAR: usize = 128 << 10;

/// How a phase is computed.
struct Plan<'a> {
    phase: &'a Phase,
    /// Terms of the phases before it.
    start: usize,
    /// Where each term of the first pixel is read.
    sources: Vec<isize>,
    /// The terms of each chain as the micro-kernel reads them.
    chains: Vec<Vec<Run>>,
    /// Starts of the weights of each output channel.
    rows: Vec<isize>,
    /// Rows and columns of a block of pixels, and how many blocks there are along each dimension.
    block: [usize; 2],
    blocks: [usize; 3],
    /// Columns of gathered pixels, if they are.
    gathered: Option<usize>,
    /// From one term to the next of a run.
    step: usize,
}

impl Plan<'_> {
    /// First position of a block, its rows and columns.
    fn place(&self, index: usize) -> ([usize; 3], [usize; 2]) {
        let ([_, b, c], [_, down, across]) = (self.phase.count, self.blocks);
        let first = [index / across / down, index / across % down * self.block[0], index % across * self.block[1]];
        (first, [self.block[0].min(b - first[1]), self.block[1].min(c - first[2])])
    }
}

multiversion! {
    /// Copies the pixels of a block, `line` apart from row to row, for each source.
    ///
    /// # Safety
    /// The block's rows must be valid to read at each source; `to` must have room for them, `step` from source to source.
    unsafe fn gather<T: Real>(to: Ptr<T>, step: usize, from: Ptr<T>, sources: &[isize], block: [usize; 2], line: usize) {
        let [rows, columns] = block;
        for (term, &source) in sources.iter().enumerate() {
            for j in 0..rows {
                let (from, to) = (Ptr(from.offset(source)).at(j * line), to.at(term * step + j * columns));
                // SAFETY: the caller's promise.
                let (from, to) = unsafe {
                    (std::slice::from_raw_parts(from, columns), std::slice::from_raw_parts_mut(to, columns))
                };
                let (from, from_tail) = from.as_chunks::<8>();
                let (to, to_tail) = to.as_chunks_mut::<8>();
                for (to, from) in to.iter_mut().zip(from) {
                    *to = *from;
                }
                for (to, from) in to_tail.iter_mut().zip(from_tail) {
                    *to = *from;
                }
            }
        }
    }
}

/// Rows of one output channel in place: the sums of `weights` times the pixels at `sources`, and then `bias` if not null.
/// `x` and `y` are the first pixels, each with the step to the next row.
struct Single<'a, T> {
    x: (Ptr<T>, usize),
    y: (Ptr<T>, isize),
    sources: &'a [isize],
    weights: &'a [T],
    bias: *const T,
    rows: usize,
    columns: usize,
}

impl<T: Real> Single<'_, T> {
    /// Computes two rows of some vectors of columns, whose last ones begin early so that none reaches beyond the row.
    ///
    /// # Safety
    /// The rows must be valid for the sources and have a vector's columns at least; `row` and `column` must be among them.
    #[inline(always)]
    unsafe fn tile<const VECTORS: usize>(&self, row: usize, column: usize) {
        let rows = [row, (row + 1).min(self.rows - 1)];
        let columns: [usize; VECTORS] = std::array::from_fn(|v| (column + v * LANES).min(self.columns - LANES));
        // SAFETY: the caller's promise; an array needs no instruction set.
        unsafe {
            let mut sums = [[Lanes::<T, LANES>::splat(T::ZERO); VECTORS]; 2];
            let x = rows.map(|row| columns.map(|column| self.x.0.at(row * self.x.1 + column)));
            for (&source, &weight) in self.sources.iter().zip(self.weights) {
                let weight = Lanes::splat(weight);
                for (sums, x) in sums.iter_mut().zip(x) {
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum = weight.fma(Lanes::load(x.wrapping_offset(source)), *sum);
                    }
                }
            }
            for (sums, row) in sums.iter_mut().zip(rows) {
                for (sum, column) in sums.iter_mut().zip(columns) {
                    if !self.bias.is_null() {
                        *sum = Lanes::splat(T::ONE).fma(*sum, Lanes::splat(*self.bias));
                    }
                    sum.store(Ptr(self.y.0.offset(row as isize * self.y.1)).at(column));
                }
            }
        }
    }
}

multiversion! {
    /// Computes all rows.
    ///
    /// # Safety
    /// The rows must be valid for the sources and have a vector's columns at least.
    unsafe fn sum_rows<T: Real>(job: &Single<T>) {
        for row in (0..job.rows).step_by(2) {
            for column in (0..job.columns).step_by(4 * LANES) {
                // SAFETY: the caller's promise.
                unsafe {
                    match (job.columns - column).div_ceil(LANES) {
                        1 | 2 => job.tile::<2>(row, column),
                        _ => job.tile::<4>(row, column),
                    }
                }
            }
        }
    }
}

impl<S: Storage> Direct<'_, S> {
    /// True where [`Direct::run_rows`], which computes the same, is quicker than [`Direct::run`].
    pub fn is_narrow(&self) -> bool {
        S::PARTS == 1 && (self.inputs <= FEW || self.outputs < GATHER)
    }

    /// Computes the convolution image by image.
    ///
    /// # Safety
    /// As [`Direct::run`].
    pub unsafe fn run_rows(&self) -> Result<()> {
        let (low, size) = self.padding();
        let scale = self.phases.first().map_or([1; 3], |phase| phase.scale);
        let layout = Lines::new(low, scale, size, self.inputs, 0)?;
        let (mut inline, mut plans) = (Inline::uninit(), Vec::with_capacity(self.phases.len()));
        let (mut packed, mut terms) = (Scratch::new(&mut inline), 0);
        for phase in self.phases.iter().filter(|phase| !phase.count.contains(&0)) {
            let taps = volume(&[phase.taps[0].len(), phase.taps[1].len(), phase.taps[2].len(), self.inputs])?;
            plans.push(self.plan(phase, &layout, terms, taps));
            terms += taps;
        }
        let weights: Ptr<S::Compute> = packed.room(volume(&[self.groups, self.outputs, terms.max(1)])?)?;
        for plan in &plans {
            // SAFETY: the room was counted above, from plan to plan.
            unsafe { self.pack_rows(plan, weights) };
        }
        let biases = self.biases();
        let images = |units: Range<usize>| {
            let mut inline = Inline::uninit();
            let mut room = Scratch::new(&mut inline);
            let lines = layout.placed(&mut room)?;
            for unit in units {
                let (image, group) = (unit / self.groups, unit % self.groups);
                // SAFETY: the caller's promise.
                unsafe { lines.fill(&Grid { ptr: self.x.at(image, group * self.inputs, [0; 3]), ..self.x }) };
                let bias = biases.as_ref().map_or(std::ptr::null(), |b| b[group * self.outputs..].as_ptr());
                for plan in &plans {
                    let weights = weights.at((self.groups * plan.start + group * plan.sources.len()) * self.outputs);
                    let operands = (Ptr(weights), Ptr(bias.cast_mut()));
                    let work = self.outputs * plan.block[0] * plan.block[1] * plan.sources.len().max(1);
                    try_parallel_for(plan.blocks.iter().product(), TASK_WORK / work + 1, &|range| {
                        // SAFETY: the lines hold the image, and the operands are the group's.
                        unsafe { self.blocks(plan, &lines, operands, (image, group), range) }
                    })?;
                }
            }
            Ok(())
        };
        let (units, work) = (self.images * self.groups, self.y.pixels() * self.outputs * terms.max(1));
        if units == 1 || work > 16 * TASK_WORK {
            return images(0..units);
        }
        try_parallel_for(units, TASK_WORK / work + 1, &images)
    }

    /// How to compute a phase of so many terms, after `start` terms of other phases.
    fn plan<'a>(&self, phase: &'a Phase, lines: &Lines<S::Compute>, start: usize, terms: usize) -> Plan<'a> {
        let [a, b, c] = phase.count;
        let panel = <S::Compute as Compute>::kernels().panel();
        let gathers = self.outputs >= GATHER;
        let room = NEAR / size_of::<S::Compute>() / self.outputs.max(if gathers { terms } else { 1 });
        let room = room.clamp(2 * panel, 32 * panel) / panel * panel;
        // Rows that follow each other in the padded image are computed with the padding between them.
        let width = if gathers { c } else { lines.row };
        let down = if gathers || lines.joined() { (room / width.max(1)).clamp(1, b) } else { 1 };
        let block = [down, c.min(room)];
        let sources: Vec<isize> = each_tap(phase)
            .flat_map(|tap| {
                let at = lines.tap(tap.map(|(_, offset)| offset));
                (0..self.inputs).map(move |channel| (at + channel * lines.channel) as isize)
            })
            .collect();
        let gathered = gathers.then(|| (down * block[1]).next_multiple_of(panel));
        let step = gathered.unwrap_or(if self.inputs == 1 { 1 } else { lines.channel });
        let mut chains: Vec<Vec<Run>> = vec![Vec::new(); sources.len().div_ceil(K_BLOCK).max(1)];
        for (term, &source) in sources.iter().enumerate() {
            let at = if gathers { (term * step) as isize } else { source };
            let chain = &mut chains[term / K_BLOCK];
            match chain.last_mut() {
                Some(last) if last.b + (last.len * step) as isize == at => last.len += 1,
                _ => chain.push(Run { a: term as isize, b: at, len: 1 }),
            }
        }
        let rows = (0..self.outputs).map(|output| (output * sources.len()) as isize).collect();
        let blocks = [a, b.div_ceil(block[0]), c.div_ceil(block[1])];
        Plan { phase, start, sources, chains, rows, block, blocks, gathered, step }
    }

    /// Packs the weights of a phase, as `[group][output channel][term]`.
    ///
    /// # Safety
    /// `weights` must have room for the plan's, after those of the plans before it.
    unsafe fn pack_rows(&self, plan: &Plan, weights: Ptr<S::Compute>) {
        let (w, terms) = (self.weights, plan.sources.len());
        let to = weights.at(self.groups * self.outputs * plan.start);
        // Rows of all groups at once where they are evenly spaced.
        let (groups, rows, row) = match self.outputs {
            1 => (1, self.groups, w.group),
            outputs if w.group == outputs as isize * w.output => (1, self.groups * outputs, w.output),
            outputs => (self.groups, outputs, w.output),
        };
        for group in 0..groups {
            for (at, tap) in each_tap(plan.phase).enumerate() {
                let place: isize = tap.iter().zip(w.steps).map(|(&(i, _), step)| i as isize * step).sum();
                let view = View { ptr: w.at(group, 0).wrapping_offset(place), row, column: w.input };
                // SAFETY: the caller's promise; the tap is one of the kernel's.
                unsafe {
                    let to = to.add(group * rows * terms + at * self.inputs);
                    S::pack_left(view, rows, self.inputs, to, terms);
                }
            }
        }
    }

    /// Computes some blocks of pixels.
    ///
    /// # Safety
    /// As [`Direct::run`]; the lines must hold the image of the group, whose weights and bias (or null) are given.
    unsafe fn blocks(
        &self,
        plan: &Plan,
        lines: &Lines<S::Compute>,
        (weights, bias): (Ptr<S::Compute>, Ptr<S::Compute>),
        (image, group): (usize, usize),
        range: Range<usize>,
    ) -> Result<()> {
        let kernels = <S::Compute as Compute>::kernels();
        let steps: [isize; 3] = std::array::from_fn(|d| self.y.steps[d] * plan.phase.step[d] as isize);
        let width = if plan.gathered.is_some() { plan.block[1] } else { lines.row };
        let mut inline = [const { Inline::uninit() }; 2];
        let [first, second] = &mut inline;
        let (mut first, mut second) = (Scratch::new(first), Scratch::new(second));
        let gathered: Ptr<S::Compute> = first.room(plan.gathered.unwrap_or(0) * plan.sources.len())?;
        let sums: Ptr<S::Compute> = second.room(volume(&[self.outputs, plan.block[0], width])?)?;
        for index in range {
            let (place, [down, across]) = plan.place(index);
            let q = std::array::from_fn(|d| plan.phase.start[d] + place[d] * plan.phase.step[d]);
            let mut x = Ptr(lines.data.at(place[0] * lines.plane() + place[1] * lines.row + place[2]));
            let mut width = lines.row;
            if plan.gathered.is_some() {
                // SAFETY: the block lies inside the image, and each of its rows has room for the plan's block.
                unsafe { gather(gathered, plan.step, x, &plan.sources, [down, across], width) };
                (x, width) = (gathered, across);
            }
            let y = self.y.at(image, group * self.outputs, q);
            // Not for integers, whose products are rare and would make the binary larger.
            let suits = S::is_compute() && S::DTYPE.is_float();
            if suits && self.outputs == 1 && plan.chains.len() == 1 && steps[2] == 1 && across >= LANES {
                let job = Single {
                    x: (x, width),
                    y: (Ptr(y.cast()), steps[1]),
                    sources: &plan.sources,
                    // SAFETY: one output channel has a weight for each source.
                    weights: unsafe { std::slice::from_raw_parts(weights.0, plan.sources.len()) },
                    bias: bias.0,
                    rows: down,
                    columns: across,
                };
                // SAFETY: what the block's pixels read lies in the image, and their sums in the output, where no other
                // task writes; the columns were counted.
                unsafe { sum_rows(&job) };
                continue;
            }
            let columns = (down - 1) * width + across;
            let joined = down == 1 || (width == across && steps[1] == (steps[2] * across as isize));
            let direct = S::is_compute() && steps[2] == 1 && joined;
            let (c, c_step) = if direct { (y.cast(), self.y.channel) } else { (sums.0, columns as isize) };
            for (at, runs) in plan.chains.iter().enumerate() {
                let last = at + 1 == plan.chains.len();
                let tile = Tile {
                    runs,
                    a: weights.0,
                    rows: &plan.rows,
                    a_step: 1,
                    b: x.0,
                    b_step: plan.step as isize,
                    b_panel: kernels.panel() as isize,
                    c,
                    c_step,
                    resume: at > 0,
                    alpha: S::Compute::ONE,
                    beta: None,
                    bias: if last { bias.0 } else { std::ptr::null() },
                    bias_rows: true,
                    relu: false,
                };
                // SAFETY: what the terms of the block's pixels read lies in the gathered pixels or in the image, and its
                // sums in the output, where no other task writes, or in the room for them.
                unsafe { kernels.block(&tile, columns) };
            }
            if direct {
                continue;
            }
            // Sums go to whichever of channels and pixels lie together in the output.
            let (times, (rows, row, from), (size, column)) = if self.y.channel == 1 {
                ((down, steps[1], width), (self.outputs, 1, columns), (across, steps[2]))
            } else {
                ((self.outputs, self.y.channel, columns), (down, steps[1], width), (across, steps[2]))
            };
            for i in 0..times.0 {
                let out = View { ptr: y.wrapping_offset(i as isize * times.1), row, column };
                // SAFETY: as above.
                unsafe { S::store(sums.at(i * times.2), from, rows, size, out) };
            }
        }
        Ok(())
    }
}
