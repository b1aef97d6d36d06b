//! The recording layer: runs an operator below itself and hangs a node on what it gives.

use crate::derivative::{Derivative, Slot};
use crate::derivatives;
use crate::inplace;
use crate::node::{Edge, Edges, Kind, Node, OutputMeta, edge_of};
use crate::snapshot::{Saved, SavedArg, Snapshot};
use corten_tensor::dispatch::{self, Target};
use corten_tensor::mode;
use corten_tensor::op::{Body, Op};
use corten_tensor::value::{IndexItem, Value};
use corten_tensor::{Result, Tensor, fail, key};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Calls `op`, recording it where an argument requires grad.
pub fn layer(op: &'static Op, args: &[Value], target: Target) -> Result<Value> {
    let outs: &[Tensor] = if let Target::Out(outs) = target { outs } else { &[] };
    let mut wanted = false;
    for_each_tensor(args, &mut |t| {
        inplace::refresh(t);
        wanted |= t.requires_grad();
    });
    let row = match op.derivative.load(Ordering::Relaxed) {
        0 => None,
        n => derivatives::row(n - 1),
    };
    // Composites record what they call.
    let composite = matches!(op.body, Body::Composite(_) | Body::Dynamic(_) | Body::Python(_));
    if composite && (row.is_none() || !wanted) {
        return dispatch::run(op, args, target);
    }
    if !wanted && !outs.iter().any(Tensor::requires_grad) {
        return below(op, args, target);
    }
    if let Target::Out(_) = target {
        fail!(
            Runtime,
            "{}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.",
            op.name
        );
    }
    let in_place = op.mutates() || matches!(target, Target::InPlace);
    if in_place && let Some(Value::Tensor(input)) = args.first() {
        // Integers take values, never gradients.
        if !input.dtype().is_differentiable() {
            return below(op, args, target);
        }
        inplace::check(op, input)?;
    }
    match row {
        Some(row) => record(op, row, args, target, in_place),
        None if op.differentiable && !in_place => {
            let result = below(op, args, target)?;
            refuse_later(op, &result);
            Ok(result)
        }
        None => below(op, args, target),
    }
}

/// Below the recording layer, with views still tracked.
fn below(op: &'static Op, args: &[Value], target: Target) -> Result<Value> {
    let _layer = mode::without(key::AUTOGRAD | key::VIEW);
    dispatch::run(op, args, target)
}

/// A result whose derivative is not known says so when a gradient reaches it, as PyTorch's `NotImplemented` does.
fn refuse_later(op: &'static Op, result: &Value) {
    let refuse = |t: &Tensor| {
        if t.dtype().is_differentiable() {
            let node = Arc::new(Node::new(Kind::Row(&derivatives::UNKNOWN, op), Edges::new(), None));
            node.add_output(t);
            t.set_history(Some(node), 0);
        }
    };
    match result {
        Value::Tensor(t) => refuse(t),
        Value::Tensors(list) => list.iter().for_each(refuse),
        _ => {}
    }
}

fn for_each_tensor(args: &[Value], visit: &mut dyn FnMut(&Tensor)) {
    for arg in args {
        match arg {
            Value::Tensor(t) => visit(t),
            Value::Tensors(list) => list.iter().for_each(&mut *visit),
            Value::OptionalTensors(list) => list.iter().flatten().for_each(&mut *visit),
            Value::Key(items) => items.iter().for_each(|item| {
                if let IndexItem::Tensor(t) = item {
                    visit(t);
                }
            }),
            _ => {}
        }
    }
}

/// The edges of a call, in the order of the row's tensor parameters.
fn edges_of(row: &Derivative, args: &[Value]) -> Edges {
    let mut edges = Edges::new();
    for (slot, arg) in row.slots.iter().zip(args) {
        match (slot, arg) {
            (Slot::Plain, _) => {}
            (Slot::Tensor, Value::Tensor(t)) => edges.push(edge_of(t)),
            (Slot::Tensor, _) => edges.push(None),
            (Slot::List, Value::Tensors(list)) => edges.extend(list.iter().map(edge_of)),
            (Slot::List, _) => {}
        }
    }
    edges
}

