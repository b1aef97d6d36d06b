//! Embeddings, borders and windows: sizes, PyTorch's messages, and the calls of the kernels.

use super::key::int64;
use crate::core::Dims;
use crate::device::{Device, DeviceKind, MemoryFormat};
use crate::lazy::T;
use crate::op::Meta;
use crate::ops::all as ops;
use crate::pointwise::fresh;
use crate::tensor::Tensor;
use crate::text;
use crate::value::Value;
use corten_base::{DType, Kind, Operand, Result, Scalar, error, fail};
use corten_index::{self as kernels, Edge, Window};
use smallvec::smallvec;

/// `meta` of `embedding`.
pub fn embedding_meta(weight: &Tensor, indices: &Tensor, sparse: bool) -> Result<Meta> {
    if weight.ndim() != 2 {
        fail!(Runtime, "'weight' must be 2-D");
    }
    if sparse {
        fail!(NotImplemented, "embedding(): argument 'sparse' must be False: there are no sparse tensors");
    }
    crate::pointwise::common_device([weight, indices])?;
    if !matches!(indices.dtype(), DType::I64 | DType::I32) {
        fail!(
            Runtime,
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead (while checking arguments for embedding)",
            indices.dtype().scalar_name()
        );
    }
    let mut sizes = indices.dims();
    sizes.push(weight.sizes()[1]);
    Ok(smallvec![fresh(weight, sizes, weight.dtype())])
}

/// `kernel` of `embedding`.
pub fn embedding(weight: &Tensor, indices: &Tensor, out: &Tensor) -> Result<()> {
    let index = super::lines::flat(&int64(indices)?)?;
    let sizes = [index.numel() as i64, weight.sizes()[1]];
    let strides = [sizes[1], 1];
    let rows = out.core().operand_as(&sizes, &strides)?;
    kernels::index_select(rows, weight.core().operand()?, 0, index.core().operand()?)
        .map_err(|e| if e.kind() == Kind::Index { error!(Index, "index out of range in self") } else { e })
}

/// `kernel` of `embedding_dense_backward`; by frequency, each row counts as one whatever its repetitions.
pub fn embedding_backward(g: &Tensor, indices: &Tensor, padding: i64, by_frequency: bool, out: &Tensor) -> Result<()> {
    let (mut g, indices) = (g.clone(), int64(indices)?);
    if by_frequency {
        let flat = super::lines::flat(&indices)?;
        let counts = Tensor::empty(&out.sizes()[..1], DType::I64, out.device())?;
        kernels::bincount(counts.core().operand()?, flat.core().operand()?, None)?;
        let each = ops::unsqueeze(ops::index_tensors(counts, Value::OptionalTensors(vec![Some(indices.clone())])), -1);
        g = ops::div(g, each).tensor()?;
    }
    let padding = (padding >= 0).then_some(padding);
    kernels::embedding_backward(out.core().operand()?, g.core().operand()?, indices.core().operand()?, padding)
}

/// What a border of this mode shows.
fn edge(mode: &str) -> Result<Edge> {
    match mode {
        "reflect" => Ok(Edge::Reflect),
        "replicate" => Ok(Edge::Replicate),
        "circular" => Ok(Edge::Circular),
        _ => fail!(NotImplemented, "Unrecognised padding mode {mode}"),
    }
}

/// The size of a dimension with a border of `before` and `after`.
fn bordered(edge: Edge, size: i64, before: i64, after: i64) -> Result<i64> {
    let reach = before.max(after);
    let total = before.saturating_add(after).saturating_add(size);
    match edge {
        Edge::Reflect if reach >= size => fail!(
            Runtime,
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding ({before}, {after}) at a dimension of size {size}"
        ),
        Edge::Circular
            if reach > size || (total > 0 && size.saturating_add(before.min(0)).saturating_add(after.min(0)) <= 0) =>
        {
            fail!(
                Runtime,
                "Padding value causes wrapping around more than once: padding ({before}, {after}) at a dimension of size {size}"
            )
        }
        Edge::Replicate if size == 0 => fail!(Runtime, "Expected a non-empty dimension to replicate"),
        _ if total < 0 || reach > 1 << 40 => {
            fail!(Runtime, "padding ({before}, {after}) does not fit a dimension of size {size}")
        }
        _ => Ok(total),
    }
}

/// `meta` of `_pad_border`: pairs of (before, after), the last dimension's first; negative ones crop.
pub fn border_meta(x: &Tensor, pad: &[i64], mode: &str) -> Result<Meta> {
    // One, two or three dimensions at the end, behind channels and perhaps a batch.
    let spatial = pad.len() / 2;
    if !pad.len().is_multiple_of(2) || !(1..=3).contains(&spatial) || !(spatial + 1..=spatial + 2).contains(&x.ndim()) {
        fail!(NotImplemented, "Padding size {} is not supported for {}D input tensor.", pad.len(), x.ndim());
    }
    let (edge, mut sizes) = (edge(mode)?, x.dims());
    for (size, pair) in sizes.iter_mut().rev().zip(pad.chunks_exact(2)) {
        *size = bordered(edge, *size, pair[0], pair[1])?;
    }
    Ok(smallvec![super::resample::like(x, sizes)])
}

