//! Packing: what the layer above puts in the place of tensors that nodes save, until they are needed again.

use crate::node::{Edge, Node, OutputMeta};
use crate::snapshot::{Saved, SavedArg, Snapshot};
use corten_tensor::mode::{self, flag};
use corten_tensor::{Result, Tensor, fail};
use std::cell::RefCell;
use std::sync::Arc;

/// A pair of functions, `pack` and `unpack`, as the layer above keeps it.
pub trait Packer: Send + Sync {
    /// Takes a tensor; what it gives is kept in the tensor's place.
    fn pack(&self, tensor: Tensor) -> Result<Box<dyn Packed>>;
}

/// What is kept in the place of a tensor.
pub trait Packed: Send + Sync {
    /// The tensor again.
    fn unpack(&self) -> Result<Tensor>;
}

/// A tensor that was packed, and what is known of it.
pub struct Parcel {
    packed: Box<dyn Packed>,
    meta: OutputMeta,
    place: Place,
}

/// Where the gradient of a packed tensor goes.
enum Place {
    /// It was an input.
    Input(Option<Edge>),
    /// It was this result of the saving node.
    Output(u32),
}

thread_local! {
    /// The last is in force. The thread's mode has a bit while there are any.
    static PACKERS: RefCell<Vec<Arc<dyn Packer>>> = const { RefCell::new(Vec::new()) };
}

/// Has `packer` pack what this thread's nodes save from now on.
pub fn push(packer: Arc<dyn Packer>) {
    PACKERS.with(|stack| stack.borrow_mut().push(packer));
    mode::set(mode::get() | flag::PACKING);
}

/// Ends the packing that began last.
pub fn pop() {
    let (last, empty) = PACKERS.with(|stack| {
        let mut stack = stack.borrow_mut();
        (stack.pop(), stack.is_empty())
    });
    drop(last);
    if empty {
        mode::set(mode::get() & !flag::PACKING);
    }
}

/// True if a packer is in force on this thread.
pub fn active() -> bool {
    PACKERS.with(|stack| !stack.borrow().is_empty())
}

/// Packs all that a node is about to keep.
pub fn pack_all(saved: &mut Saved) -> Result<()> {
    for arg in &mut saved.args {
        match arg {
            SavedArg::Tensor(snapshot) => pack(snapshot)?,
            SavedArg::List(list) => list.iter_mut().try_for_each(pack)?,
            _ => {}
        }
    }
    saved.outs.iter_mut().flatten().try_for_each(pack)
}

/// Packs one tensor, where a packer is in force.
pub fn pack(snapshot: &mut Snapshot) -> Result<()> {
    let Some(packer) = PACKERS.with(|stack| stack.borrow().last().cloned()) else { return Ok(()) };
    let (tensor, place) = match &*snapshot {
        Snapshot::Input { tensor, edge, .. } => (tensor.clone(), Place::Input(edge.clone())),
        // Without its history: what the function keeps of a result must not keep the node that keeps it.
        Snapshot::Output { core, nr, .. } => (Tensor::new(core.as_ref().clone()), Place::Output(*nr)),
        Snapshot::Packed(_) => return Ok(()),
    };
    let meta = OutputMeta::of(&tensor);
    let version = tensor.core().version();
    let packed = {
        let _quiet = mode::no_grad();
        packer.pack(tensor.clone())?
    };
    if tensor.core().version() != version {
        fail!(
            Runtime,
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need to perform in-place operations on the input to a pack hook."
        );
    }
    *snapshot = Snapshot::Packed(Box::new(Parcel { packed, meta, place }));
    Ok(())
}

impl Parcel {
    /// The tensor, with its place in the graph if `recording`.
    pub fn unpack(&self, node: &Arc<Node>, recording: bool) -> Result<Tensor> {
        let tensor = self.packed.unpack()?;
        if !recording {
            return Ok(tensor);
        }
        let fresh = tensor.detached();
        match &self.place {
            Place::Input(None) => {}
            Place::Input(Some(edge)) => fresh.set_history(Some(edge.node.clone()), edge.nr),
            Place::Output(nr) => fresh.set_history(Some(node.clone()), *nr),
        }
        Ok(fresh)
    }

    /// Shape, dtype and device of the tensor.
    pub fn meta(&self) -> OutputMeta {
        self.meta.clone()
    }
}
