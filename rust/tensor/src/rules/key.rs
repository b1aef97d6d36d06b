//! Index expressions: what `x[...]` means, as views followed by at most one choice of elements by index tensors.

use crate::device::DeviceKind;
use crate::lazy::T;
use crate::ops::all as ops;
use crate::tensor::Tensor;
use crate::text;
use crate::value::{IndexItem, Value};
use corten_base::{DType, Result, fail};

/// A key on its way to a result: the view that ints, slices and new axes give, and an index for some of its dimensions.
pub struct Resolved {
    /// The view.
    pub view: Tensor,
    /// One item for each dimension up to the last indexed one; int64.
    pub indices: Vec<Option<Tensor>>,
}

impl Resolved {
    /// True if the key chooses no elements by tensors.
    pub fn is_basic(&self) -> bool {
        self.indices.is_empty()
    }
}

fn is_mask(x: &Tensor) -> bool {
    matches!(x.dtype(), DType::Bool | DType::U8)
}

/// How many dimensions an item takes up.
fn consumed(item: &IndexItem) -> usize {
    match item {
        IndexItem::Int(_) | IndexItem::Slice(..) => 1,
        IndexItem::Tensor(t) if is_mask(t) => t.ndim(),
        IndexItem::Tensor(_) => 1,
        IndexItem::Ellipsis | IndexItem::NewAxis | IndexItem::Bool(_) => 0,
    }
}

/// Works out a key.
pub fn resolve(input: &Tensor, key: &[IndexItem]) -> Result<Resolved> {
    let count: usize = key.iter().map(consumed).sum();
    if count > input.ndim() {
        if input.ndim() == 0 && matches!(key, [IndexItem::Int(_)]) {
            fail!(
                Index,
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
            );
        }
        fail!(Index, "too many indices for tensor of dimension {}", input.ndim());
    }
    if key.iter().filter(|item| matches!(item, IndexItem::Ellipsis)).count() > 1 {
        fail!(Index, "an index can only have a single ellipsis ('...')");
    }
    let mut state = State { view: input.clone(), dim: 0, indices: Vec::new() };
    for (place, item) in key.iter().enumerate() {
        match item {
            IndexItem::Int(index) => state.select(*index, place)?,
            IndexItem::Slice(start, stop, step) => state.slice(*start, *stop, step.unwrap_or(1))?,
            IndexItem::Ellipsis => state.dim += input.ndim() - count,
            IndexItem::NewAxis => {
                state.view = ops::unsqueeze(&state.view, state.dim as i64).tensor()?;
                state.dim += 1;
            }
            IndexItem::Bool(on) => state.truth(*on)?,
            IndexItem::Tensor(index) => state.tensor(index, place)?,
        }
    }
    Ok(Resolved { view: state.view, indices: state.indices })
}

struct State {
    view: Tensor,
    /// The dimension of `view` that the next item is about.
    dim: usize,
    indices: Vec<Option<Tensor>>,
}

impl State {
    fn select(&mut self, index: i64, place: usize) -> Result<()> {
        let size = self.view.sizes()[self.dim];
        if index < -size || index >= size {
            fail!(Index, "index {index} is out of bounds for dimension {place} with size {size}");
        }
        self.view = ops::select(&self.view, self.dim as i64, index).tensor()?;
        Ok(())
    }

    fn slice(&mut self, start: Option<i64>, stop: Option<i64>, step: i64) -> Result<()> {
        if step == 0 {
            fail!(Value, "slice step cannot be zero");
        }
        let size = self.view.sizes()[self.dim];
        let whole = step == 1 && start.is_none_or(|i| i == 0 || i <= -size) && stop.is_none_or(|i| i >= size);
        if !whole {
            self.view = ops::slice_with(&self.view, self.dim as i64, start, stop, step).tensor()?;
        }
        self.dim += 1;
        Ok(())
    }

    fn truth(&mut self, on: bool) -> Result<()> {
        self.view = ops::unsqueeze(&self.view, self.dim as i64).tensor()?;
        let index = Tensor::empty(&[on as i64], DType::I64, self.view.device())?;
        ops::zero_(&index).get()?;
        self.record(index);
        Ok(())
    }

    fn tensor(&mut self, index: &Tensor, place: usize) -> Result<()> {
        if index.dtype().is_float() || index.dtype().is_complex() {
            fail!(Index, "tensors used as indices must be long, int, byte or bool tensors");
        }
        match (is_mask(index), index.ndim()) {
            (true, 0) => self.truth(!super::read::item(index)?.is_zero()),
            (false, 0) => self.select(super::read::item(index)?.to_i64(), place),
            (true, _) => self.mask(index, place),
            (false, _) => {
                self.record(int64(index)?);
                Ok(())
            }
        }
    }

    /// A mask is the indices of its true elements, one tensor a dimension.
    fn mask(&mut self, mask: &Tensor, place: usize) -> Result<()> {
        check_mask(mask, &self.view, self.dim, place)?;
        for index in nonzero_by_dimension(mask)? {
            self.record(index);
        }
        Ok(())
    }

