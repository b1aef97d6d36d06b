//! Elementwise operators: broadcasting, promotion, and the call of one kernel.

use crate::core::{Core, Dims};
use crate::device::{Device, DeviceKind};
use crate::op::{Meta, OutSpec};
use crate::promote::{self, Promote};
use crate::tensor::Tensor;
use crate::value::{Number, Value};
use corten_base::{DType, Operand, Result, Scalar, fail};
use corten_elementwise::{self as kernels, Binary, Src, Unary};
use smallvec::{SmallVec, smallvec};
use std::ops::Range;

/// The sizes that two or more shapes broadcast to.
pub fn broadcast<'a>(shapes: impl IntoIterator<Item = &'a [i64]>) -> Result<Dims> {
    let mut out: Dims = SmallVec::new();
    for shape in shapes {
        while out.len() < shape.len() {
            out.insert(0, 1);
        }
        let lead = out.len() - shape.len();
        for (d, &size) in shape.iter().enumerate().rev() {
            let have = &mut out[lead + d];
            if *have == 1 {
                *have = size;
            } else if size != 1 && size != *have {
                fail!(
                    Runtime,
                    "The size of tensor a ({have}) must match the size of tensor b ({size}) at non-singleton dimension {}",
                    lead + d
                );
            }
        }
    }
    Ok(out)
}

/// The strides under which `core` is seen with the broadcast sizes.
pub fn broadcast_strides(core: &Core, sizes: &[i64]) -> Dims {
    let lead = sizes.len() - core.ndim();
    let mut strides: Dims = smallvec![0; lead];
    strides.extend(
        core.sizes.iter().zip(&core.strides).zip(&sizes[lead..]).map(
            |((&size, &stride), &wanted)| {
                if size == wanted { stride } else { 0 }
            },
        ),
    );
    strides
}

/// The device that operands share; a zero-dimensional tensor on the host joins any device.
pub fn common_device<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<Device> {
    let mut found: Option<(Device, bool)> = None;
    for tensor in tensors {
        let (device, weak) = (tensor.device(), tensor.ndim() == 0 && tensor.device().kind == DeviceKind::Cpu);
        match found {
            None => found = Some((device, weak)),
            Some((other, _)) if other == device => {}
            Some((_, true)) => found = Some((device, weak)),
            Some(_) if weak => {}
            Some((other, _)) => fail!(
                Runtime,
                "Expected all tensors to be on the same device, but found at least two devices, {other} and {device}!"
            ),
        }
    }
    Ok(found.map_or(Device::CPU, |(device, _)| device))
}

/// The operands among the arguments, as numbers: what comes first `count` times.
fn numbers(args: &[Value], count: usize) -> SmallVec<[Number<'_>; 3]> {
    args.iter()
        .take(count)
        .filter_map(|value| match value {
            Value::Tensor(t) => Some(Number::Tensor(t)),
            Value::Scalar(s) => Some(Number::Scalar(*s)),
            _ => None,
        })
        .collect()
}

/// The dtype in which a row computes, before it is widened for the kernel.
fn computed(rule: Promote, operands: &[Number]) -> DType {
    promote::apply(rule, promote::result_type(operands))
}

fn result_dtype(rule: Promote, computed: DType) -> DType {
    match rule {
        Promote::predicate => DType::Bool,
        Promote::to_real | Promote::to_real_float => computed.to_real(),
        Promote::to_complex => computed.to_complex(),
        _ => computed,
    }
}

/// Sizes, strides, dtype and device of an elementwise result over the given operands.
pub fn spec(rule: Promote, operands: &[Number]) -> Result<OutSpec> {
    let tensors: SmallVec<[&Tensor; 3]> = operands
        .iter()
        .filter_map(|n| match n {
            Number::Tensor(t) => Some(*t),
            Number::Scalar(_) => None,
        })
        .collect();
    let sizes = match tensors.as_slice() {
        [one] => one.dims(),
        many => broadcast(many.iter().map(|t| t.sizes()))?,
    };
    let strides = match tensors.iter().find(|t| t.sizes() == &sizes[..] && t.ndim() > 1) {
        Some(first) if !first.core().is_contiguous() => Some(first.core().dense_strides()),
        _ => None,
    };
    let dtype = result_dtype(rule, computed(rule, operands));
    Ok(OutSpec { sizes, strides, dtype, device: common_device(tensors)? })
}

fn unsupported<T>(name: &str, dtype: DType) -> Result<T> {
    dtype.unsupported(&format!("{name}_cpu"))
}

