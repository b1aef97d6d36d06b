//! In-place changes: what may be changed, whose history is rewritten, and views that are renewed when their base changes.

use crate::node::{Edge, Edges, Kind, Node, edge_of, node_of};
use crate::part::Part;
use corten_tensor::lazy::T;
use corten_tensor::ops::{cast, factory};
use corten_tensor::{Error, Result, Tensor, error, fail, key, mode};
use smallvec::smallvec;
use std::sync::Arc;

/// An in-place change of a view, seen from its base: the gradient of the base with the view's part replaced.
pub struct CopySlices {
    part: Part,
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
        let whole = self.part.whole(grad)?;
        cast::copy_(&whole, grad).get()?;
        let part = self.part.look(&T::from(&whole)).tensor()?;
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
pub fn check(input: &Tensor) -> Result<()> {
    if !mode::grad_enabled() {
        return Ok(());
    }
    if let Some(base) = input.base() {
        let untracked = input.keys() & key::UNTRACKED_VIEW != 0;
        if untracked || input.keys() & key::MULTI_VIEW != 0 {
            return Err(unfollowed(input, untracked, "is being"));
        }
        if (input.requires_grad() || base.requires_grad()) && base.grad_fn_slot().is_none() {
            fail!(Runtime, "a view of a leaf Variable that requires grad is being used in an in-place operation.");
        }
    }
    if input.requires_grad() && input.grad_fn_slot().is_none() {
        fail!(Runtime, "a leaf Variable that requires grad is being used in an in-place operation.");
    }
    Ok(())
}

/// Refuses to change what requires grad through a view of it that was taken without recording.
pub fn check_untracked(input: &Tensor) -> Result<()> {
    let guarded = input.keys() & key::UNTRACKED_VIEW != 0 && input.base().is_some_and(Tensor::requires_grad);
    if guarded && mode::grad_enabled() { Err(unfollowed(input, true, "is being")) } else { Ok(()) }
}

/// Makes `node` the history of `input`, which it has just changed; of its base if `input` is a view.
pub fn rebase(input: &Tensor, node: Arc<Node>) {
    let Some(base) = input.base().cloned() else {
        input.set_history(Some(node), 0);
        return;
    };
    let mut edges: Edges = smallvec![edge_of(&base)];
    edges.extend(node.edges().iter().skip(1).cloned());
    let slices = CopySlices { part: Part::of(&base, input), inner: node };
    let outer = Arc::new(Node::new(Kind::CopySlices(Box::new(slices)), edges));
    outer.add_output(&base);
    base.set_history(Some(outer), 0);
    hang(&base, input);
}

/// Renews the history of a view whose memory was changed since; an error where the change cannot be followed.
#[inline]
pub fn refresh(tensor: &Tensor) -> Result<()> {
    if tensor.is_stale() { renew(tensor) } else { Ok(()) }
}

#[cold]
fn renew(tensor: &Tensor) -> Result<()> {
    let Some(base) = tensor.base() else { return Ok(()) };
    if tensor.grad_fn_slot().is_none() && !base.requires_grad() {
        return Ok(());
    }
    let untracked = tensor.keys() & key::UNTRACKED_VIEW != 0;
    if untracked || tensor.keys() & key::MULTI_VIEW != 0 {
        return Err(unfollowed(tensor, untracked, "its base or another view of its base has been"));
    }
    hang(base, tensor);
    Ok(())
}

/// Makes `as_strided` of the base, which stands for any view, the history of a view.
fn hang(base: &Tensor, view: &Tensor) {
    let node = Arc::new(Node::new(Kind::Part(Box::new(Part::of(base, view))), smallvec![edge_of(base)]));
    node.add_output(view);
    view.set_history(Some(node), 0);
    view.mark_current();
}

/// The error of an in-place change that a view's gradient could not follow.
fn unfollowed(view: &Tensor, untracked: bool, changed: &str) -> Error {
    let output = view.grad_fn_slot().map(|node| {
        let name = node.name();
        format!("Output {} of {} is a view", view.output_nr(), name.strip_suffix("Backward0").unwrap_or(&name))
    });
    match (untracked, output) {
        (false, Some(output)) => error!(
            Runtime,
            "{output} and {changed} modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one."
        ),
        (_, output) => error!(
            Runtime,
            "{} in no_grad mode and {changed} modified inplace with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked).",
            output.map_or("A view was created".into(), |output| format!("{output} of a view which was created"))
        ),
    }
}

/// The edge of a tensor's current history as stored, without renewing it (drawing and debugging).
pub fn stored_edge(tensor: &Tensor) -> Option<Edge> {
    tensor.grad_fn_slot().and_then(node_of).map(|node| Edge { node, nr: tensor.output_nr() })
}
