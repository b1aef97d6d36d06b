//! `_table()`: the op table as Python data, for stubs, documentation and tests.

use crate::signature::default_text;
use corten_tensor::op::{Body, Default, Op};
use corten_tensor::registry;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::atomic::Ordering;

/// Every row of the op table, described.
#[pyfunction]
pub fn _table(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let rows = registry::all().map(|op| describe(py, op)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, rows)
}

fn describe<'py>(py: Python<'py>, op: &'static Op) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("name", op.name)?;
    row.set_item("overload", op.overload)?;
    row.set_item("doc", op.doc.trim())?;
    row.set_item("family", op.family)?;
    let params = op.params.iter().map(|p| {
        let param = PyDict::new(py);
        param.set_item("name", p.name)?;
        param.set_item("type", format!("{:?}", p.ty))?;
        param.set_item("nullable", p.nullable)?;
        param.set_item("varargs", p.varargs)?;
        param.set_item("keyword", p.keyword)?;
        param.set_item("required", p.default.is_none())?;
        param.set_item("default", p.default.map(python_text))?;
        Ok(param)
    });
    row.set_item("params", params.collect::<PyResult<Vec<_>>>()?)?;
    row.set_item("returns", op.returns.iter().map(|r| (r.name, r.ty)).collect::<Vec<_>>())?;
    let forms = PyDict::new(py);
    forms.set_item("function", op.forms.function)?;
    forms.set_item("namespace", op.forms.namespace)?;
    forms.set_item("method", op.forms.method)?;
    forms.set_item("inplace", op.forms.inplace)?;
    forms.set_item("out", op.forms.out)?;
    forms.set_item("property", op.forms.property)?;
    row.set_item("forms", forms)?;
    row.set_item("aliases", op.aliases)?;
    row.set_item("domain", op.domain)?;
    row.set_item("check", op.check)?;
    row.set_item("array", op.array)?;
    row.set_item("differentiable", op.differentiable)?;
    row.set_item("has_derivative", op.derivative.load(Ordering::Relaxed) != 0)?;
    let body = match &op.body {
        Body::Kernel { run: Some(_), .. } => "kernel",
        Body::Kernel { run: None, .. } => "array",
        Body::View(_) => "view",
        Body::Composite(_) => "composite",
        Body::Dynamic(_) => "dynamic",
        Body::Python(_) => "python",
    };
    row.set_item("body", body)?;
    Ok(row)
}

/// A default as Python source.
fn python_text(default: Default) -> String {
    match default {
        Default::Float(x) if !x.is_finite() => format!("float(\"{x}\")"),
        other => default_text(other),
    }
}
