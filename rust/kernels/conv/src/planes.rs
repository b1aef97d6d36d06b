//! Work on planes: all positions of one channel of one image, contiguous and in the compute type.

use crate::direct::volume;
use crate::geometry::Grid;
use corten_base::Result;
use corten_base::pool::try_parallel_for;
use corten_gemm::product::TASK_WORK;
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::storage::{Storage, View};

/// Channels that are copied together, so that channels-last images are read by whole cache lines.
const CHANNELS: usize = 16;

/// What is done with a plane: `f(image, channel, input plane, output plane)`.
pub type OnPlane<'a, T> = &'a (dyn Fn(usize, usize, &[T], &mut [T]) -> Result<()> + Sync);

/// Calls `f(image, channel, input plane, output plane)` for each plane, perhaps on several threads, and stores the output
/// planes, which start with arbitrary numbers.
///
/// # Safety
/// The grids must be valid for `images` and `channels`; `output` must not overlap `input`.
pub unsafe fn map_planes<S: Storage>(
    (images, channels): (usize, usize),
    input: &Grid<S>,
    output: &Grid<S>,
    f: OnPlane<S::Compute>,
) -> Result<()> {
    let (read, write) = (input.pixels(), output.pixels());
    let room = (volume(&[read, CHANNELS])?, volume(&[write, CHANNELS])?);
    let (direct_in, direct_out) =
        (S::is_compute() && input.flat() == Some(1), S::is_compute() && output.flat() == Some(1));
    let blocks = channels.div_ceil(CHANNELS);
    let grain = TASK_WORK / 64 / (CHANNELS.min(channels) * (read + write)).max(1) + 1;
    try_parallel_for(images * blocks, grain, &|range| {
        let mut inline = [const { Inline::uninit() }; 2];
        let [first, second] = &mut inline;
        let (mut first, mut second) = (Scratch::new(first), Scratch::new(second));
        let rooms = first
            .room::<S::Compute>(if direct_in { 0 } else { room.0 })
            .and_then(|x| Ok((x, second.room::<S::Compute>(if direct_out { 0 } else { room.1 })?)));
        let (inputs, outputs) = rooms?;
        for index in range {
            let (image, start) = (index / blocks, index % blocks * CHANNELS);
            let count = CHANNELS.min(channels - start);
            if !direct_in {
                rows(input, image, start, |view, at, columns| {
                    // SAFETY: the room holds that many planes; the grid is valid for them.
                    unsafe { S::pack_left(view, count, columns, inputs.at(at), read) }
                });
            }
            for channel in 0..count {
                let plane = |grid: &Grid<S>, direct, packed: Ptr<S::Compute>, size| {
                    let place = Ptr(grid.at(image, start + channel, [0; 3]).cast());
                    if direct { place } else { Ptr(packed.at(channel * size)) }
                };
                let (x, y) = (plane(input, direct_in, inputs, read), plane(output, direct_out, outputs, write));
                // SAFETY: both planes are valid for their sizes and apart; packed outputs are any bits, which numbers are.
                unsafe {
                    if !direct_out {
                        y.0.write_bytes(0, write);
                    }
                    f(
                        image,
                        start + channel,
                        std::slice::from_raw_parts(x.0, read),
                        std::slice::from_raw_parts_mut(y.0, write),
                    )?;
                }
            }
            if !direct_out {
                rows(output, image, start, |view, at, columns| {
                    // SAFETY: as above, and no other task writes these planes.
                    unsafe { S::store(outputs.at(at), write, count, columns, view) }
                });
            }
        }
        Ok(())
    })
}

/// Calls with a view of channels by positions for each run of evenly spaced positions, and the run's first position.
fn rows<S>(grid: &Grid<S>, image: usize, channel: usize, f: impl Fn(View<S>, usize, usize)) {
    let [a, b, c] = grid.size;
    let view = |at, column| View { ptr: grid.at(image, channel, at), row: grid.channel, column };
    if let Some(step) = grid.flat() {
        return f(view([0; 3], step), 0, a * b * c);
    }
    for i in 0..a {
        for j in 0..b {
            f(view([i, j, 0], grid.steps[2]), (i * b + j) * c, c);
        }
    }
}
