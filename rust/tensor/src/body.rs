//! Bodies that many rows share: the shorthands of the op table.

use crate::tensor::Tensor;
use crate::{DeviceKind, Result};

/// Copies values without recording and without counting a change.
pub fn copy_values(out: &Tensor, source: &Tensor) -> Result<()> {
    let (out, source) = (out.core(), source.core());
    if out.device().kind != DeviceKind::Cpu || source.device().kind != DeviceKind::Cpu {
        return crate::dispatch::write(&Tensor::new(source.clone()), &Tensor::new(out.clone()));
    }
    let strides = crate::pointwise::broadcast_strides(source, &out.sizes);
    corten_elementwise::copy(out.operand()?, source.operand_as(&out.sizes, &strides)?)
}

/// `unary(exp, to_float)`: one kernel over one tensor.
macro_rules! unary {
    ($op:ident, $rule:ident) => {
        crate::op::Body::Kernel {
            meta: |args| {
                crate::pointwise::unary_meta(corten_elementwise::Unary::$op, crate::promote::Promote::$rule, args)
            },
            run: Some(|args, outs| {
                crate::pointwise::unary(corten_elementwise::Unary::$op, crate::promote::Promote::$rule, args, outs)
            }),
            fast: Some(|args| {
                crate::pointwise::unary_fast(corten_elementwise::Unary::$op, crate::promote::Promote::$rule, args)
            }),
            elementwise: true,
        }
    };
}

/// `binary(mul, default)`: one kernel over two tensors or numbers.
macro_rules! binary {
    ($op:ident, $rule:ident) => {
        crate::op::Body::Kernel {
            meta: |args| {
                crate::pointwise::binary_meta(corten_elementwise::Binary::$op, crate::promote::Promote::$rule, args)
            },
            run: Some(|args, outs| {
                crate::pointwise::binary(corten_elementwise::Binary::$op, crate::promote::Promote::$rule, args, outs)
            }),
            fast: Some(|args| {
                crate::pointwise::binary_fast(corten_elementwise::Binary::$op, crate::promote::Promote::$rule, args)
            }),
            elementwise: true,
        }
    };
}

/// `ternary(addcmul, default, 0..3, value)`: one kernel over three operands; the range tells which decide the dtype,
/// the last item is the position of the number of the formula.
macro_rules! ternary {
    ($op:ident, $rule:ident, $typed:expr, $value:expr) => {
        crate::op::Body::Kernel {
            meta: |args| {
                crate::pointwise::ternary_meta(
                    corten_elementwise::Ternary::$op,
                    crate::promote::Promote::$rule,
                    args,
                    $typed,
                )
            },
            run: Some(|args, outs| {
                let value: fn(&[crate::value::Value]) -> crate::Result<crate::Scalar> = $value;
                crate::pointwise::ternary(
                    corten_elementwise::Ternary::$op,
                    crate::promote::Promote::$rule,
                    args,
                    $typed,
                    value(args)?,
                    outs,
                )
            }),
            fast: None,
            elementwise: true,
        }
    };
}

/// `scaled(add, add_scaled)`: `input ± alpha * other`, with the plain kernel where alpha is one.
macro_rules! scaled {
    ($plain:ident, $scaled:ident) => {
        crate::op::Body::Kernel {
            meta: |args| {
                crate::pointwise::check_alpha(&args[..2], &args[2])?;
                crate::pointwise::binary_meta(corten_elementwise::Binary::$plain, crate::promote::Promote::default, args)
            },
            run: Some(|args, outs| {
                use crate::promote::Promote;
                if crate::pointwise::is_one(&args[2]) {
                    crate::pointwise::binary(corten_elementwise::Binary::$plain, Promote::default, args, outs)
                } else {
                    let op = corten_elementwise::Ternary::$scaled;
                    crate::pointwise::ternary(op, Promote::default, args, 0..2, crate::Scalar::Int(1), outs)
                }
            }),
            fast: Some(|args| {
                if !crate::pointwise::is_one(&args[2]) {
                    return None;
                }
                crate::pointwise::binary_fast(corten_elementwise::Binary::$plain, crate::promote::Promote::default, args)
            }),
            elementwise: true,
        }
    };
}

pub(crate) use {binary, scaled, ternary, unary};