fn record(op: &'static Op, row: &'static Derivative, args: &[Value], target: Target, in_place: bool) -> Result<Value> {
    let edges = edges_of(row, args);
    let mut slots: SmallVec<[bool; 8]> = SmallVec::new();
    let mut at = 0;
    for (slot, arg) in row.slots.iter().zip(args) {
        let width = match (slot, arg) {
            (Slot::Plain, _) => 0,
            (Slot::List, Value::Tensors(list)) => list.len(),
            (Slot::List, _) => 0,
            (Slot::Tensor, _) => 1,
        };
        slots.push(edges[at..at + width].iter().any(Option::is_some));
        at += width;
    }
    let (data, meta) = row.saves(|param| slots.get(param).copied().unwrap_or(false));
    let mut saved = save(row, args, &edges, data, meta, in_place)?;
    let result = below(op, args, target)?;
    let node = Arc::new(Node::new(Kind::Row(row, op), edges, None));
    if mode::get() & mode::flag::ANOMALY != 0 {
        node.remember_origin();
    }
    // An in-place change gives its own new history to the tensor that it changed, after the node is complete.
    let outputs: &[Tensor] = match &result {
        Value::Tensor(t) => std::slice::from_ref(t),
        Value::Tensors(list) => list,
        _ => &[],
    };
    for (nr, t) in outputs.iter().enumerate() {
        node.add_output(t);
        let named = data & (1 << (16 + nr.min(15))) != 0;
        saved.outs.push(named.then(|| Snapshot::output(t, nr as u32)));
    }
    node.set_saved(Some(saved));
    if in_place {
        inplace::rebase(&outputs[0], node);
    } else {
        for (nr, t) in outputs.iter().enumerate() {
            if t.dtype().is_differentiable() && row.grads & (1 << nr.min(31)) != 0 {
                t.set_history(Some(node.clone()), nr as u32);
            }
        }
    }
    Ok(result)
}

fn save(row: &Derivative, args: &[Value], edges: &Edges, data: u32, meta: u32, in_place: bool) -> Result<Saved> {
    let mut saved = Saved { args: SmallVec::new(), outs: SmallVec::new() };
    let mut at = 0;
    for (i, (slot, arg)) in row.slots.iter().zip(args).enumerate() {
        let (needs_data, needs_meta) = (data & (1 << i) != 0, meta & (1 << i) != 0);
        let start = at;
        at += match (slot, arg) {
            (Slot::Plain, _) => 0,
            (Slot::List, Value::Tensors(list)) => list.len(),
            (Slot::List, _) => 0,
            (Slot::Tensor, _) => 1,
        };
        let edge = |k: usize| -> Option<Edge> { edges.get(start + k).cloned().flatten() };
        saved.args.push(match arg {
            _ if !needs_data && !needs_meta => SavedArg::Absent,
            Value::Tensor(t) if needs_data => {
                // The change is about to overwrite it.
                let kept = if in_place && i == 0 { copy_of(t)? } else { t.clone() };
                let edge = if *slot == Slot::Plain { None } else { edge(0) };
                SavedArg::Tensor(Snapshot::input(&kept, edge)?)
            }
            Value::Tensor(t) => SavedArg::Meta(OutputMeta::of(t)),
            Value::Tensors(list) if *slot == Slot::List && needs_data => SavedArg::List(
                list.iter().enumerate().map(|(k, t)| Snapshot::input(t, edge(k))).collect::<Result<_>>()?,
            ),
            Value::Tensors(list) if *slot == Slot::List => SavedArg::Metas(list.iter().map(OutputMeta::of).collect()),
            other => SavedArg::Plain(other.clone()),
        });
    }
    Ok(saved)
}

fn copy_of(t: &Tensor) -> Result<Tensor> {
    let _quiet = mode::no_grad();
    corten_tensor::ops::cast::clone(t).tensor()
}
