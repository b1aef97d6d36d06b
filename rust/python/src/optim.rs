//! Optimizer steps: each takes lists of parameters, gradients and state, and updates them in place in one call.

use crate::class::tensor_of;
use crate::errors::OrRaise;

use corten_base::{Operand, Scalar};
use corten_optim_kernels as kernels;
use corten_tensor::dispatch::check_writable;
use corten_tensor::rules::read;
use corten_tensor::{DeviceKind, Result, Tensor, ops};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;

/// The tensors of a list, as long as `count` if that is given.
fn tensors(list: &Bound<'_, PyList>, name: &str, count: Option<usize>) -> PyResult<Vec<Tensor>> {
    let found: Option<Vec<Tensor>> = list.iter().map(|item| tensor_of(item.as_borrowed()).cloned()).collect();
    let found = found.ok_or_else(|| PyTypeError::new_err(format!("argument '{name}' must be a list of Tensors")))?;
    if count.is_some_and(|count| count != found.len()) {
        return Err(PyValueError::new_err(format!(
            "argument '{name}' has {} tensors, there are {} parameters",
            found.len(),
            count.unwrap_or_default()
        )));
    }
    if found.iter().any(|t| t.device().kind != DeviceKind::Cpu) {
        return Err(pyo3::exceptions::PyNotImplementedError::new_err(format!(
            "argument '{name}': native optimizer steps are for tensors on the cpu"
        )));
    }
    Ok(found)
}

/// The same of a list that is either empty or as long as `count`: state that some options do without.
fn optional(list: &Bound<'_, PyList>, name: &str, count: usize) -> PyResult<Vec<Option<Tensor>>> {
    match list.len() {
        0 => Ok(vec![None; count]),
        _ => Ok(tensors(list, name, Some(count))?.into_iter().map(Some).collect()),
    }
}

fn operand(t: &Tensor) -> Result<Operand<'_>> {
    t.core().operand()
}

fn maybe(t: &Option<Tensor>) -> Result<Option<Operand<'_>>> {
    t.as_ref().map(operand).transpose()
}

/// Adds one to each step and gives the numbers after that.
fn advance(py: Python<'_>, steps: &[Tensor]) -> PyResult<Vec<f64>> {
    steps
        .iter()
        .map(|step| {
            let next = read::item(step).or_raise(py)?.to_f64() + 1.0;
            corten_elementwise::fill(operand(step).or_raise(py)?, Scalar::Float(next)).or_raise(py)?;
            Ok(next)
        })
        .collect()
}

/// The parameters, none of which has elements that share memory.
fn writable(py: Python<'_>, list: &Bound<'_, PyList>) -> PyResult<Vec<Tensor>> {
    let params = tensors(list, "params", None)?;
    params.iter().try_for_each(check_writable).or_raise(py)?;
    Ok(params)
}

/// Counts the change of each tensor.
fn changed<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) {
    tensors.into_iter().for_each(|t| t.core().bump_version());
}

/// Stochastic gradient descent; missing momentum buffers are made and put into their list.
#[pyfunction]
#[pyo3(signature = (params, grads, momentum_buffers, *, lr, momentum, dampening, weight_decay, nesterov, maximize))]
fn _sgd_(
    py: Python<'_>,
    params: &Bound<'_, PyList>,
    grads: &Bound<'_, PyList>,
    momentum_buffers: &Bound<'_, PyList>,
    lr: f64,
    momentum: f64,
    dampening: f64,
    weight_decay: f64,
    nesterov: bool,
    maximize: bool,
) -> PyResult<()> {
    let params = writable(py, params)?;
    let grads = tensors(grads, "grads", Some(params.len()))?;
    let mut buffers: Vec<(Option<Tensor>, bool)> = Vec::with_capacity(params.len());
    for (i, p) in params.iter().enumerate() {
        buffers.push(if momentum == 0.0 {
            (None, false)
        } else {
            let item = momentum_buffers.get_item(i)?;
            match tensor_of(item.as_borrowed()) {
                Some(known) => (Some(known.clone()), false),
                None => {
                    let _quiet = corten_tensor::mode::no_grad();
                    let made = ops::factory::zeros_like(p.detached()).tensor().or_raise(py)?;
                    momentum_buffers.set_item(i, crate::class::wrap(py, made.clone())?)?;
                    (Some(made), true)
                }
            }
        });
    }
    let run = || -> Result<()> {
        let mut all = Vec::with_capacity(params.len());
        for ((p, g), (buffer, first)) in params.iter().zip(&grads).zip(&buffers) {
            all.push(kernels::SgdParam { p: operand(p)?, g: operand(g)?, buffer: maybe(buffer)?, first: *first });
        }
        kernels::sgd(&all, &kernels::Sgd { lr, momentum, dampening, weight_decay, nesterov, maximize })
    };
    run().or_raise(py)?;
    changed(params.iter().chain(buffers.iter().filter_map(|(b, _)| b.as_ref())));
    Ok(())
}

