//! Direct convolution: images are copied to padded buffers with channels last, weights to panels of output channels, and
//! the micro-kernel of the matrix product sums over (position in the kernel, input channel) for tiles of pixels.
//!
//! The gradient of the input is the same computation: for each remainder of its positions modulo the stride, a convolution
//! of the output's gradient with the positions of the kernel that reach it.

use crate::geometry::Grid;
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_base::{Result, error};
use corten_gemm::product::{K_BLOCK, TASK_WORK};
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::Real;
use corten_gemm::storage::{Storage, View};
use corten_gemm::tile::{Compute, Run, Tile};
use std::ops::Range;

/// Pixels of a task: a multiple of the tiles' heights 4, 6 and 14.
const TASK_PIXELS: usize = 84;
/// Bytes of packed weights in one chain of sums that a task reads again and again.
const NEAR: usize = 256 << 10;
/// Bytes of padded images that are kept at once.
const SLAB: usize = 2 << 20;

/// Weights by group, output channel, input channel and position.
#[derive(Clone, Copy)]
pub struct Weights<S> {
    /// The first element.
    pub ptr: *mut S,
    /// From one group to the next.
    pub group: isize,
    /// From one output channel to the next.
    pub output: isize,
    /// From one input channel to the next.
    pub input: isize,
    /// Along each dimension of the kernel.
    pub steps: [isize; 3],
}

// SAFETY: an address with strides, only read.
unsafe impl<S> Send for Weights<S> {}
// SAFETY: as above.
unsafe impl<S> Sync for Weights<S> {}

impl<S> Weights<S> {
    /// The address of the first weight of an output channel.
    #[inline(always)]
    pub fn at(&self, group: usize, output: usize) -> *mut S {
        self.ptr.wrapping_offset(group as isize * self.group + output as isize * self.output)
    }
}

/// Output positions `start + step * q` for `q < count`, which read the input at `scale * q + offset` for each tap.
pub struct Phase {
    /// First output position.
    pub start: [usize; 3],
    /// Between output positions.
    pub step: [usize; 3],
    /// Number of output positions.
    pub count: [usize; 3],
    /// Between the input positions of neighbours.
    pub scale: [usize; 3],
    /// Positions in the kernel along each dimension, each with its offset in the input, in the order of summation.
    pub taps: [Vec<(usize, isize)>; 3],
}

/// One convolution.
pub struct Direct<'a, S> {
    /// Images.
    pub images: usize,
    /// Groups.
    pub groups: usize,
    /// Input channels of a group.
    pub inputs: usize,
    /// Output channels of a group.
    pub outputs: usize,
    /// Input.
    pub x: Grid<S>,
    /// Output.
    pub y: Grid<S>,
    /// Weights.
    pub weights: Weights<S>,
    /// One number per output channel, and its stride.
    pub bias: Option<(*const S, isize)>,
    /// The parts of the output.
    pub phases: &'a [Phase],
}

// SAFETY: the bias is only read.
unsafe impl<S> Sync for Direct<'_, S> {}

/// A product of sizes, refused where memory could not hold so much.
pub fn volume(sizes: &[usize]) -> Result<usize> {
    let mut product = 1usize;
    for &size in sizes {
        product = product
            .checked_mul(size)
            .filter(|&p| p < isize::MAX as usize / 64)
            .ok_or_else(|| error!(Memory, "convolution: working memory of sizes {sizes:?} is too large"))?;
    }
    Ok(product)
}

/// Images with channels last and zeros around: position `i` of the input is at `i + low`.
pub struct Padded<T> {
    /// The buffer.
    pub data: Ptr<T>,
    /// Zeros before the input.
    pub low: [usize; 3],
    /// Sizes with the padding.
    pub size: [usize; 3],
    /// From one pixel to the next.
    pub pixel: usize,
    /// From one image of one group to the next.
    pub image: usize,
}

impl<T: Real> Padded<T> {
    /// Offset of a position of the input, which may lie in the padding.
    pub fn offset(&self, [i, j, k]: [isize; 3]) -> isize {
        ((i * self.size[1] as isize + j) * self.size[2] as isize + k) * self.pixel as isize
    }

