//! The windows of pooling: which positions of the input each output reads.

use crate::geometry::{Grid, setting};
use corten_base::{DType, Operand, Result, fail};
use std::ops::Range;

/// Positions of the input that one output reads along one dimension.
#[derive(Clone, Copy)]
pub struct Window {
    pub start: usize,
    pub end: usize,
    /// How many positions a mean counts, padding included where it counts.
    pub count: usize,
}

/// Outputs along the last dimension whose windows are alike and evenly spaced: all but those at the borders.
pub struct Even {
    pub outputs: Range<usize>,
    pub start: usize,
    pub stride: usize,
    pub taps: usize,
}

impl Even {
    fn of(all: &[Window], step: usize) -> Even {
        let taps = |w: &Window| (w.end - w.start).div_ceil(step);
        let middle = all.len() / 2;
        let Some(w) = all.get(middle).filter(|w| w.end > w.start) else {
            return Even { outputs: 0..0, start: 0, stride: 1, taps: 0 };
        };
        let stride = all.get(middle + 1).map_or(1, |next| next.start.saturating_sub(w.start));
        let alike = |o: usize| {
            let there = o.abs_diff(middle).checked_mul(stride);
            let there = there.and_then(|d| if o < middle { w.start.checked_sub(d) } else { w.start.checked_add(d) });
            Some(all[o].start) == there && taps(&all[o]) == taps(w) && all[o].count == w.count
        };
        let first = (0..middle).rev().take_while(|&o| alike(o)).last().unwrap_or(middle);
        let end = (middle + 1..all.len()).take_while(|&o| alike(o)).last().unwrap_or(middle) + 1;
        Even { outputs: first..end, start: all[first].start, stride, taps: taps(w) }
    }
}

/// The windows of all outputs.
pub struct Windows {
    pub along: [Vec<Window>; 3],
    pub step: [usize; 3],
    pub size: [usize; 3],
    pub even: Even,
}

impl Windows {
    fn new(along: [Vec<Window>; 3], step: [usize; 3], size: [usize; 3]) -> Windows {
        let even = Even::of(&along[2], step[2]);
        Windows { along, step, size, even }
    }

    /// Those of a kernel that moves by `stride` over the padded input.
    pub fn strided(
        (out, x): (&Operand, &Operand),
        (kernel, stride, padding, dilation): (&[i64], &[i64], &[i64], &[i64]),
        count_padding: bool,
    ) -> Result<Windows> {
        let dims = check("pooling", x, out)?;
        let kernel = setting("kernel_size", kernel, dims, 1)?;
        let stride = setting("stride", stride, dims, 1)?;
        let padding = setting("padding", padding, dims, 0)?;
        let dilation = setting("dilation", dilation, dims, 1)?;
        let (size, outs) = (Grid::<u8>::new(x).size, Grid::<u8>::new(out).size);
        let mut along = [const { Vec::new() }; 3];
        for d in 0..3 {
            let span = dilation[d] as i128 * (kernel[d] as i128 - 1) + 1;
            if 2 * padding[d] as i128 > span {
                fail!(Runtime, "pad should be at most half of effective kernel size, but got pad={}", padding[d]);
            }
            let room = size[d] as i128 + 2 * padding[d] as i128 - span;
            // Rounded up (`ceil_mode`), the last window must still start inside the input or its left padding.
            let least = if room < 0 { 0 } else { room / stride[d] as i128 + 1 };
            let most = (room + stride[d] as i128 - 1).div_euclid(stride[d] as i128) + 1;
            let starts_inside = |count: i128| (count - 1) * (stride[d] as i128) < (size[d] + padding[d]) as i128;
            let outputs = outs[d] as i128;
            if !(outputs == least || (outputs == most && starts_inside(outputs))) {
                fail!(Runtime, "pooling: output size {outputs} does not fit input size {} here", size[d]);
            }
            along[d] = (0..outs[d])
                .map(|o| {
                    let start = (o * stride[d]) as i64 - padding[d] as i64;
                    let reach = start.saturating_add(span.min(i64::MAX as i128) as i64);
                    let padded_end = reach.min((size[d] + padding[d]) as i64);
                    let skipped = if start < 0 { (-start as usize).div_ceil(dilation[d]) * dilation[d] } else { 0 };
                    let first = (start + skipped as i64) as usize;
                    let end = reach.clamp(0, size[d] as i64) as usize;
                    let inside = end.saturating_sub(first);
                    let count = if count_padding { (padded_end - start) as usize } else { inside };
                    Window { start: first.min(end), end, count }
                })
                .collect();
        }
        Ok(Windows::new(along, dilation, size))
    }

