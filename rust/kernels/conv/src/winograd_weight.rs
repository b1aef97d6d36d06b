//! The gradient of the weight by minimal filtering, see [`crate::winograd`]: the transpose of the same algorithm.
//!
//! Of 4 by 4 inputs `d` and 2 by 2 gradients of outputs `y`, a tile's share in the weight's gradient is
//! `G' [(A y A') * (B' d B)] G`, whose last step is taken after the sum over the tiles: 16 products of matrices
//! (outputs by tiles, tiles by inputs). Their sums are chains of 128 tiles, which begin anew where the images that are
//! padded together do, added in order.

use crate::direct::{Padded, volume};
use crate::geometry::{Geometry, Grid};
use crate::winograd::{GAP, POINTS, pays};
use crate::winograd_transforms::{Gradients, Inputs, transform_filters, transform_tiles};
use corten_base::Result;
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_gemm::product::TASK_WORK;
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::Real;
use corten_gemm::storage::{Storage, View};
use corten_gemm::tile::{Compute, Run, Tile};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Tiles whose terms are summed in one chain.
const CHAIN: usize = 128;
/// Bytes of padded images that are kept at once.
const SLAB: usize = 2 << 20;
/// Bytes of transformed tiles that are kept at once, if a chain has no more.
const NEAR: usize = 4 << 20;
/// Output and input channels of a task: at most these, and fewer where that gives several threads work.
const TASK: [usize; 2] = [60, 128];
/// Tasks that keep several threads busy, and the rows that a task has at least.
const TASKS: usize = 8;
const LEAST_ROWS: usize = 12;

/// True where [`weight_gradient`] can compute this and is quicker than the plain sums.
pub fn suits<S: Storage>(geometry: &Geometry, g: &Grid<S>, x: &Grid<S>) -> bool {
    let Geometry { images, inputs, outputs, kernel, stride, padding, dilation, .. } = *geometry;
    kernel == [1, 3, 3]
        && stride == [1; 3]
        && dilation == [1; 3]
        && padding[0] == 0
        && x.size[0] == 1
        && pays::<S>((images, g.size), (inputs, outputs), 32)
}

/// Computes a gradient that [`suits`]; false where a number of it is not finite, which leaves all of them to be
/// computed again.
///
/// # Safety
/// The grids must be valid for the geometry; `gw` must not overlap the others.
pub unsafe fn weight_gradient<S: Storage>(geometry: &Geometry, gw: Grid<S>, g: Grid<S>, x: Grid<S>) -> Result<bool> {
    let Geometry { images, groups, inputs, outputs, padding, .. } = *geometry;
    let (down, across) = (g.size[1].div_ceil(2), g.size[2].div_ceil(2));
    let (x_size, g_size) = ([1, 2 * down + 2, 2 * across + 2], [1, 2 * down, 2 * across]);
    let (x_image, g_image) = (volume(&[x_size[1], x_size[2], inputs])?, volume(&[g_size[1], g_size[2], outputs])?);
    let slab = SLAB / size_of::<S::Compute>() / volume(&[x_image.max(g_image), groups])?;
    let slab = slab.clamp(1, images);
    let mut inline = [const { Inline::uninit() }; 5];
    let mut scratch = inline.each_mut().map(Scratch::new);
    let [x_padded, g_padded, x_tiles, g_tiles, sums] = &mut scratch;
    let x_padded = Padded::<S::Compute> {
        data: x_padded.room(volume(&[slab, groups, x_image])?)?,
        low: padding,
        size: x_size,
        pixel: inputs,
        image: x_image,
    };
    let g_padded = Padded::<S::Compute> {
        data: g_padded.room(volume(&[slab, groups, g_image])?)?,
        low: [0; 3],
        size: g_size,
        pixel: outputs,
        image: g_image,
    };
    // As many chains at once as are near.
    let all = volume(&[slab, down, across])?;
    let chain = volume(&[groups, POINTS, CHAIN, inputs + outputs + 2 * GAP])?;
    let pass = ((NEAR / size_of::<S::Compute>() / chain).max(1) * CHAIN).min(all);
    let of = |width: usize| -> Result<Transformed<S::Compute>> {
        let step = width + GAP;
        Ok(Transformed { data: Ptr(std::ptr::null_mut()), step, point: volume(&[pass, step])? + GAP })
    };
    let (mut x_tiles_of, mut g_tiles_of) = (of(inputs)?, of(outputs)?);
    x_tiles_of.data = x_tiles.room(volume(&[groups, POINTS, x_tiles_of.point])?)?;
    g_tiles_of.data = g_tiles.room(volume(&[groups, POINTS, g_tiles_of.point])?)?;
    let job = Job {
        geometry,
        gw,
        tiles: [down, across],
        x_padded,
        g_padded,
        x: x_tiles_of,
        g: g_tiles_of,
        finite: AtomicBool::new(true),
    };
    // A gradient that takes several passes keeps its sums between them.
    let once = slab == images && pass == all;
    let [rows, columns] = job.task();
    let tasks = groups * outputs.div_ceil(rows) * inputs.div_ceil(columns);
    let kept: Ptr<S::Compute> = sums.room(if once { 0 } else { volume(&[tasks, POINTS, rows * columns + GAP])? })?;
    for start in (0..images).step_by(slab) {
        let count = slab.min(images - start);
        // SAFETY: the buffers have room for a slab and for a pass.
        unsafe {
            job.x_padded.fill(&x, start..start + count, groups, inputs);
            job.g_padded.fill(&g, start..start + count, groups, outputs);
            let tiles = count * down * across;
            for first in (0..tiles).step_by(pass) {
                let end = tiles.min(first + pass);
                job.transform(first..end);
                let (begins, ends) = (start == 0 && first == 0, start + count == images && end == tiles);
                job.products(end - first, (!once).then_some(kept), begins, ends)?;
            }
        }
    }
    Ok(job.finite.into_inner())
}

