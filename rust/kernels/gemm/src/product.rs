//! The loops around the micro-kernel: blocks of k, packing, and output tiles shared between threads.

use crate::scratch::{Inline, Ptr, Scratch};
use crate::simd::Real;
use crate::storage::{Finish, Storage, View};
use crate::tile::{Compute, Run, Tile};
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_base::{Result, Scalar, c128};
use std::mem::MaybeUninit;

/// Steps of k that are summed in one chain; the chains of a longer sum are added in order.
pub const K_BLOCK: usize = 512;
/// Rows and columns (in numbers) whose packed operands are kept at once.
const REGION: usize = 1024;
/// Rows of a task: a multiple of the tiles' heights 4, 6, 8 and 14.
pub const TASK_ROWS: usize = 168;
/// Bytes of the right factor that a task reads again and again: a quarter of a small L2 cache, whose pages may collide.
const NEAR: usize = 128 << 10;
/// Bytes of a right factor that is read in place.
const IN_PLACE: usize = 256 << 10;
/// Tasks that a block of k is cut into where each is worth it, so that threads finish together.
const TASKS: usize = 16;
/// Multiply-adds worth a task of its own: some ten microseconds.
pub const TASK_WORK: usize = 1 << 19;

/// A product of matrices with at least one row and one column, `k` possibly zero.
pub struct Product<S> {
    /// Rows of the output.
    pub m: usize,
    /// Columns of the output.
    pub n: usize,
    /// Terms of each sum.
    pub k: usize,
    /// Left factor, (m, k).
    pub a: View<S>,
    /// Right factor, (k, n).
    pub b: View<S>,
    /// Output, (m, n).
    pub c: View<S>,
    /// Factors and bias.
    pub finish: Finish<S>,
}

impl<S: Storage> Product<S> {
    /// Exchanges rows and columns where the output's columns are not contiguous but its rows are, and for a product with
    /// a vector, whose length then lies along the vectors of the processor. That exchanges the factors of each term,
    /// which complex numbers can tell, so that for them it may depend on the shape alone.
    fn oriented(self) -> Self {
        let turn = if self.n == 1 { self.m > 1 } else { self.c.column != 1 && self.c.row == 1 && self.m > 1 };
        if !turn || (S::PARTS == 2 && self.n > 1) {
            return self;
        }
        let Finish { bias_step, bias_row, .. } = self.finish;
        Product {
            m: self.n,
            n: self.m,
            k: self.k,
            a: self.b.transposed(),
            b: self.a.transposed(),
            c: self.c.transposed(),
            finish: Finish { bias_step: bias_row, bias_row: bias_step, ..self.finish },
        }
    }

    /// Computes the product.
    ///
    /// # Safety
    /// The views must be valid for the sizes, and the output must not overlap the factors or itself.
    pub unsafe fn run(self) -> Result<()> {
        if self.is_small() {
            // SAFETY: the caller's promise.
            unsafe { self.run_small() };
            return Ok(());
        }
        let p = self.oriented();
        if p.m == 1 && S::PARTS == 1 {
            // SAFETY: the caller's promise.
            return unsafe { p.run_row() };
        }
        let direct_out = p.k > 0 && (p.c.column == 1 || p.n == 1) && p.finishes_in_place();
        let (mut first, mut second, mut third) = (Inline::uninit(), Inline::uninit(), Inline::uninit());
        let mut sums = Scratch::new(&mut first);
        let (mut left, mut right) = (Scratch::new(&mut second), Scratch::new(&mut third));
        let width = REGION / S::PARTS;
        for i in (0..p.m).step_by(REGION) {
            for j in (0..p.n).step_by(width) {
                let (rows, columns) = (REGION.min(p.m - i), width.min(p.n - j));
                let region = Region { p: &p, i, j, rows, columns, right: &mut right, left: &mut left };
                let finish = Finish { bias: p.bias_at(i, j), ..p.finish };
                if direct_out {
                    // SAFETY: the caller's promise.
                    unsafe { region.sum(p.c.at(i, j).ptr.cast(), p.c.row * S::PARTS as isize, Some(&finish))? };
                    continue;
                }
                let step = columns * S::PARTS;
                let total = sums.room::<S::Compute>(rows * step)?;
                if p.k == 0 {
                    // SAFETY: the room is that large.
                    unsafe { std::slice::from_raw_parts_mut(total.0, rows * step) }.fill(S::Compute::ZERO);
                } else {
                    // SAFETY: the caller's promise; the sums have room for the region.
                    unsafe { region.sum(total.0, step as isize, None)? };
                }
                let out = p.c.at(i, j);
                parallel_for(rows, TASK_WORK / 16 / step + 1, &|range| {
                    let bias = p.bias_at(i + range.start, j);
                    let finish = Finish { bias, ..finish };
                    // SAFETY: the caller's promise; each task finishes its own rows.
                    unsafe {
                        let sums = total.at(range.start * step);
                        S::finish(sums, step, range.len(), columns, out.at(range.start, 0), &finish);
                    }
                });
            }
        }
        Ok(())
    }

