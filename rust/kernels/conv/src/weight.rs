//! The gradient of the weight: a product over pixels, of the output's gradient with the padded images.
//!
//! Images whose pixels number 512 or more are summed in chains of 512 pixels each; smaller ones in chains of as many whole
//! images as 512 pixels hold.

use crate::direct::{Padded, volume};
use crate::geometry::{Geometry, Grid};
use corten_base::Result;
use corten_base::pool::parallel_for;
use corten_gemm::product::{K_BLOCK, TASK_WORK};
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::Real;
use corten_gemm::storage::{Storage, View};
use corten_gemm::tile::{Compute, Run, Tile};
use std::any::TypeId;

/// Output channels of a task.
const TASK_ROWS: usize = 168;
/// Columns of a task.
const TASK_COLUMNS: usize = 128;
/// Bytes of padded images that are kept at once.
const SLAB: usize = 2 << 20;

/// Computes the gradient of the weight, `gw` (O, I, *K) seen as a grid.
///
/// # Safety
/// The grids must be valid for the geometry; `gw` must not overlap the others.
pub unsafe fn weight_gradient<S: Storage>(geometry: &Geometry, gw: Grid<S>, g: Grid<S>, x: Grid<S>) -> Result<()> {
    let Geometry { images, groups, inputs, outputs, kernel, stride, padding, dilation } = *geometry;
    let parts = S::PARTS;
    let (rows, depth) = (outputs * parts, inputs * parts);
    let pixels = g.pixels();
    let taps: usize = kernel.iter().product();
    // Neighbouring taps read neighbouring columns of the padded images where these are not spread out.
    let (merged, lines) = if dilation[2] == 1 { (kernel[2], taps / kernel[2]) } else { (1, taps) };
    let width = merged * depth;
    let mut size = [0; 3];
    for d in 0..3 {
        let reach = g.size[d].saturating_sub(1) * stride[d] + dilation[d] * (kernel[d] - 1) + 1;
        size[d] = reach.max(x.size[d] + padding[d]);
    }
    let image = volume(&[size[0], size[1], size[2], depth])?;
    let together = (K_BLOCK / pixels.max(1)).max(1);
    let slab = SLAB / size_of::<S::Compute>() / volume(&[image.max(1), groups])?;
    let slab = (slab / together * together).clamp(together, images.max(together)).min(images.max(1));
    let mut inline = [const { Inline::uninit() }; 3];
    let [first, second, third] = &mut inline;
    let (mut first, mut second, mut third) = (Scratch::new(first), Scratch::new(second), Scratch::new(third));
    let data = first.room(volume(&[slab, groups, image])?)?;
    let padded = Padded::<S::Compute> { data, low: padding, size, pixel: depth, image };
    let direct = TypeId::of::<S>() == TypeId::of::<S::Compute>() && g.flat() == Some(1);
    let packed: Ptr<S::Compute> = second.room(if direct { 0 } else { volume(&[slab, groups, rows, pixels])? })?;
    let sums: Ptr<S::Compute> = third.room(volume(&[groups, rows, taps, depth])?)?;
    if images == 0 || pixels == 0 {
        // SAFETY: the room has that size.
        unsafe { std::slice::from_raw_parts_mut(sums.0, groups * rows * taps * depth) }.fill(S::Compute::ZERO);
    }
    for start in (0..images).step_by(slab) {
        let count = slab.min(images - start);
        // SAFETY: the buffers have room for a slab.
        unsafe {
            padded.fill(&x, start..start + count, groups, inputs);
            if !direct {
                pack_gradient(&g, start..start + count, groups, outputs, packed);
            }
        }
        let (a, row_step, image_step) = if direct {
            (Ptr(g.at(start, 0, [0; 3]).cast::<S::Compute>()), g.channel, g.image)
        } else {
            (packed, pixels as isize, (groups * rows * pixels) as isize)
        };
        let group_step = rows as isize * row_step;
        let chains = chains(geometry, &g, &padded, count, image_step);
        let (down, across) = (rows.div_ceil(TASK_ROWS), width.div_ceil(TASK_COLUMNS));
        let work = TASK_ROWS.min(rows) * TASK_COLUMNS.min(width) * pixels * count;
        parallel_for(groups * lines * across * down, TASK_WORK / work.max(1) + 1, &|range| {
            for task in range {
                let (row, column) = (task % down * TASK_ROWS, task / down % across * TASK_COLUMNS);
                let (line, group) = (task / down / across % lines, task / down / across / lines);
                let tap = line * merged;
                let tap = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]];
                let at = padded.offset(std::array::from_fn(|d| (tap[d] * dilation[d]) as isize));
                let count = TASK_ROWS.min(rows - row);
                let mut offsets = [0isize; TASK_ROWS];
                for (i, offset) in offsets[..count].iter_mut().enumerate() {
                    *offset = (row + i) as isize * row_step;
                }
                let to = (group * rows + row) * taps * depth + line * width + column;
                for (index, runs) in chains.iter().enumerate() {
                    let kernels = <S::Compute as Compute>::kernels();
                    let tile = Tile {
                        runs,
                        a: a.offset(group as isize * group_step),
                        rows: &offsets[..count],
                        a_step: 1,
                        b: padded.data.offset((group * image + column) as isize + at),
                        b_step: (stride[2] * depth) as isize,
                        b_panel: kernels.panel() as isize,
                        c: sums.at(to),
                        c_step: (taps * depth) as isize,
                        resume: start > 0 || index > 0,
                        alpha: S::Compute::ONE,
                        beta: None,
                        bias: std::ptr::null(),
                        bias_rows: false,
                    };
                    // SAFETY: the runs stay inside the slab, columns inside the line of taps, and each task has its own
                    // part of the sums.
                    unsafe { kernels.block(&tile, TASK_COLUMNS.min(width - column)) };
                }
            }
        });
    }
    parallel_for(groups * outputs, TASK_WORK / 64 / (taps * depth).max(1) + 1, &|range| {
        for output in range {
            let row = output * parts * taps * depth;
            if let (1, Some(step)) = (parts, gw.flat()) {
                let out = View { ptr: gw.at(output, 0, [0; 3]), row: step, column: gw.channel };
                // SAFETY: a row of sums has the size of an output channel's weights.
                unsafe { S::store(sums.at(row), depth, taps, inputs, out) };
                continue;
            }
            for input in 0..inputs {
                for tap in 0..taps {
                    let at = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]];
                    // SAFETY: the sums have every part of the row; the position is the weight's.
                    unsafe {
                        *gw.at(output, input, at) = S::join(|left, right| {
                            *sums.at(row + left * taps * depth + tap * depth + input * parts + right)
                        });
                    }
                }
            }
        }
    });
    Ok(())
}

