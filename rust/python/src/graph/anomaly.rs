//! Where in the program something happened, for messages.

use corten_tensor::dispatch::HOOKS;
use pyo3::prelude::*;

/// ` at FILE:LINE` of the Python code that is running; empty where there is none.
fn line() -> String {
    Python::attach(|py| {
        let frame = py.import("sys")?.getattr("_getframe")?.call0()?;
        let file: String = frame.getattr("f_code")?.getattr("co_filename")?.extract()?;
        let line: usize = frame.getattr("f_lineno")?.extract()?;
        PyResult::Ok(format!(" at {file}:{line}"))
    })
    .unwrap_or_default()
}

/// The lines of the program that led here.
fn trace() -> String {
    Python::attach(|py| {
        let lines: Vec<String> = py.import("traceback")?.getattr("format_stack")?.call0()?.extract()?;
        PyResult::Ok(lines.concat())
    })
    .unwrap_or_default()
}

/// Shows a `UserWarning`; one that the program turns into an error stays a warning here.
fn warn(message: &str) {
    Python::attach(|py| {
        if let Err(error) =
            py.import("warnings").and_then(|m| m.getattr("warn")).and_then(|warn| warn.call1((message,)))
        {
            error.write_unraisable(py, None);
        }
    });
}

/// Installs the answers; doing so again does nothing.
pub fn install() {
    let _ = HOOKS.line.set(line);
    let _ = HOOKS.trace.set(trace);
    let _ = HOOKS.warn.set(warn);
}
