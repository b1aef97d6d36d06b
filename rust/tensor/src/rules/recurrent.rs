//! Recurrent layers: the steps of a batch of sequences, forward and backward, each a product and a cell.
//!
//! The rows of all sequences stand behind one another, a step's before the next one's. `sizes` says how many sequences
//! take part in each step: they are sorted, the longest first, so that the counts fall. A state has a row for each
//! sequence; a step replaces the first of them. Backward in time, a sequence joins where it ends.

use crate::body::copy_values;
use crate::core::{Core, Dims};
use crate::device::DeviceKind;
use crate::op::Meta;
use crate::pointwise::fresh;
use crate::tensor::Tensor;
use crate::text;
use corten_base::alloc::room;
use corten_base::{DType, Operand, Result, Scalar, fail};
use corten_elementwise as kernels;
use corten_gemm::Prepared;
use smallvec::smallvec;

/// The kind of a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Four gates, and a state of two tensors.
    Lstm,
    /// Three gates.
    Gru,
}

impl Cell {
    fn gates(self) -> i64 {
        match self {
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }
}

/// What the steps of a layer take.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Layer<'a> {
    /// The input's part of the gates: (T, B, gates), or rows of all steps if there are `sizes`.
    pub gates: &'a Tensor,
    pub weight: &'a Tensor,
    pub bias: Option<&'a Tensor>,
    /// The state's tensors, (B, H).
    pub state: &'a [&'a Tensor],
    pub sizes: &'a [i64],
    pub reverse: bool,
}

impl Layer<'_> {
    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        [self.gates, self.weight].into_iter().chain(self.bias).chain(self.state.iter().copied())
    }

    /// True if there are kernels for all steps at once: one dtype of float32 and float64, in the host's memory or none.
    pub fn is_fused(&self) -> bool {
        let dtype = self.gates.dtype();
        matches!(dtype, DType::F32 | DType::F64)
            && self
                .tensors()
                .all(|x| x.dtype() == dtype && matches!(x.device().kind, DeviceKind::Cpu | DeviceKind::Meta))
    }

    /// The batch and the size of the state.
    fn size(&self) -> (i64, i64) {
        match self.state.first().map(|state| state.sizes()) {
            Some(&[batch, width]) => (batch, width),
            _ => (0, 0),
        }
    }
}

/// Refuses sizes that do not fit one another.
pub fn check(cell: Cell, layer: &Layer) -> Result<()> {
    let Layer { gates, weight, bias, state, sizes, .. } = layer;
    let (batch, width) = layer.size();
    let wide = width.checked_mul(cell.gates());
    let fits = |x: &Tensor, expected: &[Option<i64>]| {
        x.ndim() == expected.len() && x.sizes().iter().zip(expected).all(|(&size, &expected)| Some(size) == expected)
    };
    let states = state.iter().all(|state| fits(state, &[Some(batch), Some(width)]));
    let weights = fits(weight, &[wide, Some(width)]) && bias.is_none_or(|bias| fits(bias, &[wide]));
    if !states || !weights || gates.sizes().last().copied() != wide {
        let state = state.first().map_or(String::new(), |state| text::sizes(state.sizes()));
        fail!(
            Runtime,
            "a recurrent layer with weights of {} and a state of {state} does not take gates of {}",
            text::sizes(weight.sizes()),
            text::sizes(gates.sizes())
        );
    }
    let fall = sizes.windows(2).all(|pair| pair[0] >= pair[1]) && sizes.last().is_none_or(|&least| least >= 0);
    let total = sizes.iter().try_fold(0i64, |total, &size| total.checked_add(size));
    let packed =
        gates.ndim() == 2 && sizes.first().is_none_or(|&most| most <= batch) && total == Some(gates.sizes()[0]);
    let padded = gates.ndim() == 3 && sizes.is_empty() && gates.sizes()[1] == batch;
    if !fall || !(packed || padded) {
        fail!(
            Runtime,
            "a recurrent layer cannot cut gates of {} for {batch} sequences into {}",
            text::sizes(gates.sizes()),
            text::sizes(sizes)
        );
    }
    Ok(())
}

