//! What a node keeps for its backward pass, as attributes: `_saved_self`, `_saved_result`, …

use crate::class;
use crate::convert;
use crate::errors::OrRaise;
use corten_graph::derivative::Derivative;
use corten_graph::engine;
use corten_graph::node::{Kind, Node, OutputMeta};
use corten_graph::snapshot::{Saved, SavedArg};
use corten_tensor::op::Op;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use std::sync::Arc;

/// Which of the saved things an attribute shows.
#[derive(Clone, Copy)]
enum Place {
    Argument(usize),
    Result(usize),
}

/// PyTorch's names of what a row's nodes save: `keeps` tells of each parameter whether data, or whether sizes alone.
fn names(op: &Op, keeps: impl Fn(usize) -> (bool, bool), results: impl Fn(usize) -> bool) -> Vec<(String, Place)> {
    let mut names = Vec::new();
    for (i, param) in op.params.iter().enumerate() {
        let name = if param.name == "input" && op.forms.method { "self" } else { param.name };
        match keeps(i) {
            (true, _) => names.push((format!("_saved_{name}"), Place::Argument(i))),
            (false, true) => names.push((format!("_saved_{name}_sym_sizes"), Place::Argument(i))),
            (false, false) => {}
        }
    }
    for j in (0..op.returns.len()).filter(|&j| results(j)) {
        let number = if op.returns.len() > 1 { j.to_string() } else { String::new() };
        names.push((format!("_saved_result{number}"), Place::Result(j)));
    }
    names
}

/// What this node saved; after it was freed, what such nodes may save.
fn listed(row: &Derivative, op: &Op, saved: Option<&Saved>) -> Vec<(String, Place)> {
    match saved {
        Some(saved) => {
            let keeps = |i: usize| match saved.args.get(i) {
                None | Some(SavedArg::Absent | SavedArg::NotGiven) => (false, false),
                Some(SavedArg::Meta(_) | SavedArg::Metas(_)) => (false, true),
                Some(_) => (true, false),
            };
            names(op, keeps, |j| matches!(saved.outs.get(j), Some(Some(_))))
        }
        None => {
            let (data, meta) = row.saves(u32::MAX);
            names(op, |i| (data >> i & 1 == 1, meta >> i & 1 == 1), |j| data >> (16 + j.min(15)) & 1 == 1)
        }
    }
}

/// The names of the attributes.
pub fn attributes(node: &Node) -> Vec<String> {
    match node.kind() {
        Kind::Row(row, op) => listed(row, op, node.saved().as_deref()).into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

/// The value of an attribute, or `None` where there is none of this name.
///
/// # Errors
/// PyTorch's, where a backward pass has freed what was saved or it has been changed since.
pub fn attribute<'py>(py: Python<'py>, node: &Arc<Node>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Kind::Row(row, op) = node.kind() else { return Ok(None) };
    let saved = node.saved();
    let Some((_, place)) = listed(row, op, saved.as_deref()).into_iter().find(|(known, _)| known == name) else {
        return Ok(None);
    };
    let Some(saved) = saved else { return engine::freed().or_raise(py) };
    let tensor = |snapshot: &corten_graph::snapshot::Snapshot| {
        snapshot.unpack(node, true).or_raise(py).and_then(|tensor| class::wrap(py, tensor))
    };
    let sizes = |meta: &OutputMeta| PyTuple::new(py, meta.sizes.iter());
    Ok(Some(match place {
        Place::Result(j) => match &saved.outs[j] {
            Some(snapshot) => tensor(snapshot)?,
            None => return Ok(None),
        },
        Place::Argument(i) => match &saved.args[i] {
            SavedArg::Absent | SavedArg::NotGiven => return Ok(None),
            SavedArg::Plain(value) => convert::to_object(py, value.clone())?,
            SavedArg::Tensor(snapshot) => tensor(snapshot)?,
            SavedArg::List(list) => {
                PyTuple::new(py, list.iter().map(tensor).collect::<PyResult<Vec<_>>>()?)?.into_any()
            }
            SavedArg::Meta(meta) => sizes(meta)?.into_any(),
            SavedArg::Metas(list) => PyList::new(py, list.iter().map(sizes).collect::<PyResult<Vec<_>>>()?)?.into_any(),
        },
    }))
}