    /// Fills the buffer with images `images` of `x`, as `[image][group][position][channel]`.
    ///
    /// # Safety
    /// The buffer must have room for them and `x` be valid.
    pub unsafe fn fill<S: Storage<Compute = T>>(
        &self,
        x: &Grid<S>,
        images: Range<usize>,
        groups: usize,
        channels: usize,
    ) {
        let [a, b, c] = self.size;
        let row = c * self.pixel;
        parallel_for(images.len() * groups * a * b, TASK_WORK / 16 / row.max(1) + 1, &|range| {
            for index in range {
                let (j, i) = (index % b, index / b % a);
                let (group, image) = (index / b / a % groups, index / b / a / groups);
                let to = self.data.at((image * groups + group) * self.image + (i * b + j) * row);
                let inside = i.wrapping_sub(self.low[0]) < x.size[0] && j.wrapping_sub(self.low[1]) < x.size[1];
                let width = if inside { x.size[2].min(c - self.low[2]) } else { 0 };
                // SAFETY: the row lies inside the buffer, whose low padding and input fit in its size.
                unsafe {
                    let (left, right) = if inside { (self.low[2], self.low[2] + width) } else { (0, 0) };
                    std::slice::from_raw_parts_mut(to, left * self.pixel).fill(T::ZERO);
                    std::slice::from_raw_parts_mut(to.add(right * self.pixel), (c - right) * self.pixel).fill(T::ZERO);
                    if inside {
                        let at = [i - self.low[0], j - self.low[1], 0];
                        let ptr = x.at(images.start + image, group * channels, at);
                        let from = View { ptr, row: x.steps[2], column: x.channel };
                        S::pack_left(from, width, channels, to.add(left * self.pixel), self.pixel);
                    }
                }
            }
        });
    }
}