/// The first row and the number of rows of each step, in the order in which they are taken.
pub fn order(gates: &Tensor, sizes: &[i64], reverse: bool) -> Result<Vec<(i64, i64)>> {
    // Empty batches may have any number of steps, which do nothing.
    if gates.numel() == 0 {
        return Ok(Vec::new());
    }
    let mut steps: Vec<(i64, i64)> = room(if gates.ndim() == 3 { gates.sizes()[0] as usize } else { sizes.len() })?;
    if gates.ndim() == 3 {
        let batch = gates.sizes()[1];
        steps.extend((0..gates.sizes()[0]).map(|step| (step * batch, batch)));
    } else {
        let mut start = 0;
        for &size in sizes {
            steps.push((start, size));
            start += size;
        }
    }
    if reverse {
        steps.reverse();
    }
    Ok(steps)
}

/// Rows of a tensor without gaps, whose leading dimensions count as one.
fn rows(x: &Tensor, (start, count): (i64, i64)) -> Core {
    let width = x.sizes().last().copied().unwrap_or(1);
    x.core().with_geometry(smallvec![count, width], smallvec![width, 1], x.core().offset + start * width)
}

fn packed(x: &Tensor) -> Result<Tensor> {
    if x.core().is_contiguous() { Ok(x.clone()) } else { crate::ops::cast::contiguous(x).tensor() }
}

/// The factor of the step's product: the weight, or transposed.
fn prepared(weight: &Tensor, transposed: bool) -> Result<Prepared> {
    let (sizes, strides) = (weight.sizes(), weight.strides());
    if !transposed {
        return Prepared::new(weight.core().operand()?);
    }
    Prepared::new(weight.core().operand_as(&[sizes[1], sizes[0]], &[strides[1], strides[0]])?)
}

/// The leading dimensions of `x` with another last one.
fn with_last(x: &Tensor, width: i64) -> Dims {
    let mut sizes = x.dims();
    sizes.pop();
    sizes.push(width);
    sizes
}

/// `meta` of the steps: the outputs, the last state, then what the gradient needs: the gates after their functions (of
/// GRU with the state's part of the last) and the states that the steps began with.
pub fn meta(cell: Cell, layer: &Layer) -> Result<Meta> {
    check(cell, layer)?;
    let (batch, width) = layer.size();
    let Some(saved) = width.checked_mul(4) else { fail!(Runtime, "a state of {width} numbers is too large") };
    let like_gates = |width| fresh(layer.gates, with_last(layer.gates, width), layer.gates.dtype());
    let state = || layer.state.iter().map(|_| fresh(layer.gates, [batch, width].to_vec(), layer.gates.dtype()));
    Ok([like_gates(width)]
        .into_iter()
        .chain(state())
        .chain([like_gates(saved)])
        .chain(layer.state.iter().map(|_| like_gates(width)))
        .collect())
}

/// `kernel` of the steps.
pub fn steps(cell: Cell, layer: &Layer, outs: &[Tensor]) -> Result<()> {
    let states = layer.state.len();
    let ([out], rest) = outs.split_at(1) else { fail!(Runtime, "a recurrent layer has an output") };
    let (state, rest) = rest.split_at(states);
    let (saved, before) = rest.split_at(1);
    for (state, start) in state.iter().zip(layer.state) {
        copy_values(state, start)?;
    }
    let gates = packed(layer.gates)?;
    let order = order(&gates, layer.sizes, layer.reverse)?;
    if order.is_empty() {
        return Ok(());
    }
    let bias = layer.bias.map(packed).transpose()?;
    let bias = bias.as_ref().map(|bias| bias.core().operand()).transpose()?;
    let weight = prepared(layer.weight, true)?;
    let hidden = Tensor::empty(&[layer.size().0, layer.weight.sizes()[0]], gates.dtype(), gates.device())?;
    for step in order {
        let first = (0, step.1);
        for (before, state) in before.iter().zip(state) {
            kernels::copy(rows(before, step).operand()?, rows(state, first).operand()?)?;
        }
        let (x, hidden, h) = (rows(&gates, step), rows(&hidden, first), rows(&state[0], first));
        let (saved, out) = (rows(&saved[0], step), rows(out, step));
        weight.multiply(hidden.operand()?, h.operand()?, bias, false)?;
        let (x, hidden, h) = (x.operand()?, hidden.operand()?, h.operand()?);
        match cell {
            Cell::Lstm => {
                let c = rows(&state[1], first);
                kernels::lstm_cell(x, hidden, [h, c.operand()?], saved.operand()?, out.operand()?)?;
            }
            Cell::Gru => kernels::gru_cell(x, hidden, h, saved.operand()?, out.operand()?)?,
        }
    }
    Ok(())
}