    /// True where the micro-kernel can scale and add what [`Finish`] says: for complex numbers, seen as their parts, nothing.
    fn finishes_in_place(&self) -> bool {
        let f = &self.finish;
        if S::PARTS == 2 {
            return f.alpha.to::<c128>() == c128::new(1.0, 0.0) && f.beta.is_none() && f.bias.is_null();
        }
        let bias = f.bias.is_null() || (f.bias_step == 1 && f.bias_row == 0) || (f.bias_row == 1 && f.bias_step == 0);
        S::is_compute() && bias && (f.beta.is_none() || self.k <= K_BLOCK)
    }

    /// True for a product that the micro-kernel computes in one call, in place.
    fn is_small(&self) -> bool {
        let f = &self.finish;
        S::is_compute()
            && (2..=16).contains(&self.m)
            && self.n > 1
            && (1..=K_BLOCK).contains(&self.k)
            && self.k * self.n <= 4096
            && self.b.column == 1
            && self.c.column == 1
            && (f.bias.is_null() || f.bias_step == 1)
    }

    /// Computes a small product.
    ///
    /// # Safety
    /// As [`Product::run`], for a product that [`Product::is_small`].
    unsafe fn run_small(&self) {
        let kernels = <S::Compute as Compute>::kernels();
        let f = &self.finish;
        let rows: [isize; 16] = std::array::from_fn(|i| i as isize * self.a.row);
        let tile = Tile {
            runs: &[Run { a: 0, b: 0, len: self.k }],
            a: self.a.ptr.cast::<S::Compute>(),
            rows: &rows[..self.m],
            a_step: self.a.column,
            b: self.b.ptr.cast::<S::Compute>(),
            b_step: self.b.row,
            b_panel: kernels.panel() as isize,
            c: self.c.ptr.cast::<S::Compute>(),
            c_step: self.c.row,
            resume: false,
            alpha: f.alpha.to(),
            beta: f.beta.map(Scalar::to),
            bias: f.bias.cast::<S::Compute>(),
            bias_rows: false,
            relu: f.relu,
        };
        // SAFETY: the caller's promise; the elements are of the compute type.
        unsafe { kernels.block(&tile, self.n) };
    }

    pub(crate) fn bias_at(&self, i: usize, j: usize) -> *const S {
        let f = &self.finish;
        if f.bias.is_null() {
            return f.bias;
        }
        f.bias.wrapping_offset(i as isize * f.bias_row + j as isize * f.bias_step)
    }
}

/// A part of the output, whose packed operands fit in the caches.
struct Region<'a, 's, S> {
    p: &'a Product<S>,
    i: usize,
    j: usize,
    rows: usize,
    columns: usize,
    left: &'a mut Scratch<'s>,
    right: &'a mut Scratch<'s>,
}

