//! `Generator` objects: a state of the random stream.

use crate::class;
use crate::errors::OrRaise;
use crate::types::device;
use corten_random::Generator;
use corten_tensor::value::SharedGenerator;
use corten_tensor::{DType, Device, DeviceKind};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The seed of a generator that no one seeded: PyTorch's.
const DEFAULT_SEED: u64 = 67280421310721;

/// A state of the random stream.
#[pyclass(frozen, weakref, name = "Generator", module = "corten")]
pub struct PyGenerator {
    /// What operators draw from.
    pub shared: SharedGenerator,
    device: Device,
}

impl PyGenerator {
    fn lock(&self) -> MutexGuard<'_, Generator> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyGenerator {
    #[new]
    #[pyo3(signature = (device=None))]
    fn new(device: Option<&Bound<'_, PyAny>>) -> PyResult<PyGenerator> {
        let device = match device {
            None => Device::CPU,
            Some(given) => device::from_object(given)?
                .ok_or_else(|| PyTypeError::new_err("Generator(): argument 'device' must be torch.device"))?,
        };
        if device.kind == DeviceKind::Meta {
            return Err(PyRuntimeError::new_err("Device type META is not supported for torch.Generator() api."));
        }
        Ok(PyGenerator { shared: Arc::new(Mutex::new(Generator::new(DEFAULT_SEED))), device })
    }

    /// Where its numbers are drawn.
    #[getter]
    fn device<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, device::PyDevice>> {
        device::object(py, self.device)
    }

    /// Starts the stream that belongs to `seed`; negative seeds count from 2**64.
    fn manual_seed(slf: Py<Self>, seed: &Bound<'_, PyAny>) -> PyResult<Py<Self>> {
        let seed = seed_of(seed)?;
        slf.get().lock().manual_seed(seed);
        Ok(slf)
    }

    /// The seed that started the stream.
    fn initial_seed(&self) -> u64 {
        self.lock().initial_seed()
    }

    /// Starts from a seed of the system's choice, and returns it.
    fn seed(&self) -> u64 {
        self.lock().seed()
    }

    /// The state, as a tensor of bytes.
    fn get_state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let bytes = self.lock().get_state();
        let tensor = crate::memory::from_bytes(&bytes, &[bytes.len() as i64], DType::U8).or_raise(py)?;
        Ok(class::wrap(py, tensor)?.unbind())
    }

    /// Continues from a state.
    fn set_state(slf: Py<Self>, py: Python<'_>, new_state: &Bound<'_, PyAny>) -> PyResult<Py<Self>> {
        let tensor = match class::tensor_of(new_state.as_borrowed()) {
            Some(tensor) if tensor.dtype() == DType::U8 && tensor.device().kind == DeviceKind::Cpu => tensor,
            _ => return Err(PyTypeError::new_err("RNG state must be a torch.ByteTensor")),
        };
        let bytes = crate::memory::to_bytes(tensor).or_raise(py)?;
        slf.get().lock().set_state(&bytes).or_raise(py)?;
        Ok(slf)
    }

    /// A generator of its own in the same state.
    fn clone_state(&self, py: Python<'_>) -> PyResult<PyGenerator> {
        let mut copy = Generator::new(DEFAULT_SEED);
        copy.set_state(&self.lock().get_state()).or_raise(py)?;
        Ok(PyGenerator { shared: Arc::new(Mutex::new(copy)), device: self.device })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyType>, (String,), Bound<'py, PyAny>)> {
        let state = slf.get().get_state(slf.py())?.into_bound(slf.py());
        Ok((slf.get_type(), (slf.get().device.to_string(),), state))
    }

    fn __setstate__(slf: Py<Self>, py: Python<'_>, state: &Bound<'_, PyAny>) -> PyResult<()> {
        PyGenerator::set_state(slf, py, state).map(|_| ())
    }
}

/// A seed from any Python integer that fits 64 bits, signed or not.
pub fn seed_of(seed: &Bound<'_, PyAny>) -> PyResult<u64> {
    if let Ok(seed) = seed.extract::<i64>() {
        return Ok(seed as u64);
    }
    match seed.extract::<u64>() {
        Ok(seed) => Ok(seed),
        Err(error) if error.is_instance_of::<PyTypeError>(seed.py()) => Err(error),
        Err(_) => Err(PyValueError::new_err(format!("Overflow when unpacking long long: {seed}"))),
    }
}

/// The object around a generator that operators already share.
pub fn object(py: Python<'_>, shared: SharedGenerator) -> PyResult<Bound<'_, PyGenerator>> {
    Bound::new(py, PyGenerator { shared, device: Device::CPU })
}

/// Adds the class and the default generator.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyGenerator>()?;
    let shared = corten_tensor::rules::random::default_generator().clone();
    module.add("default_generator", object(module.py(), shared)?)
}
