//! Bags of embeddings and losses of sequences: PyTorch's messages, and the calls of the kernels.

use crate::device::DeviceKind;
use crate::op::Meta;
use crate::pointwise::{common_device, fresh};
use crate::rules::read;
use crate::tensor::Tensor;
use crate::text;
use corten_base::alloc::room;
use corten_base::{DType, Result, fail};
use corten_reduce::{self as kernels, Sequence};
use smallvec::smallvec;

/// Indices in bags, of which those of the padding are left out.
pub struct Bags {
    /// Positions in the list of indices.
    pub positions: Vec<i64>,
    /// The bag of each.
    pub bags: Vec<i64>,
    /// Indices in each bag.
    pub counts: Vec<i64>,
    /// The bag of every index, the padding's too.
    pub all: Vec<i64>,
}

/// Shares out `indices` into bags that begin at `offsets`, of which the last may be the end instead.
pub fn bags(weight: &Tensor, indices: &Tensor, offsets: &Tensor, ends: bool, padding: Option<i64>) -> Result<Bags> {
    let total = indices.numel() as i64;
    // On the meta device there are no numbers: one bag holds everything.
    let read = |x: &Tensor| match x.device().kind {
        DeviceKind::Meta => Ok(vec![0; x.numel()]),
        _ => read::integers(x),
    };
    let (values, mut starts) = (read(indices)?, read(offsets)?);
    if let Some(&first) = starts.first()
        && first != 0
    {
        fail!(
            Runtime,
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {first}"
        );
    }
    if let Some(&last) = starts.last()
        && last > total
    {
        fail!(Runtime, "offsets[-1] can not be greater than input's length {total} but got offsets[-1] of {last}");
    }
    if starts.windows(2).any(|pair| pair[0] > pair[1]) {
        fail!(Runtime, "embedding_bag: offsets must not descend");
    }
    let end = if ends { starts.pop() } else { Some(total) };
    let Some(end) = end else { fail!(Runtime, "include_last_offset: number of offsets should be at least 1") };
    let rows = weight.sizes()[0];
    let padding = match padding {
        Some(padding) if padding < -rows || padding >= rows => fail!(
            Runtime,
            "padding_idx must be within the number of embeddings, -{rows} through {}, but got {padding}",
            rows - 1
        ),
        padding => padding.map(|padding| padding.rem_euclid(rows)),
    };
    let mut found = Bags {
        positions: room(values.len())?,
        bags: room(values.len())?,
        counts: room(starts.len())?,
        all: room(values.len())?,
    };
    for (bag, &start) in starts.iter().enumerate() {
        let end = starts.get(bag + 1).copied().unwrap_or(end);
        let before = found.bags.len();
        for position in start..end {
            let value = values[position as usize];
            if !(0..rows).contains(&value) {
                fail!(
                    Runtime,
                    "Index {position} of input takes value {value} which is not in the valid range [0, {rows})"
                );
            }
            found.all.push(bag as i64);
            if Some(value) != padding {
                found.positions.push(position);
                found.bags.push(bag as i64);
            }
        }
        found.counts.push((found.bags.len() - before) as i64);
    }
    Ok(found)
}

/// Refuses arguments of `embedding_bag` that do not fit each other.
pub fn check_bag(
    weight: &Tensor,
    indices: &Tensor,
    offsets: &Tensor,
    mode: i64,
    scales: Option<&Tensor>,
) -> Result<()> {
    common_device([weight, indices, offsets].into_iter().chain(scales))?;
    for (name, x) in [("indices", indices), ("offsets", offsets)] {
        if !matches!(x.dtype(), DType::I64 | DType::I32) {
            fail!(
                Runtime,
                "Expected tensor for argument #1 '{name}' to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead (while checking arguments for embedding_bag)",
                x.dtype().scalar_name()
            );
        }
        if x.ndim() != 1 {
            fail!(Runtime, "{name} has to be a 1D Tensor, but got Tensor of dimension {}", x.ndim());
        }
    }
    if weight.ndim() != 2 {
        fail!(Runtime, "weight has to be a 2D Tensor, but got Tensor of dimension {}", weight.ndim());
    }
    if !weight.dtype().is_float() {
        fail!(
            Runtime,
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, BFloat16, Float, Double; but got torch.{}Tensor instead (while checking arguments for embedding_bag)",
            weight.dtype().scalar_name()
        );
    }
    if !(0..=2).contains(&mode) {
        fail!(Runtime, "`mode` must be sum, mean, or max.");
    }
    if let Some(scales) = scales {
        if mode != 0 {
            fail!(Runtime, "embedding_bag: per_sample_weights only supported with mode='sum'");
        }
        if scales.dtype() != weight.dtype() || scales.sizes() != indices.sizes() {
            fail!(
                Runtime,
                "embedding_bag: expected per_sample_weights of {} and sizes {}, but got {} and {}",
                weight.dtype(),
                text::sizes(indices.sizes()),
                scales.dtype(),
                text::sizes(scales.sizes())
            );
        }
    }
    Ok(())
}

