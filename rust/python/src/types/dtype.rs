//! `dtype` objects: one for each dtype, for ever.

use corten_base::DType;
use corten_base::dtype::ALL;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyType};

/// The type of a tensor's elements.
#[pyclass(frozen, name = "dtype", module = "corten")]
pub struct PyDType(pub DType);

static OBJECTS: [PyOnceLock<Py<PyDType>>; ALL.len()] = [const { PyOnceLock::new() }; ALL.len()];

/// Short names beside the full ones.
const SHORT: [(&str, DType); 8] = [
    ("half", DType::F16),
    ("float", DType::F32),
    ("double", DType::F64),
    ("short", DType::I16),
    ("int", DType::I32),
    ("long", DType::I64),
    ("cfloat", DType::C64),
    ("cdouble", DType::C128),
];

/// The object of a dtype.
pub fn object<'py>(py: Python<'py>, dtype: DType) -> PyResult<Bound<'py, PyDType>> {
    let object = OBJECTS[dtype as usize].get_or_try_init(py, || Py::new(py, PyDType(dtype)))?;
    Ok(object.bind(py).clone())
}

/// The dtype that an argument `dtype=` means: a dtype, or one of Python's number types.
pub fn from_object(obj: &Bound<'_, PyAny>) -> Option<DType> {
    if let Ok(dtype) = obj.cast::<PyDType>() {
        return Some(dtype.get().0);
    }
    let (py, ty) = (obj.py(), obj.cast::<PyType>().ok()?);
    if ty.is(py.get_type::<PyFloat>()) {
        Some(DType::F64)
    } else if ty.is(py.get_type::<PyInt>()) {
        Some(DType::I64)
    } else if ty.is(py.get_type::<PyBool>()) {
        Some(DType::Bool)
    } else if ty.is(py.get_type::<PyComplex>()) {
        Some(DType::C128)
    } else {
        None
    }
}

#[pymethods]
impl PyDType {
    fn __repr__(&self) -> String {
        self.0.to_string()
    }

    fn __reduce__(&self) -> &'static str {
        self.0.name()
    }

    fn __hash__(&self) -> usize {
        self.0 as usize
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __eq__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> bool {
        slf.is(other)
    }

    /// True for floating-point dtypes.
    #[getter]
    fn is_floating_point(&self) -> bool {
        self.0.is_float()
    }

    /// True for complex dtypes.
    #[getter]
    fn is_complex(&self) -> bool {
        self.0.is_complex()
    }

    /// True where negative numbers exist.
    #[getter]
    fn is_signed(&self) -> bool {
        !self.0.is_unsigned() && self.0 != DType::Bool
    }

    /// Bytes of one element.
    #[getter]
    fn itemsize(&self) -> usize {
        self.0.size()
    }

    /// The dtype of a complex number's parts.
    fn to_real<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDType>> {
        object(py, self.0.to_real())
    }

    /// The complex dtype with parts of this one.
    fn to_complex<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDType>> {
        object(py, self.0.to_complex())
    }
}

/// Adds the class, its objects and their short names.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<PyDType>()?;
    for dtype in ALL {
        module.add(dtype.name(), object(py, dtype)?)?;
    }
    SHORT.iter().try_for_each(|&(name, dtype)| module.add(name, object(py, dtype)?))
}