impl<S: Storage> Direct<'_, S> {
    /// Computes the convolution.
    ///
    /// # Safety
    /// The grids, weights and bias must be valid for the sizes; the output must not overlap anything.
    pub unsafe fn run(&self) -> Result<()> {
        let parts = S::PARTS;
        let kernels = <S::Compute as Compute>::kernels();
        let panel = kernels.panel();
        let (depth, width) = (self.inputs * parts, self.outputs * parts);
        let bias = self.biases();
        let (low, size) = self.padding();
        let image = volume(&[size[0], size[1], size[2], depth])?;
        let slab = (SLAB / size_of::<S::Compute>() / volume(&[image.max(1), self.groups])?).clamp(1, self.images);
        let mut inline = [const { Inline::uninit() }; 2];
        let [first, second] = &mut inline;
        let (mut inputs, mut weights) = (Scratch::new(first), Scratch::new(second));
        let padded =
            Padded { data: inputs.room(volume(&[slab, self.groups, image])?)?, low, size, pixel: depth, image };
        let mut packs = Vec::with_capacity(self.phases.len());
        let panels = width.div_ceil(panel);
        let mut total = 0;
        for phase in self.phases {
            let taps = volume(&[phase.taps[0].len(), phase.taps[1].len(), phase.taps[2].len()])?;
            packs.push((total, taps * depth));
            total += volume(&[self.groups, panels, panel, taps, depth])?;
        }
        let weights: Ptr<S::Compute> = weights.room(total)?;
        for (phase, &(start, terms)) in self.phases.iter().zip(&packs) {
            // SAFETY: the room for packed weights was counted above.
            unsafe { self.pack(phase, Ptr(weights.at(start)), terms, panel)? };
        }
        for start in (0..self.images).step_by(slab) {
            let images = start..self.images.min(start + slab);
            // SAFETY: the buffer has room for a slab.
            unsafe { padded.fill(&self.x, images.clone(), self.groups, self.inputs) };
            for (phase, &(start, terms)) in self.phases.iter().zip(&packs) {
                // SAFETY: images and weights are packed.
                unsafe { self.phase(phase, &padded, Ptr(weights.at(start)), terms, images.clone(), bias.as_deref())? };
            }
        }
        Ok(())
    }

    /// The bias of a group's first output channel and its stride; null without one.
    pub fn bias_of(&self, group: usize) -> (*const S, isize) {
        let at = |(bias, step): (*const S, isize)| (bias.wrapping_offset((group * self.outputs) as isize * step), step);
        self.bias.map_or((std::ptr::null(), 0), at)
    }

    /// The bias of every group's output channels.
    pub fn biases(&self) -> Option<Vec<S::Compute>> {
        let (ptr, step) = self.bias?;
        let count = self.groups * self.outputs;
        let mut all = vec![S::Compute::ZERO; count * S::PARTS];
        let row = View { ptr: ptr.cast_mut(), row: 0, column: step };
        // SAFETY: the bias has one number for each output channel.
        unsafe { S::pack_left(row, 1, count, all.as_mut_ptr(), 0) };
        Some(all)
    }

    /// Zeros before the input and sizes with all padding that some phase reads.
    pub fn padding(&self) -> ([usize; 3], [usize; 3]) {
        let (mut low, mut size) = ([0; 3], self.x.size);
        for d in 0..3 {
            let (mut least, mut most) = (0, size[d] as isize - 1);
            for phase in self.phases.iter().filter(|phase| phase.count.iter().all(|&n| n > 0)) {
                for &(_, offset) in &phase.taps[d] {
                    least = least.min(offset);
                    most = most.max(((phase.count[d] - 1) * phase.scale[d]) as isize + offset);
                }
            }
            low[d] = least.unsigned_abs();
            size[d] = (most - least + 1) as usize;
        }
        (low, size)
    }

    /// Packs the weights of a phase: `[group][panel][tap][input][output within the panel]`.
    ///
    /// # Safety
    /// `to` must have room for them.
    unsafe fn pack(&self, phase: &Phase, to: Ptr<S::Compute>, terms: usize, panel: usize) -> Result<()> {
        let (parts, w) = (S::PARTS, self.weights);
        let width = self.outputs * parts;
        let panels = width.div_ceil(panel);
        let taps: Vec<[usize; 3]> = each_tap(phase).map(|tap| tap.map(|(position, _)| position)).collect();
        // Forward, a row of weights holds all positions of an input channel next to each other, in the order of the taps.
        let rows = taps.len();
        let together = parts == 1
            && rows > 1
            && w.input == rows as isize
            && taps
                .iter()
                .enumerate()
                .all(|(at, t)| t.iter().zip(w.steps).map(|(&i, step)| i as isize * step).sum::<isize>() == at as isize);
        const CHANNELS: usize = 8;
        try_parallel_for(self.groups * panels, TASK_WORK / 16 / (panel * terms).max(1) + 1, &|range| {
            let mut inline = Inline::uninit();
            let mut turned = Scratch::new(&mut inline);
            let turned = turned.room::<S::Compute>(if together { rows * CHANNELS * panel } else { 0 })?;
            for index in range {
                let (group, q) = (index / panels, index % panels);
                let to = to.at(index * panel * terms);
                let columns = panel.min(width - q * panel);
                let from = w.at(group, q * panel / parts);
                // SAFETY: `to` has room for a panel; the weights are valid for the tap and the channels.
                unsafe {
                    if columns < panel {
                        std::slice::from_raw_parts_mut(to, panel * terms).fill(S::Compute::ZERO);
                    }
                    if together {
                        for channel in (0..self.inputs).step_by(CHANNELS) {
                            let channels = CHANNELS.min(self.inputs - channel);
                            let ptr = from.wrapping_offset(channel as isize * w.input);
                            let view = View { ptr, row: 1, column: w.output };
                            S::pack_right(view, channels * rows, columns, turned.0, panel);
                            for row in 0..channels * rows {
                                let line = row % rows * self.inputs + channel + row / rows;
                                std::ptr::copy_nonoverlapping(
                                    turned.at(row * panel),
                                    to.wrapping_add(line * panel),
                                    columns,
                                );
                            }
                        }
                        continue;
                    }
                    for (at, tap) in taps.iter().enumerate() {
                        let step: isize = tap.iter().zip(w.steps).map(|(&i, step)| i as isize * step).sum();
                        let view = View { ptr: from.wrapping_offset(step), row: w.input, column: w.output };
                        let to = to.add(at * self.inputs * parts * panel);
                        S::pack_right(view, self.inputs, columns / parts, to, panel);
                    }
                }
            }
            Ok(())
        })
    }

    /// Computes one phase for some images.
    ///
    /// # Safety
    /// `padded` must hold the images and `weights` the packed weights of the phase.
    unsafe fn phase(
        &self,
        phase: &Phase,
        padded: &Padded<S::Compute>,
        weights: Ptr<S::Compute>,
        terms: usize,
        images: Range<usize>,
        bias: Option<&[S::Compute]>,
    ) -> Result<()> {
        let kernels = <S::Compute as Compute>::kernels();
        let (parts, panel) = (S::PARTS, kernels.panel());
        let width = self.outputs * parts;
        let chains = chains(phase, padded, self.inputs * parts, panel);
        let [a, b, c] = phase.count;
        let pixels = images.len() * a * b * c;
        let task_columns = (NEAR / size_of::<S::Compute>() / K_BLOCK).max(panel) / panel * panel;
        let across = width.div_ceil(task_columns);
        let down = pixels.div_ceil(TASK_PIXELS);
        let whole = phase.step == [1; 3] && phase.count == self.y.size && self.y.flat().is_some();
        // Pixels that lie in one row of the output, or in one image where its rows follow each other.
        let (stretch, step) = match self.y.flat().filter(|_| whole) {
            Some(step) => (a * b * c, step),
            None => (c, self.y.steps[2] * phase.step[2] as isize),
        };
        let work = TASK_PIXELS * task_columns.min(width) * terms.max(1);
        try_parallel_for(self.groups * across * down, TASK_WORK / work.max(1) + 1, &|range| {
            let mut inline = Inline::uninit();
            let mut sums = Scratch::new(&mut inline);
            let sums: Ptr<S::Compute> = sums.room(TASK_PIXELS * task_columns.min(width))?;
            for task in range {
                let (first, column) = (task % down * TASK_PIXELS, task / down % across * task_columns);
                let group = task / down / across;
                let columns = task_columns.min(width - column);
                let count = TASK_PIXELS.min(pixels - first);
                let mut rows = [0isize; TASK_PIXELS];
                // Counted on from the first pixel: a division for each would take as long as a few channels do.
                let (mut image, mut q) = (first / (a * b * c), [first / (b * c) % a, first / c % b, first % c]);
                for row in &mut rows[..count] {
                    let at = std::array::from_fn(|d| (q[d] * phase.scale[d]) as isize);
                    *row = ((image * self.groups + group) * padded.image) as isize + padded.offset(at);
                    q[2] += 1;
                    if q[2] == c {
                        q = [q[0], q[1] + 1, 0];
                        if q[1] == b {
                            q = [q[0] + 1, 0, 0];
                            if q[0] == a {
                                (image, q) = (image + 1, [0; 3]);
                            }
                        }
                    }
                }
                let bias = bias.map_or(std::ptr::null(), |b| b[group * width + column..].as_ptr());
                let weights = weights.at((group * width.div_ceil(panel) * panel + column) * terms);
                for (at, runs) in chains.iter().enumerate() {
                    let tile = Tile {
                        runs,
                        a: padded.data.0,
                        rows: &rows[..count],
                        a_step: 1,
                        b: weights.wrapping_add(at * K_BLOCK * panel),
                        b_step: panel as isize,
                        b_panel: (panel * terms) as isize,
                        c: sums.0,
                        c_step: columns as isize,
                        resume: at > 0,
                        alpha: S::Compute::ONE,
                        beta: None,
                        bias: if at + 1 == chains.len() { bias } else { std::ptr::null() },
                        bias_rows: false,
                        relu: false,
                    };
                    // SAFETY: rows and runs lie inside the padded images, panels in the packed weights, and the sums
                    // have room for the task.
                    unsafe { kernels.block(&tile, columns) };
                }
                if chains.is_empty() {
                    for i in 0..count * columns {
                        // SAFETY: as above; the bias has a number for each column.
                        unsafe { *sums.at(i) = if bias.is_null() { S::Compute::ZERO } else { *bias.add(i % columns) } };
                    }
                }
                let mut at = 0;
                while at < count {
                    let index = first + at;
                    let run = (stretch - index % stretch).min(count - at);
                    let q = [index / (b * c) % a, index / c % b, index % c];
                    let q = std::array::from_fn(|d| phase.start[d] + q[d] * phase.step[d]);
                    let ptr = self.y.at(images.start + index / (a * b * c), group * self.outputs + column / parts, q);
                    let out = View { ptr, row: step, column: self.y.channel };
                    // SAFETY: the run of pixels lies inside the output, and no other task writes it.
                    unsafe { S::store(sums.at(at * columns), columns, run, columns / parts, out) };
                    at += run;
                }
            }
            Ok(())
        })
    }
}