/// Copies the output's gradient as `[image][group][channel][pixel]`.
///
/// # Safety
/// `to` must have room for the images and `g` be valid.
unsafe fn pack_gradient<S: Storage>(
    g: &Grid<S>,
    images: std::ops::Range<usize>,
    groups: usize,
    outputs: usize,
    to: Ptr<S::Compute>,
) {
    let [a, b, c] = g.size;
    let pixels = a * b * c;
    let rows = outputs * S::PARTS;
    parallel_for(images.len() * groups, TASK_WORK / 16 / (rows * pixels).max(1) + 1, &|range| {
        for index in range {
            let (image, group) = (index / groups, index % groups);
            let to = to.at(index * rows * pixels);
            let from = |at| g.at(images.start + image, group * outputs, at);
            // SAFETY: the caller's promise.
            unsafe {
                if let Some(column) = g.flat() {
                    let view = View { ptr: from([0; 3]), row: g.channel, column };
                    S::split(view, outputs, pixels, to, pixels);
                    continue;
                }
                for i in 0..a {
                    for j in 0..b {
                        let view = View { ptr: from([i, j, 0]), row: g.channel, column: g.steps[2] };
                        S::split(view, outputs, c, to.add((i * b + j) * c), pixels);
                    }
                }
            }
        }
    });
}

/// The chains over the pixels of a slab, one run for each row of pixels.
fn chains<S, T: Real>(
    geometry: &Geometry,
    g: &Grid<S>,
    padded: &Padded<T>,
    images: usize,
    image_step: isize,
) -> Vec<Vec<Run>> {
    let [_, b, c] = g.size;
    let pixels = g.pixels();
    let together = K_BLOCK / pixels.max(1);
    let mut chains: Vec<Vec<Run>> = Vec::new();
    for image in 0..images {
        if together > 0 && image % together == 0 {
            chains.push(Vec::new());
        }
        let mut pixel = 0;
        while pixel < pixels {
            if together == 0 && pixel % K_BLOCK == 0 {
                chains.push(Vec::new());
            }
            let q = [pixel / (b * c), pixel / c % b, pixel % c];
            let mut len = c - q[2];
            if together == 0 {
                len = len.min(K_BLOCK - pixel % K_BLOCK);
            }
            let at = padded.offset(std::array::from_fn(|d| (q[d] * geometry.stride[d]) as isize));
            let image_at = (image * geometry.groups * padded.image) as isize;
            if let Some(runs) = chains.last_mut() {
                runs.push(Run { a: image as isize * image_step + pixel as isize, b: image_at + at, len });
            }
            pixel += len;
        }
    }
    chains
}
