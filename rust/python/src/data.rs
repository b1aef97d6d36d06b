//! Tensors from Python numbers and nested sequences: shape and category found first, then one pass that writes.

use crate::class::{self, tensor_of};
use crate::errors::OrRaise;
use crate::types::{device, dtype};
use corten_base::element::Element;
use corten_base::{Scalar, with_dtype};
use corten_tensor::{Core, DType, Device, Dims, Tensor, promote};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

/// Nesting deeper than this is refused: lists that contain themselves have no shape.
const MAX_DEPTH: usize = 64;

/// What an item is.
enum Item<'py> {
    /// With its dtype where it has one of its own, as a tensor's and NumPy's numbers have.
    Number(Scalar, Option<DType>),
    Sequence(Vec<Bound<'py, PyAny>>),
}

/// A number or the items of a sequence; an error for anything else. Within a sequence (`inner`) a tensor of one element
/// counts as a number.
fn read<'py>(obj: &Bound<'py, PyAny>, inner: bool) -> PyResult<Item<'py>> {
    let plain = |number| Ok(Item::Number(number, None));
    if obj.is_exact_instance_of::<PyFloat>() {
        return plain(Scalar::Float(obj.extract()?));
    }
    if let Ok(list) = obj.cast::<PyList>() {
        return Ok(Item::Sequence(list.iter().collect()));
    }
    if let Ok(tuple) = obj.cast::<PyTuple>() {
        return Ok(Item::Sequence(tuple.iter().collect()));
    }
    if obj.is_instance_of::<PyBool>() {
        return plain(Scalar::Bool(obj.extract()?));
    }
    if obj.is_instance_of::<PyInt>() {
        return integer(obj);
    }
    if let Some(tensor) = tensor_of(obj.as_borrowed()) {
        if tensor.ndim() == 0 || (inner && tensor.numel() == 1) {
            return number_of(&obj.call_method0("item")?, Some(tensor.dtype()));
        }
        return Ok(Item::Sequence(obj.call_method0("unbind")?.try_iter()?.collect::<PyResult<_>>()?));
    }
    if obj.is_instance_of::<PyString>() || obj.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err(format!("new(): invalid data type '{}'", obj.get_type().name()?)));
    }
    // NumPy's scalars come before Python's floats and complex numbers, since some derive from them.
    if obj.hasattr("dtype")?
        && obj.hasattr("item")?
        && obj.getattr("ndim").and_then(|n| n.extract::<usize>()).is_ok_and(|n| n == 0)
    {
        let name = obj.getattr("dtype")?.getattr("name")?;
        return number_of(&obj.call_method0("item")?, DType::from_name(name.extract::<PyBackedStr>()?.as_ref()));
    }
    if obj.is_instance_of::<PyFloat>() {
        return plain(Scalar::Float(obj.extract()?));
    }
    if let Ok(z) = obj.cast::<PyComplex>() {
        return plain(Scalar::Complex(z.real(), z.imag()));
    }
    // NumPy's arrays and other sequences.
    if !obj.is_instance_of::<PyDict>() && obj.hasattr("__len__")? && obj.hasattr("__getitem__")? {
        let length = obj.len()?;
        let mut items = Vec::new();
        // An object may tell any length.
        items
            .try_reserve_exact(length)
            .map_err(|_| PyMemoryError::new_err(format!("new(): a sequence of {length} items is too long")))?;
        for i in 0..length {
            items.push(obj.get_item(i)?);
        }
        return Ok(Item::Sequence(items));
    }
    if obj.hasattr("__index__")? {
        return integer(&obj.call_method0("__index__")?);
    }
    if obj.hasattr("__float__")? {
        return plain(Scalar::Float(obj.call_method0("__float__")?.extract()?));
    }
    Err(PyRuntimeError::new_err(format!("Could not infer dtype of {}", obj.get_type().name()?)))
}

/// What `item()` of a tensor or a NumPy scalar gave.
fn number_of<'py>(item: &Bound<'py, PyAny>, dtype: Option<DType>) -> PyResult<Item<'py>> {
    if item.hasattr("dtype")? {
        // NumPy's wide floats give themselves.
        return Err(PyTypeError::new_err(format!("can't convert {} to a number", item.get_type().name()?)));
    }
    match read(item, true)? {
        Item::Number(number, _) => Ok(Item::Number(number, dtype)),
        sequence => Ok(sequence),
    }
}

fn integer<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Item<'py>> {
    if let Ok(x) = obj.extract::<i64>() {
        return Ok(Item::Number(Scalar::Int(x), None));
    }
    match obj.extract::<u64>() {
        Ok(x) => Ok(Item::Number(Scalar::UInt(x), None)),
        // Beside floats it is one.
        Err(_) => Ok(Item::Number(Scalar::Float(obj.extract()?), Some(DType::I64))),
    }
}

/// The numbers of nested sequences in row-major order, their common shape, and what dtype they have together.
#[derive(Default)]
struct Flat {
    sizes: Vec<usize>,
    numbers: Vec<Scalar>,
    dtype: Option<DType>,
    /// There are integers wider than 64 bits.
    wide: bool,
}

