//! The recording layer: runs an operator below itself and hangs a node on what it gives.

use crate::anomaly;
use crate::derivative::{Derivative, Slot};
use crate::derivatives;
use crate::inplace;
use crate::node::{Edge, Edges, Kept, Kind, Node, OutputMeta, edge_of};
use crate::packing;
use crate::snapshot::{Saved, SavedArg, Snapshot};
use corten_tensor::dispatch::{self, Target};
use corten_tensor::mode::{self, flag};
use corten_tensor::op::{Body, Op};
use corten_tensor::value::{IndexItem, Value};
use corten_tensor::{Result, Tensor, fail, key};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Calls `op`, recording it where an argument requires grad.
pub fn layer(op: &'static Op, args: &[Value], target: Target) -> Result<Value> {
    let outs: &[Tensor] = if let Target::Out(outs) = target { outs } else { &[] };
    let mut wanted = false;
    let mut fresh = Ok(());
    for_each_tensor(args, |t| {
        if t.is_stale() && mode::grad_enabled() && fresh.is_ok() {
            fresh = inplace::refresh(t);
        }
        wanted |= t.requires_grad();
    });
    fresh?;
    let row = match op.derivative.load(Ordering::Relaxed) {
        0 => None,
        n => derivatives::row(n - 1),
    };
    // Composites record what they call.
    let composite = matches!(op.body, Body::Composite(_) | Body::Dynamic(_) | Body::Python(_));
    if composite && (row.is_none() || !wanted) {
        return dispatch::run(op, args, target);
    }
    let in_place = op.mutates() || matches!(target, Target::InPlace);
    if !wanted && !outs.iter().any(Tensor::requires_grad) {
        if in_place && let Some(Value::Tensor(input)) = args.first() {
            inplace::check_untracked(input)?;
        }
        return below(op, args, target);
    }
    if let Target::Out(_) = target {
        fail!(
            Runtime,
            "{}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.",
            op.name
        );
    }
    if in_place && let Some(Value::Tensor(input)) = args.first() {
        // Integers take values, never gradients.
        if !input.dtype().is_differentiable() {
            return below(op, args, target);
        }
        inplace::check(input)?;
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
            let node = Arc::new(Node::new(Kind::Row(&derivatives::UNKNOWN, op), Edges::new()));
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

#[inline]
fn for_each_tensor(args: &[Value], mut visit: impl FnMut(&Tensor)) {
    for arg in args {
        match arg {
            Value::Tensor(t) => visit(t),
            Value::Tensors(list) => list.iter().for_each(&mut visit),
            Value::OptionalTensors(list) => list.iter().flatten().for_each(&mut visit),
            Value::Key(items) => items.iter().for_each(|item| {
                if let IndexItem::Tensor(t) = item {
                    visit(t);
                }
            }),
            _ => {}
        }
    }
}

/// The edges of a call, in the order of the row's tensor parameters, and which parameters have one (a bit each).
#[inline]
fn edges_of(row: &Derivative, args: &[Value]) -> (Edges, u32) {
    let (mut edges, mut wanted) = (Edges::new(), 0);
    for (i, (slot, arg)) in row.slots.iter().zip(args).enumerate() {
        let mut push = |edge: Option<Edge>| {
            wanted |= (edge.is_some() as u32) << i;
            edges.push(edge);
        };
        match (slot, arg) {
            (Slot::Plain, _) => {}
            (Slot::Tensor, Value::Tensor(t)) => push(edge_of(t)),
            (Slot::Tensor, _) => push(None),
            (Slot::List, Value::Tensors(list)) => list.iter().for_each(|t| push(edge_of(t))),
            (Slot::List, _) => {}
        }
    }
    (edges, wanted)
}

fn record(op: &'static Op, row: &'static Derivative, args: &[Value], target: Target, in_place: bool) -> Result<Value> {
    let (edges, wanted) = edges_of(row, args);
    let (data, meta) = row.saves(wanted);
    let mut saved = Saved::default();
    if data | meta != 0 {
        save(&mut saved, row, args, &edges, data, meta, in_place)?;
    }
    // A short cut calls no other operator, so it needs no mode of its own.
    let result = match dispatch::quick(op, args, target) {
        Some(result) => Value::Tensor(result?),
        None => below(op, args, target)?,
    };
    let outputs: &[Tensor] = match &result {
        Value::Tensor(t) => std::slice::from_ref(t),
        Value::Tensors(list) => list,
        _ => &[],
    };
    // Truth values and places take no gradient.
    if outputs.iter().all(|t| !t.dtype().is_differentiable()) {
        return Ok(result);
    }
    let node = Arc::new(Node::new(Kind::Row(row, op), edges));
    for (nr, t) in outputs.iter().enumerate() {
        node.add_output(t);
        if data >> 16 != 0 {
            let named = data & (1 << (16 + nr.min(15))) != 0;
            saved.outs.push(named.then(|| Snapshot::output(t, nr as u32)));
        }
    }
    if mode::get() & flag::PACKING != 0 || anomaly::enabled() {
        watched(&node, &mut saved)?;
    }
    if data | meta != 0 {
        node.set_saved(Kept::All(Arc::new(saved)));
    }
    // An in-place change gives its own new history to the tensor that it changed, after the node is complete.
    if in_place {
        inplace::rebase(&outputs[0], node);
    } else if let [t] = outputs {
        t.set_history(Some(node), 0);
    } else {
        for (nr, t) in outputs.iter().enumerate() {
            if t.dtype().is_differentiable() && row.grads & (1 << nr.min(31)) != 0 {
                t.set_history(Some(node.clone()), nr as u32);
            }
        }
    }
    Ok(result)
}

/// What modes that few programs use do with a new node.
#[cold]
fn watched(node: &Node, saved: &mut Saved) -> Result<()> {
    if anomaly::enabled() {
        node.remember_origin();
    }
    packing::pack_all(saved)
}

fn save(
    saved: &mut Saved,
    row: &Derivative,
    args: &[Value],
    edges: &Edges,
    data: u32,
    meta: u32,
    in_place: bool,
) -> Result<()> {
    let mut at = 0;
    for (i, (slot, arg)) in row.slots.iter().zip(args).enumerate() {
        let (needs_data, needs_meta) = (data & (1 << i) != 0, meta & (1 << i) != 0);
        let start = at;
        at += match (slot, arg) {
            (Slot::Tensor, _) => 1,
            (Slot::List, Value::Tensors(list)) => list.len(),
            _ => 0,
        };
        let edge = |k: usize| -> Option<Edge> { edges.get(start + k).cloned().flatten() };
        saved.args.push(match arg {
            Value::None if !needs_data && !needs_meta => SavedArg::NotGiven,
            _ if !needs_data && !needs_meta => SavedArg::Absent,
            Value::Tensor(t) if needs_data => {
                let edge = if *slot == Slot::Plain { None } else { edge(0) };
                // What the change is about to overwrite is copied.
                SavedArg::Tensor(match in_place && i == 0 {
                    true => Snapshot::input(&copy_of(t)?, edge)?,
                    false => Snapshot::input(t, edge)?,
                })
            }
            Value::Tensor(t) => SavedArg::Meta(OutputMeta::of(t)),
            Value::Tensors(list) if *slot == Slot::List && needs_data => SavedArg::List(
                list.iter().enumerate().map(|(k, t)| Snapshot::input(t, edge(k))).collect::<Result<_>>()?,
            ),
            Value::Tensors(list) if *slot == Slot::List => SavedArg::Metas(list.iter().map(OutputMeta::of).collect()),
            other => SavedArg::Plain(other.clone()),
        });
    }
    Ok(())
}

fn copy_of(t: &Tensor) -> Result<Tensor> {
    let _quiet = mode::no_grad();
    corten_tensor::ops::cast::clone(t).tensor()
}