impl<S: Storage> Region<'_, '_, S> {
    /// Sums over all of k into `c`; `finish` is applied by the micro-kernel, whose type must then be `S`.
    ///
    /// # Safety
    /// As [`Product::run`], and `c` must be valid for the region.
    unsafe fn sum(self, c: *mut S::Compute, c_step: isize, finish: Option<&Finish<S>>) -> Result<()> {
        let p = self.p;
        let kernels = <S::Compute as Compute>::kernels();
        let (panel, plain, size) = (kernels.panel(), S::is_compute(), size_of::<S::Compute>());
        let (terms, width) = (p.k * S::PARTS, self.columns * S::PARTS);
        let depth = terms.min(K_BLOCK);
        let near = |step: isize, bytes: usize| step.unsigned_abs().saturating_mul(p.k).saturating_mul(size) <= bytes;
        // Rows of the right factor that share cache lines' places, or many of them, are better copied together.
        let apart = !(p.b.row.unsigned_abs() * size).is_multiple_of(1024);
        let few_rows = p.m <= 2 * kernels.max_rows();
        let direct_b = plain && p.b.column == 1 && (few_rows || (apart && (p.k <= 128 || near(p.b.row, IN_PLACE))));
        let direct_a =
            if S::PARTS == 2 { p.a.column == 1 } else { plain && (p.a.column == 1 || near(p.a.column, IN_PLACE / 8)) };
        let panels = width.div_ceil(panel);
        // How many tasks are worth it, and their columns: at most what stays near; fewer where each task packs its own.
        let worth = (self.rows * width * depth / TASK_WORK).clamp(1, TASKS);
        let cut = if !direct_b && self.rows <= TASK_ROWS { worth } else { 1 };
        let task_columns = panels.div_ceil(cut).min(NEAR / size / K_BLOCK / panel).max(1) * panel;
        let across = width.div_ceil(task_columns);
        let down = self.rows.div_ceil(TASK_ROWS).max(worth / across);
        let task_rows = self.rows.div_ceil(down).next_multiple_of(kernels.max_rows()).min(TASK_ROWS);
        let tasks = self.rows.div_ceil(task_rows) * across;
        let work = task_rows * task_columns * depth;
        // Panels that one task alone reads it packs itself, just before.
        let shared = !direct_b && tasks > across;
        let right = if shared { self.right.room(panels * panel * depth)? } else { Ptr(p.b.ptr.cast()) };
        // Rows a little apart from a power of two, which would share cache lines' places.
        let left_step = depth + 16;
        let left = if direct_a { Ptr(p.a.ptr.cast()) } else { self.left.room(self.rows * left_step)? };
        let alpha = finish.map_or(S::Compute::ONE, |f| f.alpha.to());
        let beta = finish.and_then(|f| f.beta).map(Scalar::to);
        let bias = Ptr(finish.map_or(std::ptr::null_mut(), |f| f.bias.cast_mut().cast::<S::Compute>()));
        let (bias_rows, relu) = (p.finish.bias_row != 0, finish.is_some_and(|f| f.relu));
        let c = Ptr(c);
        for start in (0..terms).step_by(K_BLOCK) {
            let depth = K_BLOCK.min(terms - start);
            let (from, steps) = (start / S::PARTS, depth / S::PARTS);
            let b = p.b.at(from, self.j);
            if shared {
                parallel_for(panels, TASK_WORK / 32 / (panel * depth) + 1, &|range| {
                    let columns = width.min(range.end * panel) - range.start * panel;
                    let to = Ptr(right.at(range.start * panel * depth));
                    // SAFETY: the packed panels have room for `depth` rows each; the factor is valid for the region.
                    unsafe { pack_panels(b.at(0, range.start * panel / S::PARTS), steps, columns, to, panel) };
                });
            }
            if !direct_a {
                let a = p.a.at(self.i, from);
                parallel_for(self.rows, TASK_WORK / 16 / depth + 1, &|range| {
                    // SAFETY: the packed rows have room; the factor is valid for the region.
                    unsafe {
                        let to = left.at(range.start * left_step);
                        S::pack_left(a.at(range.start, 0), range.len(), steps, to, left_step);
                    }
                });
            }
            let (a, a_row, a_step) = if direct_a {
                (Ptr(p.a.at(self.i, from).ptr.cast()), p.a.row * S::PARTS as isize, p.a.column)
            } else {
                (left, left_step as isize, 1)
            };
            let (b_step, b_panel) =
                if direct_b { (p.b.row, panel as isize) } else { (panel as isize, (panel * depth) as isize) };
            let last = start + depth == terms;
            try_parallel_for(tasks, TASK_WORK / work + 1, &|range| {
                let mut inline = Inline::uninit();
                let mut own = Scratch::new(&mut inline);
                let own: Ptr<S::Compute> = own.room(if direct_b || shared { 0 } else { task_columns * depth })?;
                for task in range {
                    let (i, j) = (task / across * task_rows, task % across * task_columns);
                    let mut rows = [const { MaybeUninit::uninit() }; TASK_ROWS];
                    let rows = offsets(&mut rows[..task_rows.min(self.rows - i)], a_row);
                    let columns = task_columns.min(width - j);
                    let near = match (direct_b, shared) {
                        (true, _) => b.at(0, j).ptr.cast(),
                        (_, true) => right.at(j * depth),
                        _ => {
                            // SAFETY: the task's own room holds its panels; the factor is valid for the region.
                            unsafe { pack_panels(b.at(0, j / S::PARTS), steps, columns, own, panel) };
                            own.0
                        }
                    };
                    let bias =
                        if last { bias.add_unless_null(if bias_rows { i } else { j }) } else { std::ptr::null() };
                    let tile = Tile {
                        runs: &[Run { a: 0, b: 0, len: depth }],
                        a: a.offset(i as isize * a_row),
                        rows,
                        a_step,
                        b: near,
                        b_step,
                        b_panel,
                        c: c.offset(i as isize * c_step).wrapping_add(j),
                        c_step,
                        resume: start > 0,
                        alpha: if last { alpha } else { S::Compute::ONE },
                        beta: if last { beta } else { None },
                        bias,
                        bias_rows,
                        relu: last && relu,
                    };
                    // SAFETY: the tile lies inside the region; packed panels are padded to their width, and a panel read
                    // in place is masked to the region's columns.
                    unsafe { kernels.block(&tile, columns) };
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Packs panels of the right factor: `steps` rows of `columns` numbers, the last panel filled up with zeros.
///
/// # Safety
/// The factor must be valid for those rows and columns, and `to` have room for the panels.
#[inline(never)]
unsafe fn pack_panels<S: Storage>(b: View<S>, steps: usize, columns: usize, to: Ptr<S::Compute>, panel: usize) {
    let depth = steps * S::PARTS;
    // Some rows of all panels before the next, so that what lies side by side is read together.
    let together = if b.column == 1 { 32 } else { steps };
    if !columns.is_multiple_of(panel) {
        let last = to.at(columns / panel * panel * depth);
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(last, panel * depth) }.fill(S::Compute::ZERO);
    }
    for step in (0..steps).step_by(together) {
        for column in (0..columns).step_by(panel) {
            let to = to.at(column * depth + step * S::PARTS * panel);
            let (rows, columns) = (together.min(steps - step), panel.min(columns - column) / S::PARTS);
            // SAFETY: the caller's promise.
            unsafe { S::pack_right(b.at(step, column / S::PARTS), rows, columns, to, panel) };
        }
    }
}

/// Fills `rows` with the offsets of rows that are `step` apart.
pub fn offsets(rows: &mut [MaybeUninit<isize>], step: isize) -> &[isize] {
    for (i, row) in rows.iter_mut().enumerate() {
        row.write(i as isize * step);
    }
    // SAFETY: every element has just been written.
    unsafe { &*(&raw const *rows as *const [isize]) }
}
