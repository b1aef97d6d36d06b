//! Nodes and edges.

use crate::derivative::Derivative;
use crate::inplace::CopySlices;
use crate::part::Part;
use crate::snapshot::Saved;
use corten_tensor::attached::Slot;
use corten_tensor::dispatch::HOOKS;
use corten_tensor::op::Op;
use corten_tensor::tensor::{GraphNode, WeakTensor};
use corten_tensor::{DType, Device, Dims, Result, Tensor};
use smallvec::SmallVec;
use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

/// Where a gradient goes: output `nr` of a node.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Edge {
    pub node: Arc<Node>,
    pub nr: u32,
}

/// The edges of a node, one for each input that gradients may flow into.
pub type Edges = SmallVec<[Option<Edge>; 2]>;

/// What a node's forward result was: gradients are checked and reduced against it.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct OutputMeta {
    pub sizes: Dims,
    pub dtype: DType,
    pub device: Device,
}

impl OutputMeta {
    /// Of a tensor.
    pub fn of(tensor: &Tensor) -> OutputMeta {
        OutputMeta { sizes: tensor.dims(), dtype: tensor.dtype(), device: tensor.device() }
    }

    /// True of a tensor that has these.
    pub fn describes(&self, tensor: &Tensor) -> bool {
        self.sizes[..] == *tensor.sizes() && self.dtype == tensor.dtype() && self.device == tensor.device()
    }
}

/// A backward written outside this crate (a Python `Function`).
pub trait Custom: Send + Sync {
    /// PyTorch's name of the node.
    fn name(&self) -> String;
    /// Gradients of the inputs, one for each edge, from those of the outputs.
    fn backward(&self, grads: Vec<Option<Tensor>>) -> Result<Vec<Option<Tensor>>>;
    /// Forgets what was saved.
    fn release(&self);
    /// For the layer that made it.
    fn as_any(&self) -> &dyn Any;
}

/// Hooks on a node, kept by the layer above.
pub trait NodeHooks: Send + Sync {
    /// Before the node runs: may replace the gradients of its outputs.
    fn before(&self, grads: &mut SmallVec<[Option<Tensor>; 1]>) -> Result<()>;
    /// After it ran: may replace the gradients of its inputs.
    fn after(&self, inputs: &mut Vec<Option<Tensor>>, grads: &[Option<Tensor>]) -> Result<()>;
    /// For the layer that made it.
    fn as_any(&self) -> &dyn Any;
}

/// How a node computes.
pub enum Kind {
    /// A row of the derivative table.
    Row(&'static Derivative, &'static Op),
    /// Adds into a leaf's `grad`; the leaf owns the node.
    Accumulate(WeakTensor),
    /// An in-place change of a view, as its base sees it.
    CopySlices(Box<CopySlices>),
    /// A view that was renewed: `as_strided` of its base.
    Part(Box<Part>),
    /// Outside this crate.
    Custom(Box<dyn Custom>),
}

/// What a node keeps until it runs.
pub enum Kept {
    /// Its formulas need nothing.
    Nothing,
    /// This.
    All(Arc<Saved>),
    /// No more: a pass has run it.
    Freed,
}

static NOTHING: LazyLock<Arc<Saved>> = LazyLock::new(Arc::default);

/// What is taken out of a node when it dies, so that long chains are freed without recursion.
type Remains = (Edges, Kept, Option<Kind>);

/// A node of the graph.
pub struct Node {
    /// Later nodes have higher numbers, so a consumer's is always higher than a producer's.
    pub seq: u64,
    kind: Slot<Option<Kind>>,
    edges: Slot<Edges>,
    outputs: Slot<SmallVec<[OutputMeta; 1]>>,
    saved: Slot<Kept>,
    extra: Slot<Option<Box<Extra>>>,
}

