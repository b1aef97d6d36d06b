//! Process-wide and per-thread settings: recording, inference, the default dtype, threads.

use crate::types::dtype::{self, PyDType};
use corten_base::pool;
use corten_graph::anomaly::{self, Anomaly};
use corten_tensor::{DeviceKind, autocast, mode, promote};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

/// Switches recording; returns whether it was on.
#[pyfunction]
fn _set_grad_enabled(enabled: bool) -> bool {
    mode::set_grad_enabled(enabled)
}

/// True where operations are recorded.
#[pyfunction]
fn is_grad_enabled() -> bool {
    mode::grad_enabled()
}

/// Switches inference mode; returns the mode word before, for `_set_mode`.
#[pyfunction]
fn _set_inference_mode(enabled: bool) -> u32 {
    mode::set_inference(enabled)
}

/// True in inference mode.
#[pyfunction]
fn is_inference_mode_enabled() -> bool {
    mode::get() & mode::flag::INFERENCE != 0
}

/// Switches anomaly mode and its check for NaN; returns what they were.
#[pyfunction]
fn _set_anomaly(enabled: bool, check_nan: bool) -> (bool, bool) {
    let before = anomaly::set(Anomaly { enabled, check_nan });
    (before.enabled, before.check_nan)
}

/// True in anomaly mode.
#[pyfunction]
fn is_anomaly_enabled() -> bool {
    anomaly::enabled()
}

/// True if anomaly mode, where it is on, refuses NaN gradients.
#[pyfunction]
fn is_anomaly_check_nan_enabled() -> bool {
    anomaly::get().check_nan
}

/// The dtype of autocast on a kind of device; None where it is off.
#[pyfunction]
fn _autocast<'py>(py: Python<'py>, device_type: &str) -> PyResult<Option<Bound<'py, PyDType>>> {
    autocast::dtype(kind(device_type)?).map(|d| dtype::object(py, d)).transpose()
}

/// Switches autocast on a kind of device: on with a dtype, off with None. Returns what it was.
#[pyfunction]
#[pyo3(signature = (device_type, to))]
fn _set_autocast<'py>(
    py: Python<'py>,
    device_type: &str,
    to: Option<&Bound<'py, PyDType>>,
) -> PyResult<Option<Bound<'py, PyDType>>> {
    let before = autocast::set(kind(device_type)?, to.map(|d| d.get().0));
    before.map(|d| dtype::object(py, d)).transpose()
}

fn kind(device_type: &str) -> PyResult<DeviceKind> {
    match device_type {
        "cpu" => Ok(DeviceKind::Cpu),
        "cuda" => Ok(DeviceKind::Cuda),
        other => Err(PyRuntimeError::new_err(format!("autocast is for 'cpu' and 'cuda', got '{other}'"))),
    }
}

/// The mode word of this thread.
#[pyfunction]
fn _get_mode() -> u32 {
    mode::get()
}

/// Puts a mode word back.
#[pyfunction]
fn _set_mode(word: u32) {
    mode::set(word);
}

/// The dtype of floats from Python.
#[pyfunction]
fn get_default_dtype(py: Python<'_>) -> PyResult<Bound<'_, PyDType>> {
    dtype::object(py, promote::default_float())
}

/// Sets the dtype of floats from Python.
#[pyfunction]
fn _set_default_dtype(d: &Bound<'_, PyAny>) -> PyResult<()> {
    match d.cast::<PyDType>() {
        Ok(d) if d.get().0.is_float() => {
            promote::set_default_float(d.get().0);
            Ok(())
        }
        Ok(d) => Err(PyTypeError::new_err(format!(
            "only floating-point types are supported as the default type, got {}",
            d.get().0
        ))),
        Err(_) => Err(PyTypeError::new_err(
            "invalid dtype object: only floating-point types are supported as the default type",
        )),
    }
}

/// How many threads may share one operation.
#[pyfunction]
fn get_num_threads() -> usize {
    pool::num_threads()
}

/// Sets how many threads may share one operation.
#[pyfunction]
fn set_num_threads(threads: i64) -> PyResult<()> {
    match usize::try_from(threads) {
        Ok(threads) if threads > 0 => {
            pool::set_num_threads(threads);
            Ok(())
        }
        _ => Err(PyRuntimeError::new_err("set_num_threads expects a positive integer")),
    }
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_set_grad_enabled, module)?)?;
    module.add_function(wrap_pyfunction!(is_grad_enabled, module)?)?;
    module.add_function(wrap_pyfunction!(_set_inference_mode, module)?)?;
    module.add_function(wrap_pyfunction!(is_inference_mode_enabled, module)?)?;
    module.add_function(wrap_pyfunction!(_set_anomaly, module)?)?;
    module.add_function(wrap_pyfunction!(is_anomaly_enabled, module)?)?;
    module.add_function(wrap_pyfunction!(is_anomaly_check_nan_enabled, module)?)?;
    module.add_function(wrap_pyfunction!(_autocast, module)?)?;
    module.add_function(wrap_pyfunction!(_set_autocast, module)?)?;
    module.add_function(wrap_pyfunction!(_get_mode, module)?)?;
    module.add_function(wrap_pyfunction!(_set_mode, module)?)?;
    module.add_function(wrap_pyfunction!(get_default_dtype, module)?)?;
    module.add_function(wrap_pyfunction!(_set_default_dtype, module)?)?;
    module.add_function(wrap_pyfunction!(get_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(set_num_threads, module)?)
}