    /// Those that split the input evenly: from floor(i * size / outputs) to ceil((i + 1) * size / outputs).
    pub fn adaptive(out: &Operand, x: &Operand) -> Result<Windows> {
        check("adaptive pooling", x, out)?;
        let (size, outs) = (Grid::<u8>::new(x).size, Grid::<u8>::new(out).size);
        if size.contains(&0) {
            fail!(Runtime, "adaptive pooling: expected spatial dimensions of nonzero size, got {:?}", x.sizes());
        }
        let along = std::array::from_fn(|d| {
            let (size, outputs) = (size[d] as u128, outs[d] as u128);
            let window = |i: u128| {
                let (start, end) = ((i * size / outputs) as usize, ((i + 1) * size).div_ceil(outputs) as usize);
                Window { start, end, count: end - start }
            };
            (0..outputs).map(window).collect()
        });
        Ok(Windows::new(along, [1; 3], size))
    }

    /// Calls with the flat position of each output and its windows.
    #[inline(always)]
    pub fn each(&self, mut f: impl FnMut(usize, [Window; 3])) {
        let mut at = 0;
        for &i in &self.along[0] {
            for &j in &self.along[1] {
                for &k in &self.along[2] {
                    f(at, [i, j, k]);
                    at += 1;
                }
            }
        }
    }

    /// The flat position of the input where the window of the output at a flat position begins, as far as the plane goes.
    pub fn begin(&self, output: usize) -> i64 {
        let (row, k) = (output / self.along[2].len(), output % self.along[2].len());
        let (i, j) = (row / self.along[1].len(), row % self.along[1].len());
        let [i, j, k] = [&self.along[0][i], &self.along[1][j], &self.along[2][k]].map(|window| window.start);
        let last = self.size.iter().product::<usize>().saturating_sub(1);
        ((i * self.size[1] + j) * self.size[2] + k).min(last) as i64
    }

    /// Calls with the flat positions of the input in a window, ascending.
    #[inline(always)]
    pub fn positions(&self, [a, b, c]: [Window; 3], mut f: impl FnMut(usize)) {
        for line in self.lines(a, b) {
            for k in (c.start..c.end).step_by(self.step[2]) {
                f(line + k);
            }
        }
    }

    /// Where the lines of a window begin in the input, ascending.
    #[inline(always)]
    pub fn lines(&self, a: Window, b: Window) -> impl Iterator<Item = usize> + '_ {
        // By hand: `step_by` divides first, and windows are short.
        let (mut i, mut j) = (a.start, b.start);
        std::iter::from_fn(move || {
            if j >= b.end {
                (i, j) = (i + self.step[0], b.start);
            }
            let line = (i < a.end && j < b.end).then(|| (i * self.size[1] + j) * self.size[2]);
            j += self.step[1];
            line
        })
    }
}

/// Images and channels.
pub fn count(x: &Operand) -> (usize, usize) {
    (x.sizes()[0] as usize, x.sizes()[1] as usize)
}

/// Checks dtypes and the first two sizes; the number of spatial dimensions.
pub fn check(what: &str, x: &Operand, out: &Operand) -> Result<usize> {
    if !(3..=5).contains(&x.ndim()) || out.ndim() != x.ndim() || out.sizes()[..2] != x.sizes()[..2] {
        fail!(Runtime, "{what}: sizes {:?} do not give {:?}", x.sizes(), out.sizes());
    }
    if out.dtype() != x.dtype() || x.dtype() == DType::Bool {
        fail!(Runtime, "{what}: not defined from {} to {}", x.dtype(), out.dtype());
    }
    Ok(x.ndim() - 2)
}