/// `meta` of `_ctc_loss`.
pub fn ctc_meta(x: &Tensor, targets: &Tensor, frames: &[i64], lengths: &[i64], blank: i64) -> Result<Meta> {
    common_device([x, targets])?;
    let &[most, count, classes] = x.sizes() else {
        fail!(Runtime, "ctc_loss: expected log_probs of 2 or 3 dimensions, but got sizes {}", text::sizes(x.sizes()));
    };
    if x.dtype() != DType::F32 && x.dtype() != DType::F64 {
        return x.dtype().unsupported("ctc_loss_cpu");
    }
    if !(0..classes).contains(&blank) {
        fail!(Runtime, "blank must be in label range");
    }
    for (name, list) in [("input_lengths", frames), ("target_lengths", lengths)] {
        if list.len() as i64 != count {
            fail!(Runtime, "{name} must be of size batch_size");
        }
        if let Some(length) = list.iter().find(|&&length| length < 0) {
            fail!(Runtime, "Expected {name} to have value at least 0, but got value {length}");
        }
    }
    if let Some(length) = frames.iter().find(|&&length| length > most) {
        fail!(Runtime, "Expected input_lengths to have value at most {most}, but got value {length}");
    }
    let sum = lengths.iter().fold(0i64, |sum, &length| sum.saturating_add(length));
    let longest = lengths.iter().copied().max().unwrap_or(0);
    match *targets.sizes() {
        [size] if size == sum => {}
        [size] => fail!(Runtime, "Expected targets to have size {sum} at dimension 0, but got size {size}"),
        [rows, size] if rows == count && size >= longest => {}
        _ => fail!(
            Runtime,
            "Expected targets to have size {count} at dimension 0 and at least {longest} at dimension 1, but got sizes {}",
            text::sizes(targets.sizes())
        ),
    }
    Ok(smallvec![fresh(x, [count].to_vec(), x.dtype())])
}

/// The labels of sequences that stand in rows or one behind the other.
fn sequences(targets: &Tensor, frames: &[i64], lengths: &[i64]) -> Result<Vec<Sequence>> {
    let all = read::integers(targets)?;
    let mut out = room(frames.len())?;
    let mut start = 0;
    for (n, (&frames, &length)) in frames.iter().zip(lengths).enumerate() {
        let first = if targets.ndim() == 2 { n * targets.sizes()[1] as usize } else { start };
        start += length as usize;
        out.push(Sequence { frames: frames as usize, labels: all[first..first + length as usize].to_vec() });
    }
    Ok(out)
}

/// `kernel` of `_ctc_loss`.
pub fn ctc(x: &Tensor, targets: &Tensor, frames: &[i64], lengths: &[i64], blank: i64, out: &Tensor) -> Result<()> {
    let sequences = sequences(targets, frames, lengths)?;
    kernels::ctc_loss(out.core().operand()?, x.core().operand()?, &sequences, blank)
}

/// `kernel` of `_ctc_loss_backward`.
pub fn ctc_backward(
    [g, x, targets]: [&Tensor; 3],
    [frames, lengths]: [&[i64]; 2],
    blank: i64,
    zero_infinity: bool,
    out: &Tensor,
) -> Result<()> {
    let sequences = sequences(targets, frames, lengths)?;
    let (out, g, x) = (out.core().operand()?, g.core().operand()?, x.core().operand()?);
    kernels::ctc_loss_backward(out, g, x, &sequences, blank, zero_infinity)
}