/// How many elements come before each dimension of `x`.
fn before(x: &Tensor, pad: &[i64]) -> Dims {
    let mut before: Dims = smallvec![0; x.ndim()];
    before.iter_mut().rev().zip(pad.chunks_exact(2)).for_each(|(before, pair)| *before = pair[0]);
    before
}

/// `kernel` of `_pad_border`.
pub fn border(x: &Tensor, pad: &[i64], mode: &str, out: &Tensor) -> Result<()> {
    kernels::border(out.core().operand()?, x.core().operand()?, edge(mode)?, &before(x, pad))
}

/// `kernel` of `_pad_border_backward`.
pub fn border_backward(g: &Tensor, pad: &[i64], mode: &str, out: &Tensor) -> Result<()> {
    kernels::border_backward(out.core().operand()?, g.core().operand()?, edge(mode)?, &before(g, pad))
}

/// An int64 vector on a device.
pub fn vector(values: &[i64], device: Device) -> Result<T> {
    let out = Tensor::empty(&[values.len() as i64], DType::I64, Device::CPU)?;
    let ptr = out.core().operand()?.ptr().cast::<i64>();
    for (i, &value) in values.iter().enumerate() {
        // SAFETY: the fresh tensor is contiguous and holds as many int64 elements as there are values.
        unsafe { ptr.add(i).write(value) }
    }
    Ok(match device.kind {
        DeviceKind::Cpu => T::from(out),
        _ => ops::_to_copy_with(out, Value::None, device, MemoryFormat::Preserve),
    })
}

/// The windows of `im2col`.
pub fn window(kernel: &[i64], dilation: &[i64], padding: &[i64], stride: &[i64]) -> Result<Window> {
    let two = |list: &[i64]| match *list {
        [a, b] => Ok([a, b]),
        _ => fail!(Runtime, "expected two numbers, got {}", text::sizes(list)),
    };
    Ok(Window { kernel: two(kernel)?, dilation: two(dilation)?, padding: two(padding)?, stride: two(stride)? })
}

/// `meta` of `im2col`.
pub fn unfold_meta(x: &Tensor, window: Window) -> Result<Meta> {
    let sizes = x.sizes();
    if (sizes.len() != 3 && sizes.len() != 4) || sizes[sizes.len() - 3..].contains(&0) {
        fail!(
            Runtime,
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {}",
            text::sizes(sizes)
        );
    }
    let (lead, plane) = sizes.split_at(sizes.len() - 3);
    let counts = window.counts([plane[1], plane[2]])?;
    let mut out: Dims = lead.into();
    out.extend([plane[0] * window.kernel[0] * window.kernel[1], counts[0] * counts[1]]);
    Ok(smallvec![fresh(x, out, x.dtype())])
}

/// An operand with a batch dimension in front where it lacks one.
fn with_batch<'a>(x: &'a Tensor, ndim: usize, shape: &'a mut (Dims, Dims)) -> Result<Operand<'a>> {
    *shape = (x.core().sizes.clone(), x.core().strides.clone());
    if x.ndim() < ndim {
        shape.0.insert(0, 1);
        shape.1.insert(0, 1);
    }
    x.core().operand_as(&shape.0, &shape.1)
}

/// `kernel` of `im2col`.
pub fn unfold(x: &Tensor, window: Window, out: &Tensor) -> Result<()> {
    let (mut a, mut b) = Default::default();
    kernels::unfold(with_batch(out, 3, &mut a)?, with_batch(x, 4, &mut b)?, window)
}

/// `meta` of `col2im`.
pub fn fold_meta(x: &Tensor, size: &[i64], window: Window) -> Result<Meta> {
    let (sizes, &[h, w]) = (x.sizes(), size) else { fail!(Runtime, "expected output_size to have two numbers") };
    if (sizes.len() != 2 && sizes.len() != 3) || sizes[sizes.len() - 2..].contains(&0) {
        fail!(
            Runtime,
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {}",
            text::sizes(sizes)
        );
    }
    let (lead, columns) = sizes.split_at(sizes.len() - 2);
    let (area, counts) = (window.kernel[0].saturating_mul(window.kernel[1]), window.counts([h, w])?);
    if area <= 0 || columns[0] % area != 0 {
        fail!(
            Runtime,
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={} and kernel_size=({}, {}).",
            columns[0],
            window.kernel[0],
            window.kernel[1]
        );
    }
    if columns[1] != counts[0] * counts[1] {
        fail!(
            Runtime,
            "Given output_size=({h}, {w}), expected size of input's dimension 2 to match the calculated number of sliding blocks {} * {} = {}, but got input.size(2)={}.",
            counts[0],
            counts[1],
            counts[0] * counts[1],
            columns[1]
        );
    }
    let mut out: Dims = lead.into();
    out.extend([columns[0] / area, h, w]);
    Ok(smallvec![fresh(x, out, x.dtype())])
}

/// `kernel` of `col2im`.
pub fn fold(x: &Tensor, window: Window, out: &Tensor) -> Result<()> {
    corten_elementwise::fill(out.core().operand()?, Scalar::Int(0))?;
    let (mut a, mut b) = Default::default();
    kernels::fold(with_batch(out, 4, &mut a)?, with_batch(x, 3, &mut b)?, window)
}
