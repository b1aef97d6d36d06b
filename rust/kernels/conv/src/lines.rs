//! Padded images with channels first, whose pixels lie along the vectors.
//!
//! An image is split by the remainder of its positions modulo the stride, so that the pixels that one tap reads follow
//! each other.

use crate::direct::volume;
use crate::geometry::Grid;
use corten_base::Result;
use corten_base::pool::parallel_for;
use corten_gemm::product::TASK_WORK;
use corten_gemm::scratch::{Ptr, Scratch};
use corten_gemm::simd::Real;
use corten_gemm::storage::{Storage, View};

/// Columns from which on a row fills the vectors well.
const WIDE: usize = 64;

/// One padded image of some channels, as `[part][plane][channel][row][column]`, or `[part][plane][row][channel][column]`
/// where rows are long: then what one pixel's terms read lies together.
#[derive(Clone, Copy)]
pub struct Lines<T> {
    /// The buffer, zero where the image is not.
    pub data: Ptr<T>,
    count: usize,
    /// Positions before the image.
    low: [usize; 3],
    /// Number of parts along each dimension.
    scale: [usize; 3],
    /// Sizes of one part.
    part: [usize; 3],
    channels: usize,
    /// From one row of a part to the next.
    pub row: usize,
    /// From one channel to the next.
    pub channel: usize,
}

impl<T: Real> Lines<T> {
    /// The layout of images of the padded size `size`, split by the remainder modulo `stride`; rows end in `slack` zeros.
    ///
    /// # Errors
    /// Sizes that memory cannot hold.
    pub fn new(low: [usize; 3], stride: [usize; 3], size: [usize; 3], channels: usize, slack: usize) -> Result<Self> {
        // Beyond the size a remainder is no position.
        let scale: [usize; 3] = std::array::from_fn(|d| stride[d].min(size[d].max(1)));
        let mut part: [usize; 3] = std::array::from_fn(|d| size[d].div_ceil(scale[d]));
        part[2] += slack;
        let count = volume(&[scale[0], scale[1], scale[2], part[0], part[1], part[2], channels])?;
        let (row, channel) =
            if channels == 1 || part[2] < WIDE { (part[2], part[1] * part[2]) } else { (channels * part[2], part[2]) };
        Ok(Lines { data: Ptr(std::ptr::null_mut()), count, low, scale, part, channels, row, channel })
    }

    /// The same layout in a buffer of zeros.
    ///
    /// # Errors
    /// Too little memory.
    pub fn placed(&self, room: &mut Scratch) -> Result<Self> {
        let data: Ptr<T> = room.room(self.count)?;
        // SAFETY: the room has that size; zero is all bits zero.
        unsafe { data.0.write_bytes(0, self.count) };
        Ok(Lines { data, ..*self })
    }

    /// True where the rows of a channel follow each other.
    pub fn joined(&self) -> bool {
        self.row == self.part[2]
    }

    /// From one plane of a part to the next.
    pub fn plane(&self) -> usize {
        self.part[1] * self.part[2] * self.channels
    }

    /// Where the first channel of the position `i` of the padded image is: its part, then its place there.
    pub fn at(&self, position: [usize; 3]) -> usize {
        let part = |d: usize| position[d] % self.scale[d];
        let place = |d: usize| position[d] / self.scale[d];
        let part = (part(0) * self.scale[1] + part(1)) * self.scale[2] + part(2);
        ((part * self.part[0] + place(0)) * self.plane()) + place(1) * self.row + place(2)
    }

    /// [`Lines::at`] of a position of the image, which may lie in the padding before it.
    pub fn tap(&self, offset: [isize; 3]) -> usize {
        self.at(std::array::from_fn(|d| (offset[d] + self.low[d] as isize) as usize))
    }

    /// Takes in the image at `x`.
    ///
    /// # Safety
    /// `x` must be valid for this many channels and fit in the padded size.
    pub unsafe fn fill<S: Storage<Compute = T>>(&self, x: &Grid<S>) {
        let [planes, height, width] = x.size;
        let ([_, down, across], channels) = (self.scale, self.channels);
        parallel_for(planes * height, TASK_WORK / 16 / (channels * width).max(1) + 1, &|range| {
            let mut row = range.start;
            while row < range.end {
                let (i, first) = (row / height, row % height);
                let end = height.min(first + range.end - row);
                row += end - first;
                // The rows of one channel at once, or the channels of one row, whose columns fall into so many parts.
                let rows = if channels == 1 { down.min(end - first) } else { end - first };
                for j in first..first + rows {
                    for k in 0..across.min(width) {
                        let to = self.data.at(self.tap([i as isize, j as isize, k as isize]));
                        let (count, step, to_step) = match channels {
                            1 => ((end - j).div_ceil(down), x.steps[1] * down as isize, self.row),
                            _ => (channels, x.channel, self.channel),
                        };
                        let column = x.steps[2] * across as isize;
                        let from = View { ptr: x.at(0, 0, [i, j, k]), row: step, column };
                        // SAFETY: the caller's promise; each position has one place.
                        unsafe { S::pack_left(from, count, (width - k).div_ceil(across), to, to_step) };
                    }
                }
            }
        });
    }
}
