//! Groups of one input channel: each image of a channel is a plane, and its pixels lie along the vectors.
//!
//! The padded plane is split by the remainder of its positions modulo the stride, so that the pixels that one tap reads
//! follow each other. Rows are computed with their padding as one run of pixels; what falls into the padding is dropped.

use crate::direct::{Direct, Padded, Phase, volume};
use corten_base::Result;
use corten_base::pool::try_parallel_for;
use corten_gemm::product::{K_BLOCK, TASK_WORK};
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::Real;
use corten_gemm::storage::{Storage, View};
use corten_gemm::tile::{Compute, Run, Tile};

/// A padded plane, split.
pub struct Split {
    /// Positions before the input.
    pub low: [usize; 3],
    /// Number of parts along each dimension.
    pub scale: [usize; 3],
    /// Sizes of one part.
    pub part: [usize; 3],
}

impl Split {
    /// Splits a plane of `size` by the remainder modulo `stride`; beyond the size a remainder is no position.
    pub fn new(low: [usize; 3], stride: [usize; 3], size: [usize; 3]) -> Self {
        let scale: [usize; 3] = std::array::from_fn(|d| stride[d].min(size[d].max(1)));
        Split { low, scale, part: std::array::from_fn(|d| size[d].div_ceil(scale[d])) }
    }

    /// Numbers in all parts.
    pub fn volume(&self) -> Result<usize> {
        let ([a, b, c], [d, e, f]) = (self.scale, self.part);
        volume(&[a, b, c, d, e, f])
    }

    /// Where the position `i` of the padded plane is: its part, then its place there.
    pub fn at(&self, position: [usize; 3]) -> usize {
        let mut at = 0;
        for (i, scale) in position.iter().zip(self.scale) {
            at = at * scale + i % scale;
        }
        for ((i, scale), size) in position.iter().zip(self.scale).zip(self.part) {
            at = at * size + i / scale;
        }
        at
    }

    /// Splits a padded plane.
    ///
    /// # Safety
    /// Both buffers must have room.
    pub unsafe fn fill<T: Real>(&self, from: Ptr<T>, size: [usize; 3], to: Ptr<T>) {
        for i in 0..size[0] {
            for j in 0..size[1] {
                let line = (i * size[1] + j) * size[2];
                for k in 0..self.scale[2].min(size[2]) {
                    let mut to = to.at(self.at([i, j, k]));
                    for k in (k..size[2]).step_by(self.scale[2]) {
                        // SAFETY: the caller's promise; each position has one place.
                        unsafe {
                            *to = *from.at(line + k);
                            to = to.add(1);
                        }
                    }
                }
            }
        }
    }
}