    fn record(&mut self, index: Tensor) {
        self.indices.resize(self.dim, None);
        self.indices.push(Some(index));
        self.dim += 1;
    }
}

/// The sizes of a mask must be those of the dimensions that it covers.
fn check_mask(mask: &Tensor, view: &Tensor, dim: usize, place: usize) -> Result<()> {
    for (d, &size) in mask.sizes().iter().enumerate() {
        if view.sizes()[dim + d] != size {
            fail!(
                Index,
                "The shape of the mask {} at index {d} does not match the shape of the indexed tensor {} at index {}",
                text::sizes(mask.sizes()),
                text::sizes(view.sizes()),
                dim + d + place - place.min(dim)
            );
        }
    }
    Ok(())
}

/// The indices of a tensor's non-zero elements, one vector a dimension.
pub fn nonzero_by_dimension(x: &Tensor) -> Result<Vec<Tensor>> {
    let places = ops::nonzero(x).tensor()?;
    (0..x.ndim()).map(|d| ops::select(&places, 1, d).tensor()).collect()
}

/// An index as int64.
pub fn int64(index: &Tensor) -> Result<Tensor> {
    if index.dtype() == DType::I64 { Ok(index.clone()) } else { ops::to(index, DType::I64).tensor() }
}

/// `x[key]`: a view, or the chosen elements.
pub fn get(input: &Tensor, key: &[IndexItem]) -> Result<T> {
    if let [IndexItem::Tensor(mask)] = key
        && is_mask(mask)
        && mask.ndim() > 0
        && mask.ndim() == input.ndim()
        && [input, mask].iter().all(|x| x.device().kind == DeviceKind::Cpu)
        && !(input.requires_grad() && crate::mode::grad_enabled())
    {
        // A mask of all dimensions chooses elements one by one; where it is recorded, its indices are kept for the gradient.
        check_mask(mask, input, 0, 0)?;
        return Ok(ops::masked_select(input, ops::bool(mask)));
    }
    let Resolved { view, indices } = resolve(input, key)?;
    Ok(match indices.is_empty() {
        true if view.is(input) => ops::alias(input),
        true => view.into(),
        false => ops::index_tensors(view, Value::OptionalTensors(indices)),
    })
}

/// Without dimensions of size one in front of those that are needed, as PyTorch allows in assignments.
fn trimmed(value: &Tensor, ndim: usize) -> T {
    let extra = value.sizes().iter().take_while(|&&n| n == 1).count().min(value.ndim().saturating_sub(ndim));
    if extra == 0 { T::from(value) } else { ops::view(ops::contiguous(value), &value.sizes()[extra..]) }
}

/// `x[key] = value`, or `+=` with repetitions if `accumulate`.
pub fn set(input: &Tensor, key: &[IndexItem], value: &Value, accumulate: bool) -> Result<()> {
    let single = match value {
        Value::Scalar(_) => true,
        Value::Tensor(t) => t.numel() == 1,
        _ => false,
    };
    if let ([IndexItem::Tensor(mask)], true, false) = (key, single, accumulate)
        && is_mask(mask)
        && mask.ndim() > 0
        && mask.ndim() <= input.ndim()
    {
        check_mask(mask, input, 0, 0)?;
        let sizes = [mask.sizes(), &vec![1; input.ndim() - mask.ndim()]].concat();
        let mask = ops::reshape(ops::bool(mask), sizes);
        let filled = match value {
            Value::Tensor(t) => ops::masked_fill_tensor_(input, mask, ops::reshape(t, [])),
            value => ops::masked_fill_(input, mask, value),
        };
        return filled.get().map(|_| ());
    }
    let resolved = resolve(input, key)?;
    let view = &resolved.view;
    if resolved.is_basic() && !accumulate {
        return match value {
            Value::Tensor(source) => {
                let source = trimmed(source, view.ndim()).tensor()?;
                super::view::expand(&source, view.sizes())?;
                ops::copy_(view, source).get().map(|_| ())
            }
            value => ops::fill_(view, value).get().map(|_| ()),
        };
    }
    let by_mask = || {
        let mut choices = key.iter().filter(|item| matches!(item, IndexItem::Tensor(_)));
        matches!((choices.next(), choices.next()), (Some(IndexItem::Tensor(t)), None) if is_mask(t))
    };
    let values = match value {
        // One number takes any dtype where one mask chooses, as in PyTorch.
        Value::Tensor(t) if single && !accumulate && by_mask() => {
            super::checks::real_value(t, view.dtype())?;
            ops::to(t, view.dtype())
        }
        Value::Tensor(t) => T::from(t),
        value => ops::fill_(Tensor::empty(&[], view.dtype(), view.device())?, value),
    };
    if resolved.is_basic() {
        return ops::add_(view, values, 1).get().map(|_| ());
    }
    let ndim = super::index::chosen(view, &resolved.indices)?.sizes.len();
    let values = trimmed(&values.tensor()?, ndim);
    ops::index_put_tensors_(view, Value::OptionalTensors(resolved.indices), values, accumulate).get().map(|_| ())
}
