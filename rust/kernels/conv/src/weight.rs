//! The gradient of the weight: a product over pixels, of the output's gradient with the padded images.
//!
//! Images whose pixels number 512 or more are summed in chains of 512 pixels each; smaller ones in chains of as many whole
//! images as 512 pixels hold.

use crate::direct::{Padded, volume};
use crate::geometry::{Geometry, Grid};
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_base::{Result, multiversion};
use corten_gemm::product::{K_BLOCK, TASK_WORK};
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::Real;
use corten_gemm::storage::{Storage, View};
use corten_gemm::tile::{Compute, Run, Tile};
use std::any::TypeId;
use std::ops::Range;

/// Output channels of a task.
const TASK_ROWS: usize = 168;
/// Columns of a task.
const TASK_COLUMNS: usize = 128;
/// Numbers that are copied at once.
const VECTOR: usize = 8;
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
    let width = volume(&[taps, depth])?;
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
    let numbers = volume(&[slab, groups, image])?;
    let data: Ptr<S::Compute> = first.room(numbers + VECTOR)?;
    // SAFETY: the room has that size.
    unsafe { data.at(numbers).write_bytes(0, VECTOR) };
    let padded = Padded::<S::Compute> { data, low: padding, size, pixel: depth, image };
    let direct = TypeId::of::<S>() == TypeId::of::<S::Compute>() && g.flat() == Some(1);
    let packed: Ptr<S::Compute> = second.room(if direct { 0 } else { volume(&[slab, groups, rows, pixels])? })?;
    let sums: Ptr<S::Compute> = third.room(volume(&[groups, rows, width])?)?;
    if images == 0 || pixels == 0 {
        // SAFETY: the room has that size.
        unsafe { std::slice::from_raw_parts_mut(sums.0, groups * rows * width) }.fill(S::Compute::ZERO);
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
        let (down, across) = (rows.div_ceil(TASK_ROWS), width.div_ceil(TASK_COLUMNS));
        let panel = <S::Compute as Compute>::kernels().panel();
        let (task_rows, task_columns) = (rows.div_ceil(down), width.div_ceil(across).next_multiple_of(panel));
        let chains = chains(geometry, &g, &padded, count, image_step, task_columns);
        let work = task_rows * task_columns * pixels * count;
        try_parallel_for(groups * across * down, TASK_WORK / work.max(1) + 1, &|range| {
            let mut inline = Inline::uninit();
            let mut gathered = Scratch::new(&mut inline);
            let gathered: Ptr<S::Compute> = gathered.room(K_BLOCK * task_columns + VECTOR)?;
            for task in range {
                let (row, column) = (task % down * task_rows, task / down % across * task_columns);
                let group = task / down / across;
                let (Some(count), Some(columns)) = (rows.checked_sub(row), width.checked_sub(column)) else { continue };
                let (count, columns) = (count.min(task_rows), columns.min(task_columns));
                let pieces = pieces(geometry, &padded, column..column + columns);
                let mut offsets = [0isize; TASK_ROWS];
                for (i, offset) in offsets[..count].iter_mut().enumerate() {
                    *offset = (row + i) as isize * row_step;
                }
                for (index, chain) in chains.iter().enumerate() {
                    let from = Ptr(padded.data.at(group * image));
                    gather(gathered, task_columns, from, &chain.pixels, stride[2] * depth, &pieces);
                    let kernels = <S::Compute as Compute>::kernels();
                    let tile = Tile {
                        runs: &chain.runs,
                        a: a.offset(group as isize * group_step),
                        rows: &offsets[..count],
                        a_step: 1,
                        b: gathered.0,
                        b_step: task_columns as isize,
                        b_panel: panel as isize,
                        c: sums.at((group * rows + row) * width + column),
                        c_step: width as isize,
                        resume: start > 0 || index > 0,
                        alpha: S::Compute::ONE,
                        beta: None,
                        bias: std::ptr::null(),
                        bias_rows: false,
                        relu: false,
                    };
                    // SAFETY: the runs stay inside the slab and the gathered pixels, and each task has its own part of
                    // the sums.
                    unsafe { kernels.block(&tile, columns) };
                }
            }
            Ok(())
        })?;
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
    images: Range<usize>,
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

/// At most 512 pixels whose terms are summed in one chain.
#[derive(Default)]
struct Chain {
    /// Where rows of pixels begin in the padded images, and how many pixels they have.
    pixels: Vec<(isize, usize)>,
    /// The same pixels in the output's gradient, and their numbers in the chain.
    runs: Vec<Run>,
    count: usize,
}

/// The chains over the pixels of a slab, whose gathered pixels are `step` apart.
fn chains<S, T: Real>(
    geometry: &Geometry,
    g: &Grid<S>,
    padded: &Padded<T>,
    images: usize,
    image_step: isize,
    step: usize,
) -> Vec<Chain> {
    let [_, b, c] = g.size;
    let pixels = g.pixels();
    let together = K_BLOCK / pixels.max(1);
    let mut chains: Vec<Chain> = Vec::new();
    for image in 0..images {
        if together > 0 && image % together == 0 {
            chains.push(Chain::default());
        }
        let mut pixel = 0;
        while pixel < pixels {
            if together == 0 && pixel % K_BLOCK == 0 {
                chains.push(Chain::default());
            }
            let q = [pixel / (b * c), pixel / c % b, pixel % c];
            let mut len = c - q[2];
            if together == 0 {
                len = len.min(K_BLOCK - pixel % K_BLOCK);
            }
            let at = padded.offset(std::array::from_fn(|d| (q[d] * geometry.stride[d]) as isize));
            let image_at = (image * geometry.groups * padded.image) as isize;
            if let Some(chain) = chains.last_mut() {
                chain.pixels.push((image_at + at, len));
                let a = image as isize * image_step + pixel as isize;
                match chain.runs.last_mut() {
                    Some(last) if last.a + last.len as isize == a => last.len += len,
                    _ => chain.runs.push(Run { a, b: (chain.count * step) as isize, len }),
                }
                chain.count += len;
            }
            pixel += len;
        }
    }
    chains
}

/// Where the columns (tap, input channel) of a pixel lie in the padded images: pieces that follow each other.
fn pieces<T: Real>(geometry: &Geometry, padded: &Padded<T>, columns: Range<usize>) -> Vec<(isize, usize)> {
    let Geometry { kernel, dilation, .. } = *geometry;
    let depth = padded.pixel;
    let mut pieces: Vec<(isize, usize)> = Vec::new();
    let mut column = columns.start;
    while column < columns.end {
        let (tap, channel) = (column / depth, column % depth);
        let tap = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]];
        let at = padded.offset(std::array::from_fn(|d| (tap[d] * dilation[d]) as isize)) + channel as isize;
        let len = (depth - channel).min(columns.end - column);
        match pieces.last_mut() {
            Some(last) if last.0 + last.1 as isize == at => last.1 += len,
            _ => pieces.push((at, len)),
        }
        column += len;
    }
    pieces
}

multiversion! {
    /// Copies the pieces of pixels that are `from_step` apart in rows of pixels, to rows that are `to_step` apart.
    fn gather<T: Real>(
        to: Ptr<T>,
        to_step: usize,
        from: Ptr<T>,
        pixels: &[(isize, usize)],
        from_step: usize,
        pieces: &[(isize, usize)],
    ) {
        let mut row = to.0;
        for &(start, count) in pixels {
            for pixel in 0..count {
                let from = Ptr(from.offset(start)).at(pixel * from_step);
                let mut to = row;
                for &(piece, len) in pieces {
                    for k in (0..len).step_by(VECTOR) {
                        // SAFETY: the pieces lie in the padded images. What a last vector copies beyond them is
                        // overwritten later or never read; both sides have room for one more vector.
                        unsafe {
                            let from = from.wrapping_offset(piece).wrapping_add(k).cast::<[T; VECTOR]>();
                            to.wrapping_add(k).cast::<[T; VECTOR]>().write_unaligned(from.read_unaligned());
                        }
                    }
                    to = to.wrapping_add(len);
                }
                row = row.wrapping_add(to_step);
            }
        }
    }
}
