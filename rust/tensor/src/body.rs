//! Bodies that many rows share: the shorthands of the op table.

use crate::lazy::T;
use crate::tensor::Tensor;
use crate::{DeviceKind, Result};

/// Copies values without recording and without counting a change.
pub fn copy_values(out: &Tensor, source: &Tensor) -> Result<()> {
    let (out, source) = (out.core(), source.core());
    match (out.device().kind, source.device().kind) {
        (DeviceKind::Cpu, DeviceKind::Cpu) => {}
        (DeviceKind::Meta, _) => return Ok(()),
        (_, DeviceKind::Meta) => crate::fail!(NotImplemented, "Cannot copy out of meta tensor; no data!"),
        _ => {
            let (out, source) = (Tensor::new(out.clone()), Tensor::new(source.clone()));
            let copy = &crate::ops::cast::OPS[0];
            return crate::dispatch::on_array(copy, &[(&out).into(), source.into()], &[out]);
        }
    }
    let strides = crate::pointwise::broadcast_strides(source, &out.sizes);
    corten_elementwise::copy(out.operand()?, source.operand_as(&out.sizes, &strides)?)
}

/// Begins a kernel that changes part of its input: the result takes the input's values, where it is not the input itself.
pub fn start_update(out: &Tensor, input: &Tensor) -> Result<()> {
    let (a, b) = (out.core(), input.core());
    let same = a.shares_storage(b) && a.offset == b.offset && a.sizes == b.sizes && a.strides == b.strides;
    if same { Ok(()) } else { copy_values(out, input) }
}

/// A kernel in terms of other rows, without recording: the formula's value goes into `out`.
pub fn evaluate(out: &Tensor, formula: impl FnOnce() -> T) -> Result<()> {
    let _below = crate::mode::no_grad();
    copy_values(out, &formula().tensor()?)
}

/// What `compute` makes of `inputs`, in `dtype`: as in kernels, halves are computed in float32 and rounded once.
pub fn in_single<const N: usize>(
    dtype: crate::DType,
    inputs: [&Tensor; N],
    compute: impl FnOnce([T; N]) -> Result<T>,
) -> Result<T> {
    // Inputs of several dtypes stay what they are, so that rows that want one dtype say so.
    let widen = dtype.is_float() && inputs.iter().all(|x| x.dtype() == dtype);
    let wide = |x: &Tensor| if widen { crate::ops::all::to(x, dtype.compute()) } else { T::from(x) };
    Ok(crate::ops::all::to(compute(inputs.map(wide))?, dtype))
}

/// `unary(exp, to_float)`: one kernel over one tensor; a third word names a check of the arguments. Checks must let
/// float32 and float64 pass: the short cut does not ask them.
macro_rules! unary {
    ($op:ident, $rule:ident $(, $check:path)?) => {
        crate::op::Body::Kernel {
            meta: |args| {
                $($check(args)?;)?
                crate::pointwise::unary_meta(corten_elementwise::Unary::$op, crate::promote::Promote::$rule, args)
            },
            run: Some(|args, outs| {
                crate::pointwise::unary(corten_elementwise::Unary::$op, crate::promote::Promote::$rule, args, outs)
            }),
            fast: Some(|x, _| {
                crate::pointwise::unary_fast(corten_elementwise::Unary::$op, crate::promote::Promote::$rule, x)
            }),
            elementwise: true,
            updates: false,
        }
    };
}

/// `binary(mul, default)`: one kernel over two tensors or numbers; checks as for `unary`.
macro_rules! binary {
    ($op:ident, $rule:ident $(, $check:path)?) => {
        crate::op::Body::Kernel {
            meta: |args| {
                $($check(args)?;)?
                crate::pointwise::binary_meta(corten_elementwise::Binary::$op, crate::promote::Promote::$rule, args)
            },
            run: Some(|args, outs| {
                crate::pointwise::binary(corten_elementwise::Binary::$op, crate::promote::Promote::$rule, args, outs)
            }),
            fast: Some(|x, y| {
                crate::pointwise::binary_fast(corten_elementwise::Binary::$op, crate::promote::Promote::$rule, x, y?)
            }),
            elementwise: true,
            updates: false,
        }
    };
}