/// The positions in the kernel, each with its offset in the input, in the order of summation.
pub fn each_tap(phase: &Phase) -> impl Iterator<Item = [(usize, isize); 3]> {
    let [a, b, c] = &phase.taps;
    a.iter().flat_map(move |&i| b.iter().flat_map(move |&j| c.iter().map(move |&k| [i, j, k])))
}

/// The runs of each chain of 512 terms; taps that follow each other in memory are one run.
fn chains<T: Real>(phase: &Phase, padded: &Padded<T>, depth: usize, panel: usize) -> Vec<Vec<Run>> {
    let mut chains: Vec<Vec<Run>> = Vec::new();
    let mut room = 0;
    for tap in each_tap(phase) {
        let at = padded.offset(std::array::from_fn(|d| tap[d].1 + padded.low[d] as isize));
        let mut done = 0;
        while done < depth {
            if room == 0 {
                chains.push(Vec::new());
                room = K_BLOCK;
            }
            let len = room.min(depth - done);
            let a = at + done as isize;
            if let Some(runs) = chains.last_mut() {
                match runs.last_mut() {
                    Some(last) if last.a + last.len as isize == a => last.len += len,
                    _ => runs.push(Run { a, b: ((K_BLOCK - room) * panel) as isize, len }),
                }
            }
            done += len;
            room -= len;
        }
    }
    chains
}