/// `meta` of a unary row.
pub fn unary_meta(op: Unary, rule: Promote, args: &[Value]) -> Result<Meta> {
    let operands = numbers(args, 1);
    let dtype = computed(rule, &operands);
    if !op.supports(dtype.compute()) {
        return unsupported(op.name(), dtype);
    }
    Ok(smallvec![spec(rule, &operands)?])
}

/// `kernel` of a unary row.
pub fn unary(op: Unary, rule: Promote, args: &[Value], outs: &[Tensor]) -> Result<()> {
    let compute = computed(rule, &numbers(args, 1)).compute();
    match &args[0] {
        Value::Tensor(x) => kernels::unary(op, compute, outs[0].core().operand()?, x.core().operand()?),
        _ => fail!(Type, "{}(): argument 'input' must be Tensor", op.name()),
    }
}

/// The short cut of a unary row: contiguous, computed in its own dtype.
pub fn unary_fast(op: Unary, rule: Promote, x: &Tensor) -> Option<Result<Tensor>> {
    let core = x.core();
    if rule == Promote::predicate || !is_short(core) || !op.supports(core.dtype) {
        return None;
    }
    let flat = || {
        let out = core.beside(core.dtype)?;
        let done = kernels::unary_flat(op, core.dtype, out.flat()?, core.flat()?)?;
        Ok(done.then(|| Tensor::new(out)))
    };
    flat().transpose()
}

/// True for what the short cuts take: few floats on the host, row-major.
#[inline(always)]
fn is_short(core: &Core) -> bool {
    matches!(core.dtype, DType::F32 | DType::F64)
        && core.is_contiguous()
        && core.numel() <= SHORT
        && core.device().kind == DeviceKind::Cpu
}

/// Elements up to which the short cuts apply: above, the general path costs nothing beside the work.
const SHORT: usize = 4096;

/// `meta` of a binary row.
pub fn binary_meta(op: Binary, rule: Promote, args: &[Value]) -> Result<Meta> {
    let operands = numbers(args, 2);
    let dtype = computed(rule, &operands);
    if !op.supports(dtype.compute()) {
        return unsupported(op.name(), dtype);
    }
    Ok(smallvec![spec(rule, &operands)?])
}

/// An operand as the dtype of the computation has it: where that is a small integer, numbers and zero-dimensional tensors
/// wrap around before the kernel sees them, which computes in a wider type.
fn wrapped(value: Number, dtype: DType) -> Result<Number> {
    let number = match value {
        Number::Tensor(t) if t.ndim() == 0 && t.dtype() != DType::Bool && t.dtype() != dtype && is_small(dtype) => {
            crate::rules::read::item(t)?
        }
        Number::Scalar(number) => number,
        tensor => return Ok(tensor),
    };
    Ok(match (number, dtype) {
        (Scalar::Int(x), DType::U8) => Number::Scalar(Scalar::Int(x as u8 as i64)),
        (Scalar::Int(x), DType::I8) => Number::Scalar(Scalar::Int(x as i8 as i64)),
        (Scalar::Int(x), DType::U16) => Number::Scalar(Scalar::Int(x as u16 as i64)),
        (Scalar::Int(x), DType::I16) => Number::Scalar(Scalar::Int(x as i16 as i64)),
        (Scalar::Int(x), DType::U32) => Number::Scalar(Scalar::Int(x as u32 as i64)),
        _ => value,
    })
}

fn is_small(dtype: DType) -> bool {
    matches!(dtype, DType::U8 | DType::I8 | DType::U16 | DType::I16 | DType::U32)
}

fn source<'a>(value: Number<'a>, sizes: &'a [i64], strides: &'a Dims) -> Result<Src<'a>> {
    Ok(match value {
        Number::Scalar(s) => Src::Scalar(s),
        Number::Tensor(t) => Src::Operand(t.core().operand_as(sizes, strides)?),
    })
}

fn strides_of(value: Number, sizes: &[i64]) -> Dims {
    match value {
        Number::Tensor(t) => broadcast_strides(t.core(), sizes),
        Number::Scalar(_) => Dims::new(),
    }
}

/// `kernel` of a binary row.
pub fn binary(op: Binary, rule: Promote, args: &[Value], outs: &[Tensor]) -> Result<()> {
    let operands = numbers(args, 2);
    let dtype = computed(rule, &operands);
    let compute = dtype.compute();
    let out = outs[0].core();
    let operands = [wrapped(operands[0], dtype)?, wrapped(operands[1], dtype)?];
    let (x, y) = (strides_of(operands[0], &out.sizes), strides_of(operands[1], &out.sizes));
    kernels::binary(
        op,
        compute,
        out.operand()?,
        source(operands[0], &out.sizes, &x)?,
        source(operands[1], &out.sizes, &y)?,
    )
}

