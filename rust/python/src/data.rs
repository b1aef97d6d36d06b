//! Tensors from Python numbers and nested sequences: shape and category found first, then one pass that writes.

use crate::class::{self, tensor_of};
use crate::errors::OrRaise;
use crate::types::{device, dtype};
use corten_base::dtype::Category;
use corten_base::element::Element;
use corten_base::{Scalar, with_dtype};
use corten_tensor::{Core, DType, Device, Dims, Tensor, promote};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyFloat, PyInt, PyList, PyString, PyTuple};

/// Nesting deeper than this is refused: lists that contain themselves have no shape.
const MAX_DEPTH: usize = 64;

/// What an item is.
enum Item<'py> {
    Number(Scalar),
    Sequence(Vec<Bound<'py, PyAny>>),
}

/// A number or the items of a sequence; an error for anything else.
fn read<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Item<'py>> {
    if obj.is_exact_instance_of::<PyFloat>() {
        return Ok(Item::Number(Scalar::Float(obj.extract()?)));
    }
    if let Ok(list) = obj.cast::<PyList>() {
        return Ok(Item::Sequence(list.iter().collect()));
    }
    if let Ok(tuple) = obj.cast::<PyTuple>() {
        return Ok(Item::Sequence(tuple.iter().collect()));
    }
    if obj.is_instance_of::<PyBool>() {
        return Ok(Item::Number(Scalar::Bool(obj.extract()?)));
    }
    if obj.is_instance_of::<PyInt>() {
        return integer(obj).map(Item::Number);
    }
    if obj.is_instance_of::<PyFloat>() {
        return Ok(Item::Number(Scalar::Float(obj.extract()?)));
    }
    if let Ok(z) = obj.cast::<PyComplex>() {
        return Ok(Item::Number(Scalar::Complex(z.real(), z.imag())));
    }
    if let Some(tensor) = tensor_of(obj.as_borrowed()) {
        if tensor.ndim() == 0 {
            return read(&obj.call_method0("item")?);
        }
        return Ok(Item::Sequence(obj.call_method0("unbind")?.try_iter()?.collect::<PyResult<_>>()?));
    }
    if obj.is_instance_of::<PyString>() || obj.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err(format!("new(): invalid data type '{}'", obj.get_type().name()?)));
    }
    // NumPy's scalars and arrays, and other sequences.
    if obj.hasattr("dtype")?
        && obj.hasattr("item")?
        && obj.getattr("ndim").and_then(|n| n.extract::<usize>()).is_ok_and(|n| n == 0)
    {
        return read(&obj.call_method0("item")?);
    }
    if obj.hasattr("__len__")? && obj.hasattr("__getitem__")? {
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
        return integer(&obj.call_method0("__index__")?).map(Item::Number);
    }
    if obj.hasattr("__float__")? {
        return Ok(Item::Number(Scalar::Float(obj.call_method0("__float__")?.extract()?)));
    }
    Err(PyRuntimeError::new_err(format!("Could not infer dtype of {}", obj.get_type().name()?)))
}

fn integer(obj: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    match obj.extract::<i64>() {
        Ok(x) => Ok(Scalar::Int(x)),
        Err(_) => match obj.extract::<u64>() {
            Ok(x) => Ok(Scalar::UInt(x)),
            Err(_) => Err(PyRuntimeError::new_err("Overflow when unpacking long long")),
        },
    }
}

/// The numbers of nested sequences in row-major order, their common shape, and their highest category.
#[derive(Default)]
struct Flat {
    sizes: Vec<usize>,
    numbers: Vec<Scalar>,
    category: Option<Category>,
    large: bool,
}

impl Flat {
    fn push(&mut self, obj: &Bound<'_, PyAny>, depth: usize, filled: &mut bool) -> PyResult<()> {
        match read(obj)? {
            Item::Number(number) => {
                if *filled && depth != self.sizes.len() {
                    let expected = self.sizes[depth];
                    return Err(PyTypeError::new_err(format!(
                        "expected a sequence of length {expected} at dim {depth}, got {}",
                        obj.get_type().name()?
                    )));
                }
                *filled = true;
                self.category = self.category.max(Some(number.category()));
                self.large |= matches!(number, Scalar::UInt(_));
                self.numbers.push(number);
            }
            Item::Sequence(items) => {
                if depth >= MAX_DEPTH {
                    return Err(PyValueError::new_err(format!("too many dimensions: nested deeper than {MAX_DEPTH}")));
                }
                if depth == self.sizes.len() {
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

    fn dtype(&self) -> DType {
        match self.category {
            Some(Category::Bool) => DType::Bool,
            Some(Category::Int) if self.large => DType::U64,
            Some(Category::Int) => DType::I64,
            Some(Category::Float) | None => promote::default_float(),
            Some(Category::Complex) => promote::default_float().to_complex(),
        }
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
    let dtype = wanted.unwrap_or_else(|| flat.dtype());
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
