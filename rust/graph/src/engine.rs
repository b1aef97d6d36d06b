//! The engine: runs a graph backward, latest node first.
//!
//! Nodes are numbered as they are made, so a consumer's number is always higher than that of what it consumes: one pass
//! over a heap of numbers needs no counting pass before it. Buffers belong to the pass, not to the nodes, so passes may
//! nest and run at once. A leaf without hooks accumulates as soon as a gradient arrives; one with hooks runs last, once.

use crate::accumulate::{add_into, fit, into_leaf};
use crate::anomaly::{self, Anomaly};
use crate::derivative::Context;
use crate::node::{Edge, Kept, Kind, Node};
use crate::running::{self, AddressHasher, Addresses, address, reached};
use corten_tensor::dispatch::HOOKS;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::read;
use corten_tensor::{Result, Tensor, fail, key, mode};
use smallvec::SmallVec;
use std::collections::{BinaryHeap, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

/// The gradients of one node's outputs.
type Buffer = SmallVec<[Option<Tensor>; 1]>;

type ByNode<V> = HashMap<usize, V, BuildHasherDefault<AddressHasher>>;

/// A node that has gradients waiting; the heap gives the latest first.
struct Ready(Arc<Node>);

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.0.seq == other.0.seq
    }
}
impl Eq for Ready {}
impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ready {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.seq.cmp(&other.0.seq)
    }
}

/// What a pass is to do.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Keep what nodes saved, for another pass.
    pub retain_graph: bool,
    /// Record the pass itself.
    pub create_graph: bool,
    /// Give the gradients at these places instead of accumulating into leaves.
    pub targets: Option<&'a [Edge]>,
}

struct Pass<'a> {
    options: Options<'a>,
    heap: BinaryHeap<Ready>,
    buffers: ByNode<Buffer>,
    /// Targets by node: output number and place in the answer.
    captures: ByNode<SmallVec<[(u32, usize); 1]>>,
    captured: Vec<Option<Tensor>>,
    /// Anomaly mode, as it was when the pass began.
    anomaly: Anomaly,
    /// With targets: the nodes from which one can be reached.
    reaching: Option<Addresses>,
}

/// Runs backward from `roots` with their gradients; the gradients at the targets, if there are any.
pub fn run(roots: Vec<(Edge, Tensor)>, options: Options) -> Result<Vec<Option<Tensor>>> {
    let _mode = mode::grad_mode(options.create_graph);
    let _running = running::begin(&roots, options.targets);
    let mut pass = Pass {
        options,
        heap: BinaryHeap::new(),
        buffers: ByNode::default(),
        captures: ByNode::default(),
        captured: Vec::new(),
        anomaly: anomaly::get(),
        reaching: None,
    };
    if let Some(targets) = options.targets {
        pass.captured = vec![None; targets.len()];
        for (place, edge) in targets.iter().enumerate() {
            pass.captures.entry(address(&edge.node)).or_default().push((edge.nr, place));
        }
        let roots = roots.iter().map(|(edge, _)| edge.node.clone()).collect();
        pass.reaching = Some(reached(roots, Some(targets.iter().map(|edge| edge.node.clone()).collect())));
    }
    for (edge, grad) in roots {
        pass.deliver(&edge, grad)?;
    }
    while let Some(Ready(node)) = pass.heap.pop() {
        if let Some(grads) = pass.buffers.remove(&address(&node)) {
            pass.step(&node, grads)?;
        }
    }
    Ok(pass.captured)
}

