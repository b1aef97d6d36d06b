//! `corten_native._native`: the Tensor class, the operators of the table as functions and methods, and the small classes
//! around them.

mod call;
mod class;
mod convert;
mod data;
mod dlpack;
mod errors;
mod explain;
mod functions;
mod getset;
mod graph;
mod hooks;
mod host;
mod interop;
mod legacy;
mod memory;
mod methods;
mod modes;
mod numbers;
mod optim;
mod parser;
mod py;
mod results;
mod signature;
mod slots;
mod subclass;
mod table;
mod types;

use errors::OrRaise;
use pyo3::prelude::*;

// Without an interpreter lock, slots (`corten_tensor::attached`) would race: a free-threaded interpreter turns its lock on.
#[pymodule(gil_used = true)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    corten_base::isa::choose().or_raise(module.py())?;
    types::dtype::register(module)?;
    types::device::register(module)?;
    types::format::register(module)?;
    types::size::register(module)?;
    types::generator::register(module)?;
    class::register(module)?;
    call::register(module)?;
    subclass::register(module)?;
    graph::register(module)?;
    modes::register(module)?;
    interop::register(module)?;
    functions::register(module)?;
    data::register(module)?;
    optim::register(module)?;
    module.add_function(wrap_pyfunction!(results::_return_types, module)?)?;
    module.add_function(wrap_pyfunction!(table::_table, module)?)?;
    // What `import *` takes is every public name, operators included.
    module.delattr("__all__")?;
    host::install().or_raise(module.py())
}
