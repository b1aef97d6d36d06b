//! The gates of recurrent layers: long short-term memory (Hochreiter and Schmidhuber, 1997) and gated recurrent units
//! (Cho et al., 2014), forward and backward, for a step of a batch.
//!
//! Each value is that of the same formula in elementwise operators, bit for bit. Operands are matrices of one row a
//! sample; rows of `w` numbers hold a state, rows of `3 w` or `4 w` the gates side by side.

use crate::math::Float;
use corten_base::pool::parallel_for;
use corten_base::{DType, Operand, Result, fail, multiversion};

/// Gates that a task should have at least.
const GRAIN: usize = 8192;

/// A step of LSTM. The gates i, f, g and o are the quarters of `x + hidden`, the input's part and the state's:
/// `c' = σ(f) c + σ(i) tanh(g)` and `h' = σ(o) tanh(c')`. `h` and `c` are replaced, `h` goes to `out` as well, and the
/// gates after their functions to `saved`.
///
/// # Errors
/// Sizes that do not fit, dtypes other than float32 and float64, columns with gaps, and results that overlap.
pub fn lstm_cell(x: Operand, hidden: Operand, [h, c]: [Operand; 2], saved: Operand, out: Operand) -> Result<()> {
    step(
        [x, hidden],
        [h, c, saved, out],
        [4, 4, 1, 1, 4, 1],
        None,
        Step {
            single: |[x, hidden], [h, c, saved, out], _| lstm_row::<f32>(x, hidden, h, c, saved, out),
            double: |[x, hidden], [h, c, saved, out], _| lstm_row::<f64>(x, hidden, h, c, saved, out),
        },
    )
}

/// The gradient of [`lstm_cell`]: from the gates that it saved, the `c` that it began with and the gradients of its
/// results (`g` of `out`, and those in `gh` and `gc`) those of `x` and `hidden`, which are the same, and in `gc` that of
/// the old `c`. `gh` is used up.
///
/// # Errors
/// As [`lstm_cell`].
pub fn lstm_cell_backward(
    saved: Operand,
    c: Operand,
    g: Option<Operand>,
    [gh, gc]: [Operand; 2],
    gx: Operand,
) -> Result<()> {
    step(
        [saved, c],
        [gh, gc, gx],
        [4, 1, 1, 1, 4],
        g,
        Step {
            single: |[saved, c], [gh, gc, gx], g| lstm_row_backward::<f32>(saved, c, g, gh, gc, gx),
            double: |[saved, c], [gh, gc, gx], g| lstm_row_backward::<f64>(saved, c, g, gh, gc, gx),
        },
    )
}

/// A step of GRU. The gates r and z are σ of the first thirds of `x + hidden`, n is `tanh(xₙ + r hiddenₙ)` of the last
/// ones, and `h' = n + z (h - n)`. `h` is replaced and goes to `out` as well; `saved` receives r, z, n and `hiddenₙ`.
///
/// # Errors
/// As [`lstm_cell`].
pub fn gru_cell(x: Operand, hidden: Operand, h: Operand, saved: Operand, out: Operand) -> Result<()> {
    step(
        [x, hidden],
        [h, saved, out],
        [3, 3, 1, 4, 1],
        None,
        Step {
            single: |[x, hidden], [h, saved, out], _| gru_row::<f32>(x, hidden, h, saved, out),
            double: |[x, hidden], [h, saved, out], _| gru_row::<f64>(x, hidden, h, saved, out),
        },
    )
}

/// The gradient of [`gru_cell`]: from what it saved, the `h` that it began with and the gradients of its results (`g` of
/// `out`, and that in `gh`) those of `x` and `hidden`, and in `gh` what the old `h` has directly.
///
/// # Errors
/// As [`lstm_cell`].
pub fn gru_cell_backward(
    saved: Operand,
    h: Operand,
    g: Option<Operand>,
    gh: Operand,
    gx: Operand,
    g_hidden: Operand,
) -> Result<()> {
    step(
        [saved, h],
        [gh, gx, g_hidden],
        [4, 1, 1, 3, 3],
        g,
        Step {
            single: |[saved, h], [gh, gx, g_hidden], g| gru_row_backward::<f32>(saved, h, g, gh, gx, g_hidden),
            double: |[saved, h], [gh, gx, g_hidden], g| gru_row_backward::<f64>(saved, h, g, gh, gx, g_hidden),
        },
    )
}

/// What is done with a row of each operand.
type RowFn<T, const W: usize> = for<'a> fn([&'a [T]; 2], [&'a mut [T]; W], Option<&'a [T]>);

struct Step<const W: usize> {
    single: RowFn<f32, W>,
    double: RowFn<f64, W>,
}