impl Pass<'_> {
    /// True if a gradient sent along the edge can matter.
    fn wants(&self, edge: &Edge) -> bool {
        self.reaching.as_ref().is_none_or(|set| set.contains(&address(&edge.node)))
    }

    /// Sends a gradient along an edge: into the leaf at once, or into the node's buffer.
    fn deliver(&mut self, edge: &Edge, grad: Tensor) -> Result<()> {
        let node = &edge.node;
        if let Kind::Accumulate(leaf) = node.kind()
            && node.hooks().is_none()
            && !self.captures.contains_key(&address(node))
        {
            if self.options.targets.is_none()
                && let Some(leaf) = leaf.upgrade()
            {
                into_leaf(&leaf, grad, self.options.create_graph)?;
            }
            return Ok(());
        }
        match self.buffers.entry(address(node)) {
            std::collections::hash_map::Entry::Occupied(mut buffer) => {
                let slots = buffer.get_mut();
                if slots.len() <= edge.nr as usize {
                    slots.resize(edge.nr as usize + 1, None);
                }
                add_into(&mut slots[edge.nr as usize], grad)
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                let mut slots: Buffer = SmallVec::new();
                slots.resize(edge.nr as usize + 1, None);
                slots[edge.nr as usize] = Some(grad);
                place.insert(slots);
                self.heap.push(Ready(node.clone()));
                Ok(())
            }
        }
    }

    /// Runs one node whose gradients are complete.
    fn step(&mut self, node: &Arc<Node>, mut grads: Buffer) -> Result<()> {
        let hooks = node.hooks();
        if let Some(hooks) = &hooks {
            grads.resize(node.outputs().len().max(grads.len()), None);
            hooks.before(&mut grads)?;
        }
        node.keep_retained(&grads)?;
        if let Some(places) = self.captures.get(&address(node)) {
            for &(nr, place) in places {
                if let Some(Some(grad)) = grads.get(nr as usize) {
                    self.captured[place] = Some(grad.clone());
                }
            }
        }
        if let Kind::Accumulate(leaf) = node.kind() {
            if self.options.targets.is_none()
                && let (Some(leaf), Some(Some(grad))) = (leaf.upgrade(), grads.first_mut().map(Option::take))
            {
                into_leaf(&leaf, grad, self.options.create_graph)?;
                if let Some(hooks) = &hooks {
                    hooks.after(&mut Vec::new(), &[])?;
                }
            }
            return Ok(());
        }
        // A chain may be millions long: the edges are read in place, and nothing here recurses.
        let wanted: SmallVec<[bool; 4]> =
            node.edges().iter().map(|edge| edge.as_ref().is_some_and(|edge| self.wants(edge))).collect();
        if let Kind::Row(row, op) = node.kind()
            && row.op.is_empty()
        {
            fail!(Runtime, "derivative for aten::{} is not implemented", op.full_name());
        }
        if !wanted.contains(&true) {
            return Ok(());
        }
        let passed = if hooks.is_some() { grads.to_vec() } else { Vec::new() };
        let mut results = match self.backward(node, grads, &wanted) {
            Ok(results) if self.anomaly.refuses_nan() => refuse_nan(node, results),
            other => other,
        }
        .inspect_err(|_| self.explain(node))?;
        if let Some(hooks) = &hooks {
            hooks.after(&mut results, &passed)?;
        }
        if results.len() < wanted.len() {
            results.resize(wanted.len(), None);
        }
        for (index, grad) in results.into_iter().enumerate() {
            let (Some(grad), Some(true)) = (grad, wanted.get(index)) else { continue };
            let Some(Some(edge)) = node.edges().get(index).cloned() else { continue };
            let grad = match edge.node.outputs().get(edge.nr as usize) {
                Some(meta) => fit(grad, meta, &|| {
                    format!("Function {} returned an invalid gradient at index {index}", node.type_name())
                })?,
                None => grad,
            };
            self.deliver(&edge, grad)?;
        }
        Ok(())
    }

    /// In anomaly mode, shows where the node that failed was made.
    fn explain(&self, node: &Arc<Node>) {
        if !self.anomaly.enabled {
            return;
        }
        let origin = match node.origin() {
            Some(trace) => format!("Traceback of forward call that caused the error:\n{trace}"),
            None => {
                "No forward pass information available. Enable detect anomaly during forward pass for more information."
                    .into()
            }
        };
        if let Some(warn) = HOOKS.warn.get() {
            warn(&format!("Error detected in {}. {origin}", node.type_name()));
        }
    }

    fn backward(&self, node: &Arc<Node>, grads: Buffer, wanted: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let keep = self.options.retain_graph;
        match node.kind() {
            Kind::Row(row, _) => {
                let Some(saved) = node.saved() else { return freed() };
                // Formulas see plain tensors: only a program's own calls go to `__torch_function__`.
                let _plain = mode::without(key::SUBCLASS);
                let mut context = Context::new(node, row, &saved, &grads, wanted, self.options.create_graph);
                (row.backward)(&mut context)?;
                let results = context.finish();
                if !keep && saved.holds_data() {
                    node.set_saved(Kept::Freed);
                }
                Ok(results)
            }
            Kind::CopySlices(slices) => {
                let Some(Some(grad)) = grads.first() else { return Ok(vec![None; wanted.len()]) };
                slices.backward(grad, |inner, grad| {
                    let mut wanted: SmallVec<[bool; 4]> = wanted.into();
                    wanted.resize(inner.edges().len(), false);
                    self.backward(inner, smallvec::smallvec![Some(grad)], &wanted)
                })
            }
            Kind::Part(part) => match grads.first() {
                Some(Some(grad)) => Ok(vec![Some(part.backward(&T::from(grad))?.tensor()?)]),
                _ => Ok(vec![None; wanted.len()]),
            },
            Kind::Custom(custom) => {
                let mut grads = grads;
                grads.resize(node.outputs().len(), None);
                let results = custom.backward(grads.into_vec())?;
                if !keep {
                    custom.release();
                }
                Ok(results)
            }
            Kind::Accumulate(_) => Ok(Vec::new()),
        }
    }
}

/// In anomaly mode a gradient with NaN is an error.
fn refuse_nan(node: &Node, results: Vec<Option<Tensor>>) -> Result<Vec<Option<Tensor>>> {
    let _quiet = mode::no_grad();
    for (index, grad) in results.iter().enumerate() {
        let Some(grad) = grad else { continue };
        if !read::item(&ops::any(ops::isnan(grad)).tensor()?)?.is_zero() {
            fail!(Runtime, "Function '{}' returned nan values in its {index}th output.", node.type_name());
        }
    }
    Ok(results)
}

/// The error of a second pass over a graph whose buffers are gone.
pub fn freed<T>() -> Result<T> {
    fail!(
        Runtime,
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward."
    )
}
