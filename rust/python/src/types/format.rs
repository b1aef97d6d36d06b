//! `layout` and `memory_format` objects.

use corten_tensor::device::{Layout, MemoryFormat};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// How a tensor stores its elements: only dense here, the others are names.
#[pyclass(frozen, name = "layout", module = "corten")]
pub struct PyLayout(pub Layout);

/// The order of dimensions in memory.
#[pyclass(frozen, name = "memory_format", module = "corten")]
pub struct PyMemoryFormat(pub MemoryFormat);

const LAYOUTS: [Layout; 3] = [Layout::Strided, Layout::SparseCoo, Layout::SparseCsr];
const FORMATS: [MemoryFormat; 4] =
    [MemoryFormat::Contiguous, MemoryFormat::Preserve, MemoryFormat::ChannelsLast, MemoryFormat::ChannelsLast3d];

static LAYOUT_OBJECTS: [PyOnceLock<Py<PyLayout>>; 3] = [const { PyOnceLock::new() }; 3];
static FORMAT_OBJECTS: [PyOnceLock<Py<PyMemoryFormat>>; 4] = [const { PyOnceLock::new() }; 4];

/// The object of a layout.
pub fn layout(py: Python<'_>, layout: Layout) -> PyResult<Bound<'_, PyLayout>> {
    let object = LAYOUT_OBJECTS[layout as usize].get_or_try_init(py, || Py::new(py, PyLayout(layout)))?;
    Ok(object.bind(py).clone())
}

/// The object of a memory format.
pub fn memory_format(py: Python<'_>, format: MemoryFormat) -> PyResult<Bound<'_, PyMemoryFormat>> {
    let object = FORMAT_OBJECTS[format as usize].get_or_try_init(py, || Py::new(py, PyMemoryFormat(format)))?;
    Ok(object.bind(py).clone())
}

#[pymethods]
impl PyLayout {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.0.name())
    }

    fn __reduce__(&self) -> &'static str {
        self.0.name()
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

#[pymethods]
impl PyMemoryFormat {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.0.name())
    }

    fn __reduce__(&self) -> &'static str {
        self.0.name()
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// Adds the classes and their objects.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<PyLayout>()?;
    module.add_class::<PyMemoryFormat>()?;
    LAYOUTS.iter().try_for_each(|&l| module.add(l.name(), layout(py, l)?))?;
    FORMATS.iter().try_for_each(|&f| module.add(f.name(), memory_format(py, f)?))
}
