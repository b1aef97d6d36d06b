//! Convolutions of 3 by 3 positions without steps, by minimal filtering `F(2 x 2, 3 x 3)` (Winograd, "Arithmetic
//! Complexity of Computations", 1980; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016).
//!
//! A tile of 2 by 2 outputs is `A' [(G g G') * (B' d B)] A` of the 4 by 4 inputs `d` that it reads and of the weights
//! `g`, added over the input channels between the last two steps: 16 multiplications for 36. The sums over channels are
//! 16 products of matrices (tiles by channels, channels by outputs), computed by the micro-kernel for a block of tiles
//! whose transforms stay in the caches.
//!
//! The error of an output is relative to the sums of `|x| |w|` of all outputs of its tile, not to its own alone. Of the
//! largest such sum the tests beside this see errors of at most 0.8e-7 (1.5e-7 for the gradient of the weight), where
//! plain sums, whose chains are longer, have up to 2.1e-7 (1.7e-7). Sums of small integers are exact: `G` only halves.
//!
//! Each output is the same sum everywhere: the transforms add in the order written here, the products are chains of 512
//! input channels. An infinity or NaN in a tile spreads over all its outputs, and the transforms may overflow where
//! plain sums do not: where any output is not finite, the call is computed again by [`Direct::run`].

use crate::direct::{Direct, Padded, volume};
use crate::winograd_transforms::{Inputs, Row, transform_sums, transform_tiles, transform_weights};
use corten_base::Result;
use corten_base::pool::try_parallel_for;
use corten_gemm::product::{K_BLOCK, TASK_WORK};
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::Real;
use corten_gemm::storage::{Storage, View};
use corten_gemm::tile::{Compute, Run, Tile};
use std::any::TypeId;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Products: positions of a transformed tile.
pub const POINTS: usize = 16;
/// Tiles of a task: a multiple of the micro-kernel's heights 4, 6 and 14.
const TASK_TILES: usize = 84;
/// Bytes of transformed weights that a task reads again for every few tiles.
const NEAR: usize = 256 << 10;
/// Most outputs of a task, whose sums are near as well.
const MOST_OUTPUTS: usize = 128;
/// Bytes of padded images that are kept at once.
const SLAB: usize = 2 << 20;
/// Tasks that keep several threads busy.
const TASKS: usize = 8;
/// Numbers between transformed positions, beside their size: powers of two would share few sets of the first cache.
pub const GAP: usize = 16;
/// Channels whose weights are transformed together.
const CHANNELS: usize = 8;
/// Pixels that are written together where rows follow each other.
const TOGETHER: usize = 64;

/// Tiles of the outputs of some images, and the blocks that tasks compute: rows of tiles, or parts of one row.
struct Tiles {
    /// Rows of tiles in an image, and tiles in a row.
    down: usize,
    across: usize,
    /// Rows and tiles of a row in a block.
    block: [usize; 2],
    /// Blocks along both.
    blocks: [usize; 2],
}

impl Tiles {
    fn new(images: usize, [_, height, width]: [usize; 3]) -> Self {
        let (down, across) = (height.div_ceil(2), width.div_ceil(2));
        let rows = images * down;
        let blocks = [rows.div_ceil((TASK_TILES / across).max(1)), across.div_ceil(TASK_TILES)];
        Tiles { down, across, block: [rows.div_ceil(blocks[0]), across.div_ceil(blocks[1])], blocks }
    }

    /// Most tiles of a block.
    fn most(&self) -> usize {
        self.block[0] * self.block[1]
    }
}

/// Transformed weights, as `[group][position][panel][input][output within the panel]`.
struct Filters<T> {
    data: Ptr<T>,
    /// From one position to the next.
    point: usize,
}

/// True where minimal filtering computes this in less time than plain sums do: from 16 channels on products outweigh the
/// transforms of tiles, and from `least` tiles on those of the weights.
pub fn pays<S: Storage>(
    (images, [_, height, width]): (usize, [usize; 3]),
    (inputs, outputs): (usize, usize),
    least: usize,
) -> bool {
    S::PARTS == 1
        && TypeId::of::<S::Compute>() == TypeId::of::<f32>()
        && inputs.min(outputs) >= 16
        && images.saturating_mul(height.div_ceil(2) * width.div_ceil(2)) >= least
}