/// Transformed tiles, as `[group][position][tile][channel]`.
struct Transformed<T> {
    data: Ptr<T>,
    /// From one tile to the next.
    step: usize,
    /// From one position to the next.
    point: usize,
}

/// One gradient.
struct Job<'a, S: Storage> {
    geometry: &'a Geometry,
    gw: Grid<S>,
    /// Rows of tiles in an image, and tiles in a row.
    tiles: [usize; 2],
    x_padded: Padded<S::Compute>,
    g_padded: Padded<S::Compute>,
    x: Transformed<S::Compute>,
    g: Transformed<S::Compute>,
    finite: AtomicBool,
}

impl<S: Storage> Job<'_, S> {
    /// Output and input channels of a task.
    fn task(&self) -> [usize; 2] {
        let Geometry { groups, inputs, outputs, .. } = *self.geometry;
        let panel = <S::Compute as Compute>::kernels().panel();
        let columns = inputs.div_ceil(inputs.div_ceil(TASK[1])).next_multiple_of(panel);
        let across = inputs.div_ceil(columns) * groups;
        let down = outputs.div_ceil(TASK[0]).max(TASKS.div_ceil(across));
        [outputs.div_ceil(down).next_multiple_of(LEAST_ROWS), columns]
    }

    /// Transforms the tiles `range` of the padded images.
    ///
    /// # Safety
    /// The images must be filled.
    unsafe fn transform(&self, range: Range<usize>) {
        let Geometry { groups, inputs, outputs, .. } = *self.geometry;
        let ([down, across], first) = (self.tiles, range.start);
        let grain = TASK_WORK / 32 / (inputs + outputs) + 1;
        parallel_for(range.len(), grain, &|part| {
            let mut tile = first + part.start;
            while tile < first + part.end {
                let (image, row, column) = (tile / across / down, tile / across % down, tile % across);
                let count = (across - column).min(first + part.end - tile);
                for group in 0..groups {
                    let from = |padded: &Padded<S::Compute>| {
                        let at = (2 * row * padded.size[2] + 2 * column) * padded.pixel;
                        (
                            Ptr(padded.data.at((image * groups + group) * padded.image + at)),
                            padded.size[2] * padded.pixel,
                        )
                    };
                    let to = |t: &Transformed<S::Compute>| {
                        Ptr(t.data.at(group * POINTS * t.point + (tile - first) * t.step))
                    };
                    let (x, x_row) = from(&self.x_padded);
                    let (g, g_row) = from(&self.g_padded);
                    let (x_to, g_to) = (to(&self.x), to(&self.g));
                    // SAFETY: the tiles lie in the padded images, and their transforms in the room for the slab's.
                    unsafe {
                        transform_tiles::<_, Inputs>(x, x_row, count, inputs, x_to, self.x.step, self.x.point);
                        transform_tiles::<_, Gradients>(g, g_row, count, outputs, g_to, self.g.step, self.g.point);
                    }
                }
                tile += count;
            }
        });
    }

    /// Adds the products of some tiles to the sums, which begin and end with them as is said.
    ///
    /// # Safety
    /// The tiles must be transformed; `kept` must have room for the sums unless they begin and end.
    unsafe fn products(&self, count: usize, kept: Option<Ptr<S::Compute>>, begins: bool, ends: bool) -> Result<()> {
        let Geometry { groups, inputs, outputs, .. } = *self.geometry;
        let kernels = <S::Compute as Compute>::kernels();
        let [rows, columns] = self.task();
        let (down, across) = (outputs.div_ceil(rows), inputs.div_ceil(columns));
        let point = rows * columns + GAP;
        let work = rows * columns * count * POINTS;
        try_parallel_for(groups * down * across, TASK_WORK / work.max(1) + 1, &|range| {
            let mut inline = [const { Inline::uninit() }; 2];
            let [one, two] = &mut inline;
            let (mut one, mut two) = (Scratch::new(one), Scratch::new(two));
            let own: Ptr<S::Compute> = one.room(if kept.is_none() { POINTS * point } else { 0 })?;
            let turned: Ptr<S::Compute> = two.room(9 * columns)?;
            for task in range {
                let (row, column) = (task % down * rows, task / down % across * columns);
                let (group, height, width) =
                    (task / down / across, rows.min(outputs - row), columns.min(inputs - column));
                let sums = kept.map_or(own, |kept| Ptr(kept.at(task * POINTS * point)));
                let offsets: [isize; TASK[0]] = std::array::from_fn(|i| i as isize);
                for at in 0..POINTS {
                    for first in (0..count).step_by(CHAIN) {
                        let run = Run { a: 0, b: 0, len: CHAIN.min(count - first) };
                        let tile = Tile {
                            runs: &[run],
                            a: self.g.data.at((group * POINTS + at) * self.g.point + first * self.g.step + row),
                            rows: &offsets[..height],
                            a_step: self.g.step as isize,
                            b: self.x.data.at((group * POINTS + at) * self.x.point + first * self.x.step + column),
                            b_step: self.x.step as isize,
                            b_panel: kernels.panel() as isize,
                            c: sums.at(at * point),
                            c_step: width as isize,
                            resume: !begins || first > 0,
                            alpha: S::Compute::ONE,
                            beta: None,
                            bias: std::ptr::null(),
                            bias_rows: false,
                            relu: false,
                        };
                        // SAFETY: the tiles have the rows and columns of the task, whose sums no other task has.
                        unsafe { kernels.block(&tile, width) };
                    }
                }
                for i in 0..if ends { height } else { 0 } {
                    // SAFETY: the row's sums are the task's, and there is room for nine positions of them.
                    if !unsafe { transform_filters(Ptr(sums.at(i * width)), point, turned, width) } {
                        self.finite.store(false, Relaxed);
                    }
                    // SAFETY: the row holds nine positions of the task's input channels.
                    unsafe { self.store(turned, width, group * outputs + row + i, column) };
                }
            }
            Ok(())
        })
    }

    /// Writes `width` input channels of the weight's gradient, `[position][channel]`.
    ///
    /// # Safety
    /// They must be valid.
    unsafe fn store(&self, from: Ptr<S::Compute>, width: usize, output: usize, input: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(row) = self.gw.flat() {
                let out = View { ptr: self.gw.at(output, input, [0; 3]), row, column: self.gw.channel };
                return S::store(from.0, width, 9, width, out);
            }
            for tap in 0..9 {
                let ptr = self.gw.at(output, input, [0, tap / 3, tap % 3]);
                S::store(from.at(tap * width), width, 1, width, View { ptr, row: 0, column: self.gw.channel });
            }
        }
    }
}