/// What the gradient of the steps takes.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Gradient<'a> {
    /// Of the outputs.
    pub g: Option<&'a Tensor>,
    /// Of the last state's tensors.
    pub state: &'a [Option<&'a Tensor>],
    pub saved: &'a Tensor,
    /// The last tensor of the state that each step began with.
    pub before: &'a Tensor,
    pub weight: &'a Tensor,
    pub sizes: &'a [i64],
    pub reverse: bool,
}

/// `meta` of the gradient of the steps: of the gates (by GRU also of the state's part of them), then of the first state.
pub fn gradient_meta(cell: Cell, gradient: &Gradient, batch: i64) -> Result<Meta> {
    let (before, dtype) = (gradient.before, gradient.before.dtype());
    let width = before.sizes().last().copied().unwrap_or(0);
    let gates = gradient.weight.sizes().first().copied().unwrap_or(0);
    let state = [batch, width];
    let sizes_fit = gradient.state.iter().flatten().all(|g| g.sizes() == state && g.dtype() == dtype)
        && gradient.g.is_none_or(|g| g.sizes() == before.sizes() && g.dtype() == dtype)
        && gradient.weight.sizes() == [gates, width]
        && Some(gates) == width.checked_mul(cell.gates())
        && gradient.weight.dtype() == dtype
        && Some(gradient.saved.dims()) == width.checked_mul(4).map(|wide| with_last(before, wide));
    if !sizes_fit {
        fail!(Runtime, "the gradient of a recurrent layer does not take a state of {}", text::sizes(before.sizes()));
    }
    let like_gates = || fresh(before, with_last(before, gates), dtype);
    let state = gradient.state.iter().map(|_| fresh(before, state.to_vec(), dtype));
    let parts = if cell == Cell::Gru { 2 } else { 1 };
    Ok((0..parts).map(|_| like_gates()).chain(state).collect())
}

/// `kernel` of the gradient of the steps.
pub fn gradient(cell: Cell, gradient: &Gradient, outs: &[Tensor]) -> Result<()> {
    let (gates, state) = outs.split_at(if cell == Cell::Gru { 2 } else { 1 });
    for (out, g) in state.iter().zip(gradient.state) {
        match g {
            Some(g) => copy_values(out, g)?,
            None => kernels::fill(out.core().operand()?, Scalar::Int(0))?,
        }
    }
    let mut order = order(&gates[0], gradient.sizes, gradient.reverse)?;
    if order.is_empty() {
        return Ok(());
    }
    order.reverse();
    let g = gradient.g.map(packed).transpose()?;
    let (saved, before) = (packed(gradient.saved)?, packed(gradient.before)?);
    let weight = prepared(gradient.weight, false)?;
    for step in order {
        let first = (0, step.1);
        let g = g.as_ref().map(|g| rows(g, step));
        let g: Option<Operand> = g.as_ref().map(Core::operand).transpose()?;
        let (saved, before) = (rows(&saved, step), rows(&before, step));
        let (saved, before) = (saved.operand()?, before.operand()?);
        let (gh, gx) = (rows(&state[0], first), rows(&gates[0], step));
        let (gh, gx) = (gh.operand()?, gx.operand()?);
        match cell {
            Cell::Lstm => {
                let gc = rows(&state[1], first);
                kernels::lstm_cell_backward(saved, before, g, [gh, gc.operand()?], gx)?;
                weight.multiply(gh, gx, None, false)?;
            }
            Cell::Gru => {
                let g_hidden = rows(&gates[1], step);
                kernels::gru_cell_backward(saved, before, g, gh, gx, g_hidden.operand()?)?;
                weight.multiply(gh, g_hidden.operand()?, None, true)?;
            }
        }
    }
    Ok(())
}