/// The short cut of a binary row: two contiguous tensors of one shape and dtype, or one and a number that it absorbs.
pub fn binary_fast(op: Binary, rule: Promote, x: &Tensor, y: Number) -> Option<Result<Tensor>> {
    let a = x.core();
    if !is_short(a) || !op.supports(a.dtype) {
        return None;
    }
    let y = match y {
        Number::Tensor(y) => {
            let b = y.core();
            if b.dtype != a.dtype || b.sizes[..] != a.sizes[..] || !is_short(b) {
                return None;
            }
            return flat(op, rule, a, b).transpose();
        }
        Number::Scalar(Scalar::Complex(..) | Scalar::Bool(_)) => return None,
        Number::Scalar(s) => Src::Scalar(s),
    };
    Some((|| {
        let out = a.beside(result_dtype(rule, a.dtype))?;
        kernels::binary(op, a.dtype, out.operand()?, Src::Operand(a.operand()?), y)?;
        Ok(Tensor::new(out))
    })())
}

/// `op` over two contiguous values of one shape and dtype, where that is simple.
#[inline(always)]
fn flat(op: Binary, rule: Promote, a: &Core, b: &Core) -> Result<Option<Tensor>> {
    let out = a.beside(result_dtype(rule, a.dtype))?;
    let done = kernels::binary_flat(op, a.dtype, out.flat()?, a.flat()?, b.flat()?)?;
    Ok(done.then(|| Tensor::new(out)))
}

/// `meta` of a row over three or more operands, of which `typed` decide the dtype.
pub fn many_meta(
    name: &str,
    supports: fn(DType) -> bool,
    rule: Promote,
    args: &[Value],
    typed: Range<usize>,
) -> Result<Meta> {
    let typed = numbers(&args[typed], 4);
    let dtype = computed(rule, &typed);
    if !supports(dtype.compute()) {
        return unsupported(name, dtype);
    }
    let mut out = spec(rule, &numbers(args, 4))?;
    out.dtype = result_dtype(rule, dtype);
    Ok(smallvec![out])
}

/// `kernel` of a row over three or more operands.
pub fn many(
    rule: Promote,
    args: &[Value],
    typed: Range<usize>,
    outs: &[Tensor],
    kernel: fn(DType, Operand, &[Src]) -> Result<()>,
) -> Result<()> {
    let dtype = computed(rule, &numbers(&args[typed], 4));
    let compute = dtype.compute();
    let operands: SmallVec<[Number; 3]> =
        numbers(args, 4).into_iter().map(|operand| wrapped(operand, dtype)).collect::<Result<_>>()?;
    let out = outs[0].core();
    let strides: SmallVec<[Dims; 4]> = operands.iter().map(|&n| strides_of(n, &out.sizes)).collect();
    let mut sources = SmallVec::<[Src; 4]>::new();
    for (&operand, strides) in operands.iter().zip(&strides) {
        sources.push(source(operand, &out.sizes, strides)?);
    }
    kernel(compute, out.operand()?, &sources)
}

/// True for the number one.
pub fn is_one(value: &Value) -> bool {
    matches!(value, Value::Scalar(Scalar::Int(1)))
}

/// The rules for `alpha`: no float for integers, no complex number for reals.
pub fn check_alpha(operands: &[Value], alpha: &Value) -> Result<()> {
    if is_one(alpha) {
        return Ok(());
    }
    let dtype = promote::result_type(&numbers(operands, 2));
    let Value::Scalar(alpha) = alpha else { fail!(Type, "argument 'alpha' must be a number") };
    if alpha.category() > dtype.category().max(corten_base::dtype::Category::Int) {
        match alpha {
            Scalar::Complex(..) => {
                fail!(Runtime, "For non-complex input tensors, argument alpha must not be a complex number.")
            }
            _ => fail!(Runtime, "For integral input tensors, argument alpha must not be a floating point number."),
        }
    }
    Ok(())
}

/// A spec of the same sizes as `input`, with its order of dimensions.
pub fn like(input: &Tensor, dtype: DType) -> OutSpec {
    let core = input.core();
    let strides = (!core.is_contiguous()).then(|| core.dense_strides());
    OutSpec { sizes: Dims::from_slice(&core.sizes), strides, dtype, device: core.device() }
}

/// A row-major spec on the device of `input`.
pub fn fresh(input: &Tensor, sizes: impl Into<Dims>, dtype: DType) -> OutSpec {
    OutSpec { sizes: sizes.into(), strides: None, dtype, device: input.device() }
}