impl Flat {
    fn push(&mut self, obj: &Bound<'_, PyAny>, depth: usize, filled: &mut bool) -> PyResult<()> {
        if depth > 0 && !*filled && obj.is_instance_of::<PyString>() {
            return Err(PyValueError::new_err("too many dimensions 'str'"));
        }
        match read(obj, depth > 0)? {
            Item::Number(number, own) => {
                if *filled && depth != self.sizes.len() {
                    let expected = self.sizes[depth];
                    return Err(PyTypeError::new_err(format!(
                        "expected a sequence of length {expected} at dim {depth}, got {}",
                        obj.get_type().name()?
                    )));
                }
                *filled = true;
                self.wide |= own == Some(DType::I64) && matches!(number, Scalar::Float(_));
                let dtype = own.unwrap_or_else(|| match (number, self.dtype) {
                    // Beside integers that need all 64 bits the others are read as such.
                    (Scalar::Int(_), Some(DType::U64)) | (Scalar::UInt(_), None | Some(DType::I64)) => DType::U64,
                    (number, _) => promote::of_scalar(number),
                });
                self.dtype = Some(match self.dtype {
                    Some(DType::I64) if dtype == DType::U64 => dtype,
                    Some(before) => before.promote(dtype),
                    None => dtype,
                });
                self.numbers.push(number);
            }
            Item::Sequence(items) => {
                if depth >= MAX_DEPTH {
                    return Err(PyValueError::new_err(format!("too many dimensions: nested deeper than {MAX_DEPTH}")));
                }
                if depth == self.sizes.len() {
                    if depth > 0 && tensor_of(obj.as_borrowed()).is_some() {
                        return Err(PyValueError::new_err(
                            "only one element tensors can be converted to Python scalars",
                        ));
                    }
                    if *filled {
                        return Err(PyValueError::new_err(format!("too many dimensions '{}'", obj.get_type().name()?)));
                    }
                    self.sizes.push(items.len());
                } else if self.sizes[depth] != items.len() {
                    return Err(PyValueError::new_err(format!(
                        "expected sequence of length {} at dim {depth} (got {})",
                        self.sizes[depth],
                        items.len()
                    )));
                }
                *filled |= items.is_empty();
                for item in &items {
                    self.push(item, depth + 1, filled)?;
                }
            }
        }
        Ok(())
    }
}

/// Refuses integers that the dtype cannot hold, as PyTorch does.
fn check_range(number: Scalar, dtype: DType) -> PyResult<()> {
    if let (Scalar::Int(_) | Scalar::UInt(_), true) = (number, dtype.is_integral(false)) {
        let held = with_dtype!(dtype, E => number.to::<E>().to_scalar());
        let value = |s: Scalar| match s {
            Scalar::Int(x) => x as i128,
            Scalar::UInt(x) => x as i128,
            _ => 0,
        };
        if value(held) != value(number) {
            return Err(PyRuntimeError::new_err(format!(
                "value cannot be converted to type {} without overflow",
                dtype.name()
            )));
        }
    }
    if let (Scalar::Complex(..), false) = (number, dtype.is_complex()) {
        return Err(PyTypeError::new_err("can't convert complex to a real dtype"));
    }
    Ok(())
}

/// A tensor on the host from a number or nested sequences; without a dtype the numbers decide it.
pub fn from_data(data: &Bound<'_, PyAny>, wanted: Option<DType>) -> PyResult<Tensor> {
    let py = data.py();
    let mut flat = Flat::default();
    flat.push(data, 0, &mut false)?;
    let dtype = wanted.or(flat.dtype).unwrap_or_else(promote::default_float);
    if flat.wide && !dtype.is_differentiable() {
        return Err(PyValueError::new_err("Overflow when unpacking long long"));
    }
    let sizes: Dims = flat.sizes.iter().map(|&n| n as i64).collect();
    let core = Core::empty(&sizes, dtype, Device::CPU).or_raise(py)?;
    for &number in &flat.numbers {
        check_range(number, dtype)?;
    }
    let first = core.operand().or_raise(py)?.ptr();
    let count = core.numel().min(flat.numbers.len());
    with_dtype!(dtype, E => {
        for (i, number) in flat.numbers[..count].iter().enumerate() {
            // SAFETY: `first` is the start of `count` fresh elements of this type.
            unsafe { first.cast::<E>().add(i).write(number.to::<E>()) }
        }
    });
    Ok(Tensor::new(core))
}

/// A tensor from a number or nested sequences, on the host.
#[pyfunction]
#[pyo3(signature = (data, dtype=None))]
fn _from_data<'py>(data: &Bound<'py, PyAny>, dtype: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    let wanted = match dtype {
        None => None,
        Some(given) => Some(dtype::from_object(given).ok_or_else(|| {
            PyTypeError::new_err(format!("tensor(): argument 'dtype' must be torch.dtype, not {given}"))
        })?),
    };
    class::wrap(data.py(), from_data(data, wanted)?)
}

/// The device of factories that are given none.
#[pyfunction]
fn _default_device(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    Ok(device::object(py, corten_tensor::rules::factory::default_device())?.into_any())
}

/// Sets the device of factories that are given none (None: the host).
#[pyfunction]
#[pyo3(signature = (place))]
fn _set_default_device(place: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let chosen = match place {
        None => None,
        Some(place) => device::from_object(place)?,
    };
    corten_tensor::rules::factory::set_default_device(chosen);
    Ok(())
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_from_data, module)?)?;
    module.add_function(wrap_pyfunction!(_default_device, module)?)?;
    module.add_function(wrap_pyfunction!(_set_default_device, module)?)
}
