//! Autocast: while it is on, products run in a narrower dtype and what loses precision runs in float32, by the lists of
//! PyTorch's autocast on a CPU.
//!
//! It lies above autograd, so that the casts are recorded.

use crate::device::DeviceKind;
use crate::mode;
use crate::op::Op;
use crate::ops::cast;
use crate::tensor::{Tensor, key};
use crate::value::{Args, Value};
use corten_base::{DType, Result};
use std::cell::Cell;

thread_local! {
    /// The narrower dtype on the host and on CUDA devices, where autocast is on there.
    static DTYPES: Cell<[Option<DType>; 2]> = const { Cell::new([None, None]) };
}

fn place(kind: DeviceKind) -> Option<usize> {
    match kind {
        DeviceKind::Cpu => Some(0),
        DeviceKind::Cuda => Some(1),
        DeviceKind::Meta => None,
    }
}

/// The narrower dtype of operators on a device; None where autocast is off there.
pub fn dtype(kind: DeviceKind) -> Option<DType> {
    place(kind).and_then(|place| DTYPES.get()[place])
}

/// Switches autocast for a device: on with a dtype, off with None. Returns what it was.
pub fn set(kind: DeviceKind, dtype: Option<DType>) -> Option<DType> {
    let mut dtypes = DTYPES.get();
    let before = place(kind).and_then(|place| std::mem::replace(&mut dtypes[place], dtype));
    DTYPES.set(dtypes);
    let on = dtypes.iter().any(Option::is_some);
    mode::set(if on { mode::get() | key::ANY } else { mode::get() & !key::ANY });
    before
}

/// In which dtype an operator runs.
#[derive(Clone, Copy)]
enum Policy {
    /// The narrower one.
    Narrow,
    /// float32.
    Single,
    /// The widest of its arguments.
    Widest,
}

fn policy(op: &Op) -> Option<Policy> {
    Some(match op.name {
        "_addmm_activation"
        | "addbmm"
        | "addmm"
        | "baddbmm"
        | "bmm"
        | "conv1d"
        | "conv2d"
        | "conv3d"
        | "conv_transpose1d"
        | "conv_transpose2d"
        | "conv_transpose3d"
        | "convolution"
        | "linalg_matmul"
        | "linalg_vecdot"
        | "linear"
        | "matmul"
        | "mm"
        | "prelu"
        | "scaled_dot_product_attention" => Policy::Narrow,
        "adaptive_avg_pool3d"
        | "adaptive_max_pool3d"
        | "avg_pool3d"
        | "binary_cross_entropy"
        | "binary_cross_entropy_with_logits"
        | "cholesky"
        | "cholesky_inverse"
        | "cholesky_solve"
        | "cross_entropy_loss"
        | "ctc_loss"
        | "grid_sampler"
        | "grid_sampler_2d"
        | "grid_sampler_3d"
        | "huber_loss"
        | "inverse"
        | "kl_div"
        | "l1_loss"
        | "linalg_cholesky"
        | "linalg_cholesky_ex"
        | "linalg_cond"
        | "linalg_eig"
        | "linalg_eigh"
        | "linalg_eigvals"
        | "linalg_eigvalsh"
        | "linalg_householder_product"
        | "linalg_inv"
        | "linalg_inv_ex"
        | "linalg_lstsq"
        | "linalg_matrix_rank"
        | "linalg_qr"
        | "linalg_solve"
        | "linalg_svd"
        | "linalg_svdvals"
        | "linalg_tensorinv"
        | "linalg_tensorsolve"
        | "lu_solve"
        | "max_pool3d"
        | "mse_loss"
        | "nanquantile"
        | "nll_loss"
        | "ormqr"
        | "pdist"
        | "pinverse"
        | "polar"
        | "prod"
        | "qr"
        | "quantile"
        | "smooth_l1_loss"
        | "svd"
        | "trace"
        | "view_as_complex" => Policy::Single,
        name if name.starts_with("fft_") => Policy::Single,
        "cat" | "index_copy" | "stack" => Policy::Widest,
        _ => return None,
    })
}

/// The dtype that autocast may change a tensor's from: any floating point but float64, where autocast is on.
fn eligible(tensor: &Tensor) -> Option<DType> {
    let dtype = tensor.dtype();
    (dtype.is_float() && dtype != DType::F64).then(|| self::dtype(tensor.device().kind)).flatten().map(|_| dtype)
}

fn tensors(arg: &Value) -> impl Iterator<Item = &Tensor> {
    let (one, many, some): (Option<&Tensor>, &[Tensor], &[Option<Tensor>]) = match arg {
        Value::Tensor(tensor) => (Some(tensor), &[], &[]),
        Value::Tensors(list) => (None, list, &[]),
        Value::OptionalTensors(list) => (None, &[], list),
        _ => (None, &[], &[]),
    };
    one.into_iter().chain(many).chain(some.iter().flatten())
}

/// The arguments with the dtypes that autocast gives this operator; None where it leaves the operator alone.
pub fn cast(op: &'static Op, args: &[Value]) -> Result<Option<Args>> {
    let Some(policy) = policy(op) else {
        return Ok(None);
    };
    let widest = args.iter().flat_map(tensors).filter_map(eligible).reduce(DType::promote);
    let Some(widest) = widest else {
        return Ok(None);
    };
    let to = |tensor: &Tensor| -> Result<Tensor> {
        let narrow = self::dtype(tensor.device().kind);
        let wanted = match policy {
            Policy::Narrow => narrow,
            Policy::Single => Some(DType::F32),
            Policy::Widest => Some(widest),
        };
        match (eligible(tensor), wanted) {
            (Some(own), Some(wanted)) if own != wanted => cast::to(tensor, wanted).tensor(),
            _ => Ok(tensor.clone()),
        }
    };
    let each = |arg: &Value| -> Result<Value> {
        Ok(match arg {
            Value::Tensor(tensor) => Value::Tensor(to(tensor)?),
            Value::Tensors(list) => Value::Tensors(list.iter().map(to).collect::<Result<_>>()?),
            Value::OptionalTensors(list) => {
                Value::OptionalTensors(list.iter().map(|t| t.as_ref().map(to).transpose()).collect::<Result<_>>()?)
            }
            other => other.clone(),
        })
    };
    args.iter().map(each).collect::<Result<Args>>().map(Some)
}
