//! In-place changes: what may be changed, whose history is rewritten, and views that are renewed when their base changes.

use crate::derivative::Derivative;
use crate::derivatives;
use crate::node::{Edge, Edges, Kind, Node, OutputMeta, edge_of, node_of};
use crate::snapshot::{Saved, SavedArg};
use corten_tensor::op::Op;
use corten_tensor::ops::{cast, factory, view};
use corten_tensor::value::Value;
use corten_tensor::{Dims, Result, Tensor, fail, key, mode};
use smallvec::smallvec;
use std::sync::Arc;

/// An in-place change of a view, seen from its base: the gradient of the base with the view's part replaced.
pub struct CopySlices {
    base_sizes: Dims,
    base_strides: Dims,
    view_sizes: Dims,
    view_strides: Dims,
    offset: i64,
    /// The change itself, whose first edge is the view.
    pub inner: Arc<Node>,
}

impl CopySlices {
    /// The gradients of the base (first) and of the other inputs of the change.
    pub fn backward(
        &self,
        grad: &Tensor,
        run: impl FnOnce(&Arc<Node>, Tensor) -> Result<Vec<Option<Tensor>>>,
    ) -> Result<Vec<Option<Tensor>>> {
        let whole = factory::empty_strided_with(
            &self.base_sizes,
            &self.base_strides,
            grad.dtype(),
            Value::None,
            grad.device(),
            false,
            false,
        )
        .tensor()?;
        cast::copy_(&whole, grad).get()?;
        let part = view::as_strided_with(&whole, &self.view_sizes, &self.view_strides, self.offset).tensor()?;
        let mut grads = run(&self.inner, cast::clone(&part).tensor()?)?;
        match grads.first_mut().and_then(Option::take) {
            Some(inner) => cast::copy_(&part, &inner).get()?,
            None => factory::zero_(&part).get()?,
        };
        match grads.first_mut() {
            Some(slot) => *slot = Some(whole),
            None => grads.push(Some(whole)),
        }
        Ok(grads)
    }
}

/// Refuses in-place changes that gradients could not follow.
pub fn check(op: &Op, input: &Tensor) -> Result<()> {
    if !mode::grad_enabled() {
        return Ok(());
    }
    if input.requires_grad() && input.grad_fn_slot().is_none() {
        fail!(Runtime, "a leaf Variable that requires grad is being used in an in-place operation.");
    }
    let Some(base) = input.base() else { return Ok(()) };
    if base.requires_grad() && base.grad_fn_slot().is_none() {
        fail!(Runtime, "a view of a leaf Variable that requires grad is being used in an in-place operation.");
    }
    if input.keys() & key::UNTRACKED_VIEW != 0 {
        fail!(
            Runtime,
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
        );
    }
    if input.keys() & key::MULTI_VIEW != 0 {
        let node = input.grad_fn_slot().map_or_else(|| op.name.to_string(), |node| node.name());
        fail!(
            Runtime,
            "Output {} of {node} is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.",
            input.output_nr()
        );
    }
    Ok(())
}

/// Makes `node` the history of `input`, which it has just changed; of its base if `input` is a view.
pub fn rebase(input: &Tensor, node: Arc<Node>) {
    let Some(base) = input.base().cloned() else {
        input.set_history(Some(node), 0);
        return;
    };
    let (b, v) = (base.core(), input.core());
    let mut edges: Edges = smallvec![edge_of(&base)];
    edges.extend(node.edges().iter().skip(1).cloned());
    let slices = CopySlices {
        base_sizes: b.sizes.clone(),
        base_strides: b.strides.clone(),
        view_sizes: v.sizes.clone(),
        view_strides: v.strides.clone(),
        offset: v.offset - b.offset,
        inner: node,
    };
    let outer = Arc::new(Node::new(Kind::CopySlices(Box::new(slices)), edges, None));
    outer.add_output(&base);
    base.set_history(Some(outer), 0);
    base.with_rest(|rest| rest.epoch += 1);
    refresh(input);
}

/// Renews the edge of a view whose base has got a new history since.
#[inline]
pub fn refresh(tensor: &Tensor) {
    if tensor.keys() & key::VIEW != 0 {
        renew(tensor);
    }
}

fn renew(tensor: &Tensor) {
    let Some(base) = tensor.base() else { return };
    let epoch = base.rest().map_or(0, |rest| rest.epoch);
    if tensor.rest().map_or(0, |rest| rest.view_epoch) == epoch || !base.requires_grad() {
        return;
    }
    let node = as_strided_node(base, tensor);
    tensor.set_history(Some(node), 0);
    tensor.with_rest(|rest| rest.view_epoch = epoch);
}

/// The node of `as_strided`, which stands for any view of `base`.
fn as_strided_node(base: &Tensor, tensor: &Tensor) -> Arc<Node> {
    let (row, op): (&'static Derivative, &'static Op) = derivatives::as_strided();
    let core = tensor.core();
    let args = smallvec![
        SavedArg::Meta(OutputMeta::of(base)),
        SavedArg::Plain(Value::from(&core.sizes)),
        SavedArg::Plain(Value::from(&core.strides)),
        SavedArg::Plain(Value::from(core.offset - base.core().offset)),
    ];
    let edges: Edges = smallvec![edge_of(base)];
    let node = Arc::new(Node::new(Kind::Row(row, op), edges, Some(Saved { args, outs: smallvec![] })));
    node.add_output(tensor);
    node
}

/// The edge of a tensor's current history as stored, without renewing it (drawing and debugging).
pub fn stored_edge(tensor: &Tensor) -> Option<Edge> {
    tensor.grad_fn_slot().and_then(node_of).map(|node| Edge { node, nr: tensor.output_nr() })
}