impl<S: Storage> Direct<'_, S> {
    /// True where [`Direct::run_planes`] computes the same.
    pub fn is_depthwise(&self) -> bool {
        let terms = |phase: &Phase| phase.taps.iter().map(Vec::len).product::<usize>();
        self.inputs == 1 && S::PARTS == 1 && self.phases.iter().all(|phase| terms(phase) <= K_BLOCK)
    }

    /// Computes the convolution plane by plane.
    ///
    /// # Safety
    /// As [`Direct::run`].
    pub unsafe fn run_planes(&self) -> Result<()> {
        let (low, size) = self.padding();
        let scale = self.phases.first().map_or([1; 3], |phase| phase.scale);
        // One more position, so that the last part is as large as the others.
        let split = Split::new(low, scale, size);
        let whole =
            Padded::<S::Compute> { data: Ptr(std::ptr::null_mut()), low, size, pixel: 1, image: volume(&size)? };
        let (plane, flat) = (split.volume()?, volume(&split.part)?);
        let strided = scale != [1; 3];
        let planes = self.images * self.groups;
        try_parallel_for(planes, TASK_WORK / 16 / plane.max(1) + 1, &|range| {
            let mut inline = [const { Inline::uninit() }; 3];
            let [first, second, third] = &mut inline;
            let (mut first, mut second, mut third) = (Scratch::new(first), Scratch::new(second), Scratch::new(third));
            let rooms = (|| {
                let padded: Ptr<S::Compute> = first.room(if strided { whole.image } else { 0 })?;
                let split: Ptr<S::Compute> = second.room(plane)?;
                let sums: Ptr<S::Compute> = third.room(volume(&[flat, self.outputs])?)?;
                Ok((padded, split, sums))
            })();
            let (padded, parts, sums) = rooms?;
            for index in range {
                let (image, group) = (index / self.groups, index % self.groups);
                let x = crate::geometry::Grid { ptr: self.x.at(image, group, [0; 3]), ..self.x };
                let whole = Padded { data: if strided { padded } else { parts }, ..whole };
                // SAFETY: the buffers have room for the padded plane and its parts.
                unsafe {
                    whole.fill::<S>(&x, 0..1, 1, 1);
                    if strided {
                        split.fill(padded, size, parts);
                    }
                    for phase in self.phases {
                        self.plane(phase, &split, parts, sums, image, group);
                    }
                }
            }
            Ok(())
        })
    }

    /// Computes one phase of one plane's output channels.
    ///
    /// # Safety
    /// `x` must hold the split plane, `sums` have room for a part for each output channel.
    unsafe fn plane(
        &self,
        phase: &Phase,
        split: &Split,
        x: Ptr<S::Compute>,
        sums: Ptr<S::Compute>,
        image: usize,
        group: usize,
    ) {
        let zero = S::Compute::ZERO;
        let [a, b, c] = phase.count;
        if a * b * c == 0 {
            return;
        }
        let [_, height, width] = split.part;
        let columns = ((a - 1) * height + b - 1) * width + c;
        let w = self.weights;
        let mut runs: smallvec::SmallVec<[Run; 16]> = smallvec::SmallVec::new();
        let mut steps: smallvec::SmallVec<[isize; 64]> = smallvec::SmallVec::new();
        for &(i, oi) in &phase.taps[0] {
            for &(j, oj) in &phase.taps[1] {
                for &(k, ok) in &phase.taps[2] {
                    let offsets = [oi, oj, ok];
                    let at = split.at(std::array::from_fn(|d| (offsets[d] + split.low[d] as isize) as usize)) as isize;
                    match runs.last_mut() {
                        Some(last) if last.b + last.len as isize == at => last.len += 1,
                        _ => runs.push(Run { a: steps.len() as isize, b: at, len: 1 }),
                    }
                    steps.push(i as isize * w.steps[0] + j as isize * w.steps[1] + k as isize * w.steps[2]);
                }
            }
        }
        // Output channels eight at a time, whose weights are packed one after another.
        for first in (0..self.outputs).step_by(8) {
            let outputs = 8.min(self.outputs - first);
            let mut weights: smallvec::SmallVec<[S::Compute; 128]> = smallvec::smallvec![zero; outputs * steps.len()];
            let (mut biases, mut rows) = ([zero; 8], [0; 8]);
            for output in 0..outputs {
                rows[output] = (output * steps.len()) as isize;
                let from = w.at(group, first + output);
                for (at, &step) in steps.iter().enumerate() {
                    let tap = View { ptr: from.wrapping_offset(step), row: 0, column: 0 };
                    // SAFETY: the tap is one of the kernel's.
                    unsafe { S::pack_left(tap, 1, 1, &raw mut weights[output * steps.len() + at], 0) };
                }
                if let Some((bias, step)) = self.bias {
                    let at = (group * self.outputs + first + output) as isize * step;
                    let one = View { ptr: bias.wrapping_offset(at).cast_mut(), row: 0, column: 0 };
                    // SAFETY: the bias has a number for each output channel.
                    unsafe { S::pack_left(one, 1, 1, &raw mut biases[output], 0) };
                }
            }
            let kernels = <S::Compute as Compute>::kernels();
            let tile = Tile {
                runs: &runs,
                a: weights.as_ptr(),
                rows: &rows[..outputs],
                a_step: 1,
                b: x.0,
                b_step: 1,
                b_panel: kernels.panel() as isize,
                c: sums.0,
                c_step: columns as isize,
                resume: false,
                alpha: S::Compute::ONE,
                beta: None,
                bias: if self.bias.is_some() { biases.as_ptr() } else { std::ptr::null() },
                bias_rows: true,
            };
            // SAFETY: the last pixel that a tap reads is that of the last output position, which lies in the plane.
            unsafe { kernels.block(&tile, columns) };
            for output in 0..outputs {
                for i in 0..a {
                    let q = [phase.start[0] + i * phase.step[0], phase.start[1], phase.start[2]];
                    let ptr = self.y.at(image, group * self.outputs + first + output, q);
                    let [_, row, column] = std::array::from_fn(|d| self.y.steps[d] * phase.step[d] as isize);
                    // SAFETY: these are the phase's positions of this channel, which no other task writes.
                    unsafe {
                        let from = sums.at(output * columns + i * height * width);
                        S::store(from, width, b, c, View { ptr, row, column });
                    }
                }
            }
        }
    }
}
