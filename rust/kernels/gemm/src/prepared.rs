//! A right factor of many small products, such as the weights of a recurrent layer: copied once, in the micro-kernel's order.

use crate::copy::{Source, copy};
use crate::product::{K_BLOCK, TASK_ROWS, TASK_WORK, offsets};
use crate::refuse_shared;
use crate::scratch::Ptr;
use crate::tile::{Compute, Run, Tile};
use corten_base::alloc::Block;
use corten_base::pool::parallel_for;
use corten_base::{DType, Operand, Result, error, fail};
use std::mem::MaybeUninit;

/// Bytes of the factor that a task reads again for every few rows: half of a small L1 cache.
const NEAREST: usize = 16 << 10;

/// A matrix (k, n) of float32 or float64, ready to be multiplied from the left.
pub struct Prepared {
    /// By blocks of k and then by panels of columns, filled up with zeros.
    panels: Block,
    dtype: DType,
    k: usize,
    n: usize,
}

impl Prepared {
    /// Copies `b` (k, n).
    ///
    /// # Errors
    /// Other dimensions or dtypes, and too little memory.
    pub fn new(b: Operand) -> Result<Self> {
        let &[k, n] = b.sizes() else {
            fail!(Runtime, "matrix product: expected a matrix, but got sizes {:?}", b.sizes());
        };
        match b.dtype() {
            DType::F32 => Self::of::<f32>(&b, k as usize, n as usize),
            DType::F64 => Self::of::<f64>(&b, k as usize, n as usize),
            other => fail!(Runtime, "matrix product: {other} cannot be prepared"),
        }
    }

    fn of<T: Compute + Source<T>>(b: &Operand, k: usize, n: usize) -> Result<Self> {
        let panel = T::kernels().panel();
        let numbers = n.checked_next_multiple_of(panel).and_then(|width| width.checked_mul(k));
        let bytes = numbers.and_then(|numbers| numbers.checked_mul(size_of::<T>()));
        let bytes = bytes.ok_or_else(|| error!(Memory, "a product needs working memory for {k} by {n} numbers"))?;
        let panels = Block::new(bytes)?;
        let (to, count) = (Ptr(panels.ptr().cast::<T>()), n.div_ceil(panel));
        let (row, column) = (b.strides()[0] as isize, b.strides()[1] as isize);
        parallel_for(count, TASK_WORK / 16 / (panel * k.max(1)) + 1, &|range| {
            for q in range {
                let columns = panel.min(n - q * panel);
                for start in (0..k).step_by(K_BLOCK) {
                    let depth = K_BLOCK.min(k - start);
                    let to = to.at((start * count + q * depth) * panel);
                    let from = b.ptr().cast::<T>().wrapping_offset(start as isize * row);
                    let from = from.wrapping_offset((q * panel) as isize * column).cast_const();
                    // SAFETY: each panel has its own `panel * depth` numbers of the block; the operand has the rows and
                    // columns that are read.
                    unsafe {
                        if columns < panel {
                            std::slice::from_raw_parts_mut(to, panel * depth).fill(T::ZERO);
                        }
                        copy::<T, T>((depth, columns), to, panel, from, (row, column));
                    }
                }
            }
        });
        Ok(Prepared { panels, dtype: T::DTYPE, k, n })
    }

    /// `out = a @ b + bias` for `a` (m, k), or with `add` `out + a @ b + bias`. `out` has contiguous columns and must not
    /// overlap `a`; `bias` has one number per column. The chains of 512 terms (see the crate) are added in order to
    /// what `out` held, for any number of rows, one and two as well.
    ///
    /// # Errors
    /// Sizes and dtypes that do not fit, and strides that are not as described.
    pub fn multiply(&self, out: Operand, a: Operand, bias: Option<Operand>, add: bool) -> Result<()> {
        let m = out.sizes().first().copied().unwrap_or(0);
        let (k, n) = (self.k as i64, self.n as i64);
        if out.sizes() != [m, n] || a.sizes() != [m, k] || bias.is_some_and(|bias| bias.sizes() != [n]) {
            fail!(Runtime, "matrix product: sizes {:?} and {:?} do not give {:?}", a.sizes(), [k, n], out.sizes());
        }
        if [Some(out), Some(a), bias].into_iter().flatten().any(|x| x.dtype() != self.dtype) {
            fail!(Runtime, "matrix product: expected {} for every operand", self.dtype);
        }
        refuse_shared(&out)?;
        if n > 1 && (out.strides()[1] != 1 || bias.is_some_and(|bias| bias.strides() != [1])) {
            fail!(Runtime, "matrix product: a prepared factor needs contiguous columns in out and bias");
        }
        match self.dtype {
            DType::F64 => self.run::<f64>(&out, &a, bias.as_ref(), add),
            _ => self.run::<f32>(&out, &a, bias.as_ref(), add),
        }
        Ok(())
    }

    fn run<T: Compute>(&self, out: &Operand, a: &Operand, bias: Option<&Operand>, add: bool) {
        let (m, k, n) = (out.sizes()[0] as usize, self.k, self.n);
        if m == 0 || n == 0 {
            return;
        }
        let kernels = T::kernels();
        let panel = kernels.panel();
        let count = n.div_ceil(panel);
        let together = (NEAREST / (size_of::<T>() * panel * k.clamp(1, K_BLOCK))).max(1);
        let (across, work) = (count.div_ceil(together), TASK_ROWS.min(m) * together * panel * k.max(1));
        let (c_step, a_row, a_step) = (out.strides()[0] as isize, a.strides()[0] as isize, a.strides()[1] as isize);
        let (c, a) = (Ptr(out.ptr().cast::<T>()), Ptr(a.ptr().cast::<T>()));
        let bias = Ptr(bias.map_or(std::ptr::null_mut(), |bias| bias.ptr().cast::<T>()));
        let panels = Ptr(self.panels.ptr().cast::<T>());
        parallel_for(m.div_ceil(TASK_ROWS) * across, TASK_WORK / work + 1, &|range| {
            for task in range {
                let (i, q) = (task / across * TASK_ROWS, task % across * together);
                let mut rows = [const { MaybeUninit::uninit() }; TASK_ROWS];
                let rows = offsets(&mut rows[..TASK_ROWS.min(m - i)], a_row);
                let columns = (together * panel).min(n - q * panel);
                for start in (0..k.max(1)).step_by(K_BLOCK) {
                    let depth = K_BLOCK.min(k - start);
                    let last = start + depth == k;
                    let tile = Tile {
                        runs: &[Run { a: 0, b: 0, len: depth }],
                        a: a.offset(i as isize * a_row + start as isize * a_step),
                        rows,
                        a_step,
                        b: panels.at((start * count + q * depth) * panel),
                        b_step: panel as isize,
                        b_panel: (panel * depth) as isize,
                        c: c.offset(i as isize * c_step).wrapping_add(q * panel),
                        c_step,
                        resume: add || start > 0,
                        alpha: T::ONE,
                        beta: None,
                        bias: if last { bias.add_unless_null(q * panel) } else { std::ptr::null() },
                        bias_rows: false,
                        relu: false,
                    };
                    // SAFETY: the rows and columns lie inside the operands, whose sizes `multiply` has compared, and the
                    // panels are filled up to their width; each task writes its own part of the output.
                    unsafe { kernels.block(&tile, columns) };
                }
            }
        });
    }
}