impl<S: Storage> Direct<'_, S> {
    /// True where [`Direct::run_winograd`] can compute this and is quicker than [`Direct::run`].
    pub fn suits_winograd(&self) -> bool {
        let [phase] = self.phases else { return false };
        let (x, y) = (self.x.size, self.y.size);
        let three = |d: usize| {
            let taps = &phase.taps[d];
            taps.len() == 3 && taps.windows(2).all(|pair| pair[1].1 - pair[0].1 == 1)
        };
        let flat = x[0] == 1 && y[0] == 1 && phase.taps[0].len() == 1 && phase.taps[0][0].1 == 0;
        flat && phase.step == [1; 3]
            && phase.scale == [1; 3]
            && three(1)
            && three(2)
            && pays::<S>((self.images, y), (self.inputs, self.outputs), 16)
    }

    /// Computes a convolution that [`Direct::suits_winograd`]; false where an output is not finite, which leaves all of
    /// them to be computed again.
    ///
    /// # Safety
    /// As [`Direct::run`].
    pub unsafe fn run_winograd(&self) -> Result<bool> {
        let phase = &self.phases[0];
        let panel = <S::Compute as Compute>::kernels().panel();
        let (mut low, mut size) = self.padding();
        let first: [isize; 3] = std::array::from_fn(|d| phase.taps[d][0].1);
        for d in 1..3 {
            // The last tile reads one position more where the size is odd.
            low[d] = low[d].max((-first[d]).max(0) as usize);
            size[d] = size[d].max((low[d] as isize + first[d]) as usize + 2 * self.y.size[d].div_ceil(2) + 2);
        }
        let image = volume(&[size[1], size[2], self.inputs])?;
        let slab = (SLAB / size_of::<S::Compute>() / volume(&[image.max(1), self.groups])?).clamp(1, self.images);
        let mut inline = [const { Inline::uninit() }; 2];
        let [one, two] = &mut inline;
        let (mut inputs, mut weights) = (Scratch::new(one), Scratch::new(two));
        let room = volume(&[slab, self.groups, image])?;
        let padded = Padded { data: inputs.room(room)?, low, size, pixel: self.inputs, image };
        let point = volume(&[self.outputs.next_multiple_of(panel), self.inputs])? + GAP;
        let filters: Filters<S::Compute> =
            Filters { data: weights.room(volume(&[self.groups, POINTS, point])?)?, point };
        let (bias, finite) = (self.biases(), AtomicBool::new(true));
        // SAFETY: the room for the weights and for a slab of images was counted above.
        unsafe {
            self.transform_weights(&filters, panel)?;
            for start in (0..self.images).step_by(slab) {
                let images = start..self.images.min(start + slab);
                padded.fill(&self.x, images.clone(), self.groups, self.inputs);
                self.tiles(&padded, &filters, first, images, bias.as_deref(), &finite)?;
            }
        }
        Ok(finite.into_inner())
    }

    /// Transforms the weights.
    ///
    /// # Safety
    /// The filters must have room for them.
    unsafe fn transform_weights(&self, filters: &Filters<S::Compute>, panel: usize) -> Result<()> {
        let (w, phase) = (self.weights, &self.phases[0]);
        // Where each position of the kernel lies in a row of nine, if there is one, and in memory.
        let order: [usize; 9] = std::array::from_fn(|tap| 3 * phase.taps[1][tap / 3].0 + phase.taps[2][tap % 3].0);
        let row = w.steps[2] == 1 && w.steps[1] == 3;
        let panels = self.outputs.div_ceil(panel);
        let work = TASK_WORK / 32 / (panel * self.inputs) + 1;
        try_parallel_for(self.groups * panels, work, &|range| {
            let mut inline = Inline::uninit();
            let mut turned = Scratch::new(&mut inline);
            let turned: Ptr<S::Compute> = turned.room(9 * CHANNELS * panel)?;
            for index in range {
                let (group, q) = (index / panels, index % panels);
                let columns = panel.min(self.outputs - q * panel);
                let from = w.at(group, q * panel);
                let to = filters.data.at(group * POINTS * filters.point + q * panel * self.inputs);
                // SAFETY: the room for the turned weights is that large; the weights are valid for the channels.
                unsafe {
                    if columns < panel {
                        std::slice::from_raw_parts_mut(turned.0, 9 * CHANNELS * panel).fill(S::Compute::ZERO);
                    }
                    for channel in (0..self.inputs).step_by(CHANNELS) {
                        let channels = CHANNELS.min(self.inputs - channel);
                        let ptr = from.wrapping_offset(channel as isize * w.input);
                        if row && w.input == 9 {
                            S::pack_right(
                                View { ptr, row: 1, column: w.output },
                                9 * channels,
                                columns,
                                turned.0,
                                panel,
                            );
                        } else if row {
                            for c in 0..channels {
                                let ptr = ptr.wrapping_offset(c as isize * w.input);
                                let view = View { ptr, row: 1, column: w.output };
                                S::pack_right(view, 9, columns, turned.at(9 * c * panel), panel);
                            }
                        } else {
                            for tap in 0..9 {
                                let at = (tap / 3) as isize * w.steps[1] + (tap % 3) as isize * w.steps[2];
                                let view = View { ptr: ptr.wrapping_offset(at), row: w.input, column: w.output };
                                S::pack_right(view, channels, columns, turned.at(tap * panel), 9 * panel);
                            }
                        }
                        let to = Ptr(to.wrapping_add(channel * panel));
                        transform_weights(turned, to, filters.point, &order, channels, panel);
                    }
                }
            }
            Ok(())
        })
    }

    /// Computes the tiles of some images.
    ///
    /// # Safety
    /// As [`Direct::run`]; the padded images and the weights must be filled.
    unsafe fn tiles(
        &self,
        padded: &Padded<S::Compute>,
        filters: &Filters<S::Compute>,
        first: [isize; 3],
        images: Range<usize>,
        bias: Option<&[S::Compute]>,
        finite: &AtomicBool,
    ) -> Result<()> {
        let panel = <S::Compute as Compute>::kernels().panel();
        let tiles = Tiles::new(images.len(), self.y.size);
        let depth = self.inputs;
        // Outputs of a chunk: those whose weights are near.
        let near = NEAR / size_of::<S::Compute>() / depth.min(K_BLOCK);
        let chunks = self.outputs.div_ceil(near.clamp(panel, MOST_OUTPUTS));
        let near = self.outputs.div_ceil(chunks).next_multiple_of(panel);
        let chunks = self.outputs.div_ceil(near);
        let blocks = tiles.blocks[0] * tiles.blocks[1];
        // Parts of the outputs transform the inputs anew.
        let parts = TASKS.div_ceil(blocks * self.groups).min(chunks);
        let input_point = volume(&[tiles.most(), depth])? + GAP;
        let sum_point = volume(&[tiles.most(), near])? + GAP;
        let work = volume(&[tiles.most(), depth, self.outputs, POINTS])? / parts;
        try_parallel_for(self.groups * blocks * parts, TASK_WORK / work.max(1) + 1, &|range| {
            let mut inline = [const { Inline::uninit() }; 3];
            let [one, two, three] = &mut inline;
            let (mut one, mut two, mut three) = (Scratch::new(one), Scratch::new(two), Scratch::new(three));
            let inputs: Ptr<S::Compute> = one.room(POINTS * input_point)?;
            let sums: Ptr<S::Compute> = two.room(POINTS * sum_point)?;
            let outputs: Ptr<S::Compute> = three.room((4 * tiles.most() + 1) * near)?;
            let mut offsets = [0isize; TASK_TILES];
            for (tile, offset) in offsets.iter_mut().enumerate() {
                *offset = (tile * depth) as isize;
            }
            for task in range {
                if !finite.load(Relaxed) {
                    break;
                }
                let (part, block, group) = (task % parts, task / parts % blocks, task / parts / blocks);
                let at = |d: usize, index: usize, size: usize| {
                    let start = index * tiles.block[d];
                    start.min(size)..(start + tiles.block[d]).min(size)
                };
                let rows = at(0, block / tiles.blocks[1], images.len() * tiles.down);
                let columns = at(1, block % tiles.blocks[1], tiles.across);
                let count = rows.len() * columns.len();
                if count == 0 {
                    continue;
                }
                for (index, row) in rows.clone().enumerate() {
                    let (image, row) = (row / tiles.down, row % tiles.down);
                    let at = [
                        0,
                        (2 * row + padded.low[1]) as isize + first[1],
                        (2 * columns.start + padded.low[2]) as isize + first[2],
                    ];
                    let image = padded.data.at((image * self.groups + group) * padded.image);
                    let from = Ptr(image.wrapping_offset(padded.offset(at)));
                    let to = Ptr(inputs.at(index * columns.len() * depth));
                    let (row, tiles) = (padded.size[2] * depth, columns.len());
                    // SAFETY: the tiles lie in the padded image, and their transforms in the room for the task's.
                    unsafe { transform_tiles::<_, Inputs>(from, row, tiles, depth, to, depth, input_point) };
                }
                for chunk in chunks * part / parts..chunks * (part + 1) / parts {
                    let start = chunk * near;
                    let width = near.min(self.outputs - start);
                    let weights = filters.data.at(group * POINTS * filters.point + start * depth);
                    for point in 0..POINTS {
                        for k in (0..depth).step_by(K_BLOCK) {
                            let tile = Tile {
                                runs: &[Run { a: k as isize, b: (k * panel) as isize, len: K_BLOCK.min(depth - k) }],
                                a: inputs.at(point * input_point),
                                rows: &offsets[..count],
                                a_step: 1,
                                b: weights.wrapping_add(point * filters.point),
                                b_step: panel as isize,
                                b_panel: (panel * depth) as isize,
                                c: sums.at(point * sum_point),
                                c_step: width as isize,
                                resume: k > 0,
                                alpha: S::Compute::ONE,
                                beta: None,
                                bias: std::ptr::null(),
                                bias_rows: false,
                                relu: false,
                            };
                            // SAFETY: the transformed inputs, weights and sums have room for the block.
                            unsafe { <S::Compute as Compute>::kernels().block(&tile, width) };
                        }
                    }
                    let channel = group * self.outputs + start;
                    let bias = Ptr(bias.map_or(std::ptr::null_mut(), |bias| bias[channel..].as_ptr().cast_mut()));
                    let block =
                        Block { tiles: &tiles, first: images.start, rows: rows.clone(), columns: columns.clone() };
                    // SAFETY: the sums hold the block's, and no other task writes its outputs.
                    if !unsafe { self.finish(&block, (sums, sum_point), outputs, bias, (channel, width)) } {
                        finite.store(false, Relaxed);
                    }
                }
            }
            Ok(())
        })
    }

    /// Transforms the sums of a block and writes its outputs; false where one is not finite.
    ///
    /// # Safety
    /// The sums must hold `width` channels of the block, `room` have room for its outputs and for one more pixel.
    unsafe fn finish(
        &self,
        block: &Block,
        (sums, point): (Ptr<S::Compute>, usize),
        room: Ptr<S::Compute>,
        bias: Ptr<S::Compute>,
        (channel, width): (usize, usize),
    ) -> bool {
        let [_, height, across] = self.y.size;
        let Block { tiles, ref rows, ref columns, .. } = *block;
        let pixels = (2 * columns.end).min(across) - 2 * columns.start;
        let flat = self.y.flat().filter(|_| columns.len() == tiles.across);
        let spare = room.at(4 * tiles.most() * width);
        let (mut row, mut all) = (rows.start, true);
        while row < rows.end {
            let (image, top) = (row / tiles.down, row % tiles.down);
            // As many rows of tiles of one image as make a good many pixels.
            let count = if flat.is_some() { TOGETHER.div_ceil(2 * pixels) } else { 1 };
            let count = count.min(tiles.down - top).min(rows.end - row);
            let lines = (2 * (top + count)).min(height) - 2 * top;
            for index in 0..count {
                let from = Ptr(sums.at((row + index - rows.start) * columns.len() * width));
                let below = 2 * index + 1 < lines;
                let to = room.at(2 * index * pixels * width);
                let to = [to, if below { to.wrapping_add(pixels * width) } else { spare }].map(Ptr);
                let sizes = Row { tiles: columns.len(), pixels, width, below, spare: Ptr(spare) };
                // SAFETY: the sums are the task's, and the room holds its lines of pixels, without those below the last.
                all &= unsafe { transform_sums(from, point, to, bias, &sizes) };
            }
            let at = |line: usize| self.y.at(block.first + image, channel, [0, 2 * top + line, 2 * columns.start]);
            let (runs, run, step) = match flat {
                Some(step) => (1, lines * pixels, step),
                None => (lines, pixels, self.y.steps[2]),
            };
            for line in 0..runs {
                let out = View { ptr: at(line), row: step, column: self.y.channel };
                // SAFETY: the run of pixels lies inside the output, and no other task writes it.
                unsafe { S::store(room.at(line * pixels * width), width, run, width, out) };
            }
            row += count;
        }
        all
    }
}

/// A block of tiles: rows of tiles of all images of a slab, the first of which is `first`, and the tiles of each row.
struct Block<'a> {
    tiles: &'a Tiles,
    first: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}