/// Checks the operands, which are as many widths of a state wide as `widths` says (the first that is written is a state),
/// and does each row.
fn step<const W: usize, const N: usize>(
    read: [Operand; 2],
    written: [Operand; W],
    widths: [usize; N],
    extra: Option<Operand>,
    step: Step<W>,
) -> Result<()> {
    let state = &written[0];
    let &[rows, width] = state.sizes() else {
        fail!(Runtime, "a recurrent cell expects matrices, but got sizes {:?}", state.sizes());
    };
    let all = || read.iter().chain(&written).zip(&widths).chain(extra.iter().map(|extra| (extra, &1)));
    for (x, &times) in all() {
        let expected = width.checked_mul(times as i64);
        if x.ndim() != 2 || x.sizes()[0] != rows || Some(x.sizes()[1]) != expected {
            fail!(Runtime, "a recurrent cell of {rows} by {width} does not take sizes {:?}", x.sizes());
        }
        if x.dtype() != state.dtype() || (x.sizes()[1] > 1 && x.strides()[1] != 1) {
            fail!(Runtime, "a recurrent cell takes one dtype and columns without gaps");
        }
    }
    for (i, one) in written.iter().enumerate() {
        let others = all().map(|(x, _)| x).enumerate().filter(|&(j, _)| j != i + 2);
        if !one.is_contiguous() || others.into_iter().any(|(_, other)| !apart(one, other)) {
            fail!(Runtime, "a recurrent cell writes results without gaps that overlap nothing");
        }
    }
    match state.dtype() {
        DType::F32 => by_row(read, written, widths, extra, step.single),
        DType::F64 => by_row(read, written, widths, extra, step.double),
        other => fail!(NotImplemented, "a recurrent cell is not implemented for '{}'", other.scalar_name()),
    }
    Ok(())
}

/// True if no address from the first to the last element belongs to both.
fn apart(x: &Operand, y: &Operand) -> bool {
    if x.numel() == 0 || y.numel() == 0 {
        return true;
    }
    let range = |x: &Operand| {
        let size = x.dtype().size() as isize;
        let reach = |d: usize| (x.sizes()[d] - 1) as isize * x.strides()[d] as isize * size;
        let start = x.ptr() as isize;
        (start + reach(0).min(0), start + reach(0).max(0) + reach(1) + size)
    };
    let ((a, a_end), (b, b_end)) = (range(x), range(y));
    a_end <= b || b_end <= a
}

fn by_row<T: Float, const W: usize, const N: usize>(
    read: [Operand; 2],
    written: [Operand; W],
    widths: [usize; N],
    extra: Option<Operand>,
    one: RowFn<T, W>,
) {
    let (rows, width) = (written[0].sizes()[0] as usize, written[0].sizes()[1] as usize);
    if rows == 0 || width == 0 {
        return;
    }
    let start = |x: &Operand, row: usize| x.ptr().cast::<T>().wrapping_offset(row as isize * x.strides()[0] as isize);
    parallel_for(rows, GRAIN / (4 * width) + 1, &|range| {
        for row in range {
            // SAFETY: `step` has checked that every operand has these rows, of one dtype and without gaps between columns,
            // and that what is written overlaps nothing else; each task has its own rows.
            unsafe {
                let from = |x: &Operand, times: usize| std::slice::from_raw_parts(start(x, row), times * width);
                let to = |x: &Operand, times: usize| std::slice::from_raw_parts_mut(start(x, row), times * width);
                one(
                    std::array::from_fn(|i| from(&read[i], widths[i])),
                    std::array::from_fn(|i| to(&written[i], widths[i + 2])),
                    extra.as_ref().map(|extra| from(extra, 1)),
                );
            }
        }
    });
}

/// `out = σ(x + y)`.
#[inline(always)]
fn sigmoids<T: Float>(x: &[T], y: &[T], out: &mut [T]) {
    for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
        *out = x.add(y).sigmoid();
    }
}

multiversion! {
    fn lstm_row<T: Float>(x: &[T], hidden: &[T], h: &mut [T], c: &mut [T], saved: &mut [T], out: &mut [T]) {
        let w = c.len();
        sigmoids(&x[..2 * w], &hidden[..2 * w], &mut saved[..2 * w]);
        for ((g, &x), &y) in saved[2 * w..3 * w].iter_mut().zip(&x[2 * w..3 * w]).zip(&hidden[2 * w..3 * w]) {
            *g = x.add(y).tanh();
        }
        sigmoids(&x[3 * w..], &hidden[3 * w..], &mut saved[3 * w..]);
        let (i, f, g, o) = quarters(saved, w);
        let (h, out) = (&mut h[..w], &mut out[..w]);
        for k in 0..w {
            c[k] = f[k].mul(c[k]).add(i[k].mul(g[k]));
            h[k] = o[k].mul(c[k].tanh());
            out[k] = h[k];
        }
    }
}