/// `ternary(lerp, default, 0..3)`: one kernel over the first three arguments, of which the range decide the dtype.
macro_rules! ternary {
    ($op:ident, $rule:ident, $typed:expr $(, $check:path)?) => {
        crate::body::many!(Ternary, ternary, $op, $rule, $typed, [x, y, z] $(, $check)?)
    };
}

/// `quaternary(addcmul, default, 0..3)`: one kernel over the first four arguments.
macro_rules! quaternary {
    ($op:ident, $rule:ident, $typed:expr $(, $check:path)?) => {
        crate::body::many!(Quaternary, quaternary, $op, $rule, $typed, [x, y, z, v] $(, $check)?)
    };
}

/// What `ternary` and `quaternary` have in common.
macro_rules! many {
    ($list:ident, $kernel:ident, $op:ident, $rule:ident, $typed:expr, [$($arg:ident),*] $(, $check:path)?) => {
        crate::op::Body::Kernel {
            meta: |args| {
                $($check(args)?;)?
                use corten_elementwise::$list;
                let rule = crate::promote::Promote::$rule;
                crate::pointwise::many_meta($list::$op.name(), |d| $list::$op.supports(d), rule, args, $typed)
            },
            run: Some(|args, outs| {
                use corten_elementwise::$list;
                let rule = crate::promote::Promote::$rule;
                crate::pointwise::many(rule, args, $typed, outs, |compute, out, sources| match sources {
                    [$($arg),*] => corten_elementwise::$kernel($list::$op, compute, out, $(*$arg),*),
                    _ => crate::fail!(Type, "{}(): wrong number of operands", $list::$op.name()),
                })
            }),
            fast: None,
            elementwise: true,
            updates: false,
        }
    };
}

/// `scaled(add, add_scaled)`: `input ± alpha * other`, with the plain kernel where alpha is one.
macro_rules! scaled {
    ($plain:ident, $scaled:ident $(, $check:path)?) => {
        crate::op::Body::Kernel {
            meta: |args| {
                $($check(args)?;)?
                crate::pointwise::check_alpha(&args[..2], &args[2])?;
                crate::pointwise::binary_meta(corten_elementwise::Binary::$plain, crate::promote::Promote::default, args)
            },
            run: Some(|args, outs| {
                use crate::promote::Promote;
                if crate::pointwise::is_one(&args[2]) {
                    return crate::pointwise::binary(corten_elementwise::Binary::$plain, Promote::default, args, outs);
                }
                crate::pointwise::many(Promote::default, args, 0..2, outs, |compute, out, sources| match sources {
                    [x, y, alpha] => {
                        corten_elementwise::ternary(corten_elementwise::Ternary::$scaled, compute, out, *x, *y, *alpha)
                    }
                    _ => crate::fail!(Type, "a sum takes two operands and alpha"),
                })
            }),
            fast: Some(|x, y| {
                crate::pointwise::binary_fast(corten_elementwise::Binary::$plain, crate::promote::Promote::default, x, y?)
            }),
            elementwise: true,
            updates: false,
        }
    };
}

/// `reversed(sub, sub_scaled)`: as `scaled`, with the first two arguments exchanged.
macro_rules! reversed {
    ($plain:ident, $scaled:ident $(, $check:path)?) => {
        crate::op::Body::Kernel {
            meta: |args| {
                $($check(args)?;)?
                crate::pointwise::check_alpha(&args[..2], &args[2])?;
                crate::pointwise::binary_meta(corten_elementwise::Binary::$plain, crate::promote::Promote::default, args)
            },
            run: Some(|args, outs| {
                let args = [args[1].clone(), args[0].clone(), args[2].clone()];
                let rule = crate::promote::Promote::default;
                crate::pointwise::many(rule, &args, 0..2, outs, |compute, out, sources| match sources {
                    [x, y, alpha] => {
                        corten_elementwise::ternary(corten_elementwise::Ternary::$scaled, compute, out, *x, *y, *alpha)
                    }
                    _ => crate::fail!(Type, "a difference takes two operands and alpha"),
                })
            }),
            fast: None,
            elementwise: true,
            updates: false,
        }
    };
}

pub(crate) use {binary, many, quaternary, reversed, scaled, ternary, unary};