/// Adam; with `decoupled`, AdamW.
#[pyfunction]
#[pyo3(signature = (params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps, *, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize, decoupled))]
fn _adam_(
    py: Python<'_>,
    params: &Bound<'_, PyList>,
    grads: &Bound<'_, PyList>,
    exp_avgs: &Bound<'_, PyList>,
    exp_avg_sqs: &Bound<'_, PyList>,
    max_exp_avg_sqs: &Bound<'_, PyList>,
    steps: &Bound<'_, PyList>,
    lr: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    weight_decay: f64,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> PyResult<()> {
    let params = writable(py, params)?;
    let count = params.len();
    let grads = tensors(grads, "grads", Some(count))?;
    let (ms, vs) = (tensors(exp_avgs, "exp_avgs", Some(count))?, tensors(exp_avg_sqs, "exp_avg_sqs", Some(count))?);
    let maxima = if amsgrad { optional(max_exp_avg_sqs, "max_exp_avg_sqs", count)? } else { vec![None; count] };
    let steps = advance(py, &tensors(steps, "steps", Some(count))?)?;
    let run = || -> Result<()> {
        let mut all = Vec::with_capacity(count);
        for i in 0..count {
            all.push(kernels::AdamParam {
                p: operand(&params[i])?,
                g: operand(&grads[i])?,
                m: operand(&ms[i])?,
                v: operand(&vs[i])?,
                max_v: maybe(&maxima[i])?,
                step: steps[i],
            });
        }
        kernels::adam(&all, &kernels::Adam { lr, betas: (beta1, beta2), eps, weight_decay, maximize, decoupled })
    };
    run().or_raise(py)?;
    changed(params.iter().chain(&ms).chain(&vs).chain(maxima.iter().flatten()));
    Ok(())
}

/// RMSprop.
#[pyfunction]
#[pyo3(signature = (params, grads, square_avgs, grad_avgs, momentum_buffers, steps, *, lr, alpha, eps, weight_decay, momentum, centered, maximize))]
fn _rmsprop_(
    py: Python<'_>,
    params: &Bound<'_, PyList>,
    grads: &Bound<'_, PyList>,
    square_avgs: &Bound<'_, PyList>,
    grad_avgs: &Bound<'_, PyList>,
    momentum_buffers: &Bound<'_, PyList>,
    steps: &Bound<'_, PyList>,
    lr: f64,
    alpha: f64,
    eps: f64,
    weight_decay: f64,
    momentum: f64,
    centered: bool,
    maximize: bool,
) -> PyResult<()> {
    let params = writable(py, params)?;
    let count = params.len();
    let grads = tensors(grads, "grads", Some(count))?;
    let squares = tensors(square_avgs, "square_avgs", Some(count))?;
    let means = if centered { optional(grad_avgs, "grad_avgs", count)? } else { vec![None; count] };
    let buffers =
        if momentum > 0.0 { optional(momentum_buffers, "momentum_buffers", count)? } else { vec![None; count] };
    advance(py, &tensors(steps, "steps", Some(count))?)?;
    let run = || -> Result<()> {
        let mut all = Vec::with_capacity(count);
        for i in 0..count {
            all.push(kernels::RmspropParam {
                p: operand(&params[i])?,
                g: operand(&grads[i])?,
                square: operand(&squares[i])?,
                mean: maybe(&means[i])?,
                buffer: maybe(&buffers[i])?,
            });
        }
        kernels::rmsprop(&all, &kernels::Rmsprop { lr, alpha, eps, weight_decay, momentum, maximize })
    };
    run().or_raise(py)?;
    changed(params.iter().chain(&squares).chain(means.iter().flatten()).chain(buffers.iter().flatten()));
    Ok(())
}

/// Adagrad.
#[pyfunction]
#[pyo3(signature = (params, grads, sums, steps, *, lr, lr_decay, eps, weight_decay, maximize))]
fn _adagrad_(
    py: Python<'_>,
    params: &Bound<'_, PyList>,
    grads: &Bound<'_, PyList>,
    sums: &Bound<'_, PyList>,
    steps: &Bound<'_, PyList>,
    lr: f64,
    lr_decay: f64,
    eps: f64,
    weight_decay: f64,
    maximize: bool,
) -> PyResult<()> {
    let params = writable(py, params)?;
    let count = params.len();
    let grads = tensors(grads, "grads", Some(count))?;
    let sums = tensors(sums, "sums", Some(count))?;
    let steps = advance(py, &tensors(steps, "steps", Some(count))?)?;
    let run = || -> Result<()> {
        let mut all = Vec::with_capacity(count);
        for i in 0..count {
            let (p, g) = (operand(&params[i])?, operand(&grads[i])?);
            all.push(kernels::AdagradParam { p, g, sum: operand(&sums[i])?, step: steps[i] });
        }
        kernels::adagrad(&all, &kernels::Adagrad { lr, lr_decay, eps, weight_decay, maximize })
    };
    run().or_raise(py)?;
    changed(params.iter().chain(&sums));
    Ok(())
}

/// Adadelta.
#[pyfunction]
#[pyo3(signature = (params, grads, square_avgs, acc_deltas, steps, *, lr, rho, eps, weight_decay, maximize))]
fn _adadelta_(
    py: Python<'_>,
    params: &Bound<'_, PyList>,
    grads: &Bound<'_, PyList>,
    square_avgs: &Bound<'_, PyList>,
    acc_deltas: &Bound<'_, PyList>,
    steps: &Bound<'_, PyList>,
    lr: f64,
    rho: f64,
    eps: f64,
    weight_decay: f64,
    maximize: bool,
) -> PyResult<()> {
    let params = writable(py, params)?;
    let count = params.len();
    let grads = tensors(grads, "grads", Some(count))?;
    let squares = tensors(square_avgs, "square_avgs", Some(count))?;
    let deltas = tensors(acc_deltas, "acc_deltas", Some(count))?;
    advance(py, &tensors(steps, "steps", Some(count))?)?;
    let run = || -> Result<()> {
        let mut all = Vec::with_capacity(count);
        for i in 0..count {
            let (p, g) = (operand(&params[i])?, operand(&grads[i])?);
            let (square, delta) = (operand(&squares[i])?, operand(&deltas[i])?);
            all.push(kernels::AdadeltaParam { p, g, square, delta });
        }
        kernels::adadelta(&all, &kernels::Adadelta { lr, rho, eps, weight_decay, maximize })
    };
    run().or_raise(py)?;
    changed(params.iter().chain(&squares).chain(&deltas));
    Ok(())
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_sgd_, module)?)?;
    module.add_function(wrap_pyfunction!(_adam_, module)?)?;
    module.add_function(wrap_pyfunction!(_rmsprop_, module)?)?;
    module.add_function(wrap_pyfunction!(_adagrad_, module)?)?;
    module.add_function(wrap_pyfunction!(_adadelta_, module)?)
}