#[inline(always)]
fn quarters<T>(x: &[T], w: usize) -> (&[T], &[T], &[T], &[T]) {
    (&x[..w], &x[w..2 * w], &x[2 * w..3 * w], &x[3 * w..4 * w])
}

/// `y (1 - y)`, the slope of σ where it is y.
#[inline(always)]
fn slope<T: Float>(y: T) -> T {
    y.mul(T::ONE.sub(y))
}

/// `1 - y²`, the slope of tanh where it is y.
#[inline(always)]
fn tanh_slope<T: Float>(y: T) -> T {
    T::ONE.sub(y.mul(y))
}

multiversion! {
    fn add_to<T: Float>(x: &mut [T], y: &[T]) {
        for (x, &y) in x.iter_mut().zip(y) {
            *x = x.add(y);
        }
    }
}

#[inline(always)]
fn lstm_row_backward<T: Float>(saved: &[T], c: &[T], g: Option<&[T]>, gh: &mut [T], gc: &mut [T], gx: &mut [T]) {
    if let Some(g) = g {
        add_to(gh, g);
    }
    lstm_gradient(saved, c, gh, gc, gx);
}

multiversion! {
    fn lstm_gradient<T: Float>(saved: &[T], c: &[T], gh: &[T], gc: &mut [T], gx: &mut [T]) {
        let w = c.len();
        let (i, f, g, o) = quarters(saved, w);
        let (gi, rest) = gx.split_at_mut(w);
        let (gf, rest) = rest.split_at_mut(w);
        let (gg, go) = rest.split_at_mut(w);
        let (gh, gc, go) = (&gh[..w], &mut gc[..w], &mut go[..w]);
        for k in 0..w {
            let t = f[k].mul(c[k]).add(i[k].mul(g[k])).tanh();
            let through = gc[k].add(gh[k].mul(o[k]).mul(tanh_slope(t)));
            go[k] = gh[k].mul(t).mul(slope(o[k]));
            gi[k] = through.mul(g[k]).mul(slope(i[k]));
            gf[k] = through.mul(c[k]).mul(slope(f[k]));
            gg[k] = through.mul(i[k]).mul(tanh_slope(g[k]));
            gc[k] = through.mul(f[k]);
        }
    }
}

multiversion! {
    fn gru_row<T: Float>(x: &[T], hidden: &[T], h: &mut [T], saved: &mut [T], out: &mut [T]) {
        let w = h.len();
        sigmoids(&x[..2 * w], &hidden[..2 * w], &mut saved[..2 * w]);
        let (gates, rest) = saved.split_at_mut(2 * w);
        let (n, kept) = rest.split_at_mut(w);
        kept.copy_from_slice(&hidden[2 * w..3 * w]);
        let (r, z, x, out) = (&gates[..w], &gates[w..2 * w], &x[2 * w..3 * w], &mut out[..w]);
        for k in 0..w {
            n[k] = x[k].add(r[k].mul(kept[k])).tanh();
            h[k] = n[k].add(z[k].mul(h[k].sub(n[k])));
            out[k] = h[k];
        }
    }
}

#[inline(always)]
fn gru_row_backward<T: Float>(saved: &[T], h: &[T], g: Option<&[T]>, gh: &mut [T], gx: &mut [T], g_hidden: &mut [T]) {
    if let Some(g) = g {
        add_to(gh, g);
    }
    gru_gradient(saved, h, gh, gx, g_hidden);
}

multiversion! {
    fn gru_gradient<T: Float>(saved: &[T], h: &[T], gh: &mut [T], gx: &mut [T], g_hidden: &mut [T]) {
        let w = h.len();
        let (r, z, n, kept) = quarters(saved, w);
        let (gates, gn) = gx.split_at_mut(2 * w);
        let (same, gk) = g_hidden.split_at_mut(2 * w);
        let (gr, gz) = gates.split_at_mut(w);
        let (gh, gn, gk) = (&mut gh[..w], &mut gn[..w], &mut gk[..w]);
        for k in 0..w {
            gn[k] = gh[k].mul(T::ONE.sub(z[k])).mul(tanh_slope(n[k]));
            gk[k] = gn[k].mul(r[k]);
            gr[k] = gn[k].mul(kept[k]).mul(slope(r[k]));
            gz[k] = gh[k].mul(h[k].sub(n[k])).mul(slope(z[k]));
            gh[k] = gh[k].mul(z[k]);
        }
        same.copy_from_slice(gates);
    }
}