/// What few nodes have.
#[derive(Default)]
struct Extra {
    retained: Vec<(u32, WeakTensor)>,
    hooks: Option<Arc<dyn NodeHooks>>,
    /// The Python object that stands for it, or 0; it does not own it.
    python: usize,
    /// What the layer above keeps with it (where it was made, metadata).
    note: Option<Arc<dyn Any + Send + Sync>>,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Node {
    /// A node numbered after all that exist, which has saved nothing.
    #[inline]
    pub fn new(kind: Kind, edges: Edges) -> Node {
        let seq = match kind {
            // A leaf runs when nothing else is left, so that it fires once.
            Kind::Accumulate(_) => 0,
            _ => NEXT.fetch_add(1, Ordering::Relaxed),
        };
        Node {
            seq,
            kind: Slot::new(Some(kind)),
            edges: Slot::new(edges),
            outputs: Slot::new(SmallVec::new()),
            saved: Slot::new(Kept::Nothing),
            extra: Slot::new(None),
        }
    }

    /// How it computes.
    pub fn kind(&self) -> &Kind {
        match self.kind.get() {
            Some(kind) => kind,
            None => unreachable!("a node keeps its kind until it is dropped"),
        }
    }

    /// Where its results go.
    pub fn edges(&self) -> &Edges {
        self.edges.get()
    }

    /// What its forward results were.
    pub fn outputs(&self) -> &SmallVec<[OutputMeta; 1]> {
        self.outputs.get()
    }

    /// Adds a forward result; returns its number.
    pub fn add_output(&self, tensor: &Tensor) -> u32 {
        self.outputs.with(|outputs| {
            outputs.push(OutputMeta::of(tensor));
            outputs.len() as u32 - 1
        })
    }

    /// Replaces the description of a forward result (an in-place change, a copy to another device).
    pub fn set_output(&self, nr: u32, tensor: &Tensor) {
        self.outputs.with(|outputs| outputs[nr as usize] = OutputMeta::of(tensor));
    }

    /// What it saved, unless that was freed.
    pub fn saved(&self) -> Option<Arc<Saved>> {
        match self.saved.get() {
            Kept::Nothing => Some(NOTHING.clone()),
            Kept::All(saved) => Some(saved.clone()),
            Kept::Freed => None,
        }
    }

    /// Sets what it saved.
    pub fn set_saved(&self, saved: Kept) {
        self.saved.set(saved);
    }

    fn extra(&self) -> Option<&Extra> {
        self.extra.get().as_deref()
    }

    /// Changes what few nodes have; what `change` returns is dropped after the change.
    fn with_extra<R>(&self, change: impl FnOnce(&mut Extra) -> R) -> R {
        self.extra.with(|extra| change(extra.get_or_insert_default()))
    }

    /// Has the gradient of result `nr` kept in the `grad` of `tensor` (`retain_grad`).
    pub fn retain(&self, nr: u32, tensor: &Tensor) {
        self.with_extra(|extra| extra.retained.push((nr, tensor.downgrade())));
    }

    /// Puts complete gradients into the tensors that retain them.
    pub fn keep_retained(&self, grads: &[Option<Tensor>]) -> Result<()> {
        let Some(extra) = self.extra() else { return Ok(()) };
        for (nr, tensor) in extra.retained.clone() {
            if let (Some(tensor), Some(Some(grad))) = (tensor.upgrade(), grads.get(nr as usize)) {
                crate::accumulate::into_leaf(&tensor, grad.clone(), corten_tensor::mode::grad_enabled())?;
            }
        }
        Ok(())
    }

    /// Its hooks.
    pub fn hooks(&self) -> Option<Arc<dyn NodeHooks>> {
        self.extra().and_then(|extra| extra.hooks.clone())
    }

    /// Sets its hooks.
    pub fn set_hooks(&self, hooks: Option<Arc<dyn NodeHooks>>) {
        drop(self.with_extra(|extra| std::mem::replace(&mut extra.hooks, hooks)));
    }

    /// The Python object's address, or 0.
    pub fn python(&self) -> usize {
        self.extra().map_or(0, |extra| extra.python)
    }

    /// Sets the Python object's address.
    pub fn set_python(&self, address: usize) {
        self.with_extra(|extra| extra.python = address);
    }

    /// What the layer above keeps with it.
    pub fn note(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.extra().and_then(|extra| extra.note.clone())
    }

    /// Sets what the layer above keeps with it.
    pub fn set_note(&self, note: Option<Arc<dyn Any + Send + Sync>>) {
        drop(self.with_extra(|extra| std::mem::replace(&mut extra.note, note)));
    }

    /// Keeps the lines of the program that made it (anomaly mode).
    pub fn remember_origin(&self) {
        if let Some(trace) = HOOKS.trace.get() {
            self.set_note(Some(Arc::new(trace())));
        }
    }

    /// The lines of the program that made it, if it was made in anomaly mode.
    pub fn origin(&self) -> Option<Arc<String>> {
        self.note().and_then(|note| note.downcast::<String>().ok())
    }

    /// PyTorch's name, as in `AddBackward0`.
    pub fn type_name(&self) -> String {
        match self.kind() {
            Kind::Row(row, op) => row.node_name(op, self),
            Kind::Accumulate(_) => "AccumulateGrad".into(),
            Kind::CopySlices(_) => "CopySlices".into(),
            Kind::Part(_) => "AsStridedBackward0".into(),
            Kind::Custom(custom) => custom.name(),
        }
    }
}

impl GraphNode for Node {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> String {
        self.type_name()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

thread_local! {
    /// What dying nodes leave, while one is being dropped on this thread.
    static REMAINS: RefCell<Option<Vec<Remains>>> = const { RefCell::new(None) };
}

impl Drop for Node {
    fn drop(&mut self) {
        let mine: Remains =
            (self.edges.replace(Edges::new()), self.saved.replace(Kept::Freed), self.kind.replace(None));
        // Dropping what a node holds may drop further nodes: these only queue theirs.
        let outermost = REMAINS.try_with(|slot| match &mut *slot.borrow_mut() {
            Some(queue) => {
                queue.push(mine);
                None
            }
            empty => {
                *empty = Some(Vec::new());
                Some(mine)
            }
        });
        let Ok(Some(first)) = outermost else { return };
        drop(first);
        while let Some(next) = REMAINS.with(|slot| slot.borrow_mut().as_mut().and_then(Vec::pop)) {
            drop(next);
        }
        REMAINS.with(|slot| *slot.borrow_mut() = None);
    }
}

/// A tensor's node, as this crate's type.
pub fn node_of(node: &Arc<dyn GraphNode>) -> Option<Arc<Node>> {
    node.clone().into_any().downcast::<Node>().ok()
}

/// The node that accumulates into a leaf, made on first use.
pub fn accumulator(leaf: &Tensor) -> Arc<Node> {
    if let Some(node) = leaf.rest().and_then(|rest| rest.accumulator.as_ref()).and_then(node_of) {
        // A leaf may be given data of another kind, by `.data` or below recording.
        if !node.outputs()[0].describes(leaf) {
            node.set_output(0, leaf);
        }
        return node;
    }
    let node = Arc::new(Node::new(Kind::Accumulate(leaf.downgrade()), Edges::new()));
    node.add_output(leaf);
    leaf.with_rest(|rest| rest.accumulator = Some(node.clone()));
    node
}

/// Where the gradient of a tensor goes: its node, or its accumulator if it is a leaf.
pub fn edge_of(tensor: &Tensor) -> Option<Edge> {
    match tensor.grad_fn_slot() {
        Some(node) => node_of(node).map(|node| Edge { node, nr: tensor.output_nr() }),
        None if tensor.requires_grad() => Some(Edge { node: accumulator(tensor), nr: 0 }),
        None => None,
    }
}
