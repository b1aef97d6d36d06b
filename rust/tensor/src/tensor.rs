//! Tensor: an identity with a replaceable value and the autograd state that hangs on the identity.

use crate::attached::Slot;
use crate::core::{Core, Dims};
use crate::device::{Device, DeviceKind};
use crate::mode;
use corten_base::{DType, Result};
use std::any::Any;
use std::sync::Arc;

/// Bits that take a call off the fast path; each has its layer in `dispatch`.
pub mod key {
    /// Requires grad, or was computed from something that does.
    pub const AUTOGRAD: u32 = 1;
    /// A view made by an operator.
    pub const VIEW: u32 = 2;
    /// Data on a CUDA device (or the tests' fake one).
    pub const CUDA: u32 = 4;
    /// No data.
    pub const META: u32 = 8;
    /// A Python subclass with `__torch_function__`.
    pub const SUBCLASS: u32 = 16;
    /// Made in inference mode.
    pub const INFERENCE: u32 = 32;
    /// The view was made where nothing is recorded, so that writing to it later must be refused.
    pub const UNTRACKED_VIEW: u32 = 64;
    /// One of several views that one call made.
    pub const MULTI_VIEW: u32 = 128;
    /// On every tensor: for layers that take every call while their mode is on.
    pub const ANY: u32 = 256;
}

/// A node of the graph, as tensors hold it; what it does is the graph crate's.
pub trait GraphNode: Any + Send + Sync {
    /// For downcasting in the graph crate.
    fn as_any(&self) -> &dyn Any;
    /// The same, shared.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    /// PyTorch's name, as in `AddBackward0`.
    fn name(&self) -> String;
}

/// The autograd state that few tensors need.
#[derive(Default)]
pub struct Rest {
    /// The accumulated gradient of a leaf (or of one that retains it).
    pub grad: Option<Tensor>,
    /// The node that accumulates into this leaf.
    pub accumulator: Option<Arc<dyn GraphNode>>,
    /// What the layer above keeps of a Python object that is gone, for the next one.
    pub former: Option<Box<dyn Any + Send + Sync>>,
    /// Whether a non-leaf keeps its gradient.
    pub retains_grad: bool,
}

/// A tensor's identity.
pub struct Impl {
    core: Slot<Core>,
    keys: Slot<u32>,
    requires_grad: Slot<bool>,
    output_nr: Slot<u32>,
    /// For a view: the version (its low bits) that its history belongs to.
    view_version: Slot<u32>,
    grad_fn: Slot<Option<Arc<dyn GraphNode>>>,
    base: Slot<Option<Tensor>>,
    rest: Slot<Option<Box<Rest>>>,
    /// The Python object that stands for this tensor, if there is one; it does not own it.
    python: Slot<usize>,
}

/// A shared handle to a tensor.
#[derive(Clone)]
pub struct Tensor(Arc<Impl>);

impl Tensor {
    /// A tensor of this value, without history.
    #[inline]
    pub fn new(core: Core) -> Tensor {
        let keys = match core.storage.device().kind {
            DeviceKind::Cpu => key::ANY,
            DeviceKind::Cuda => key::ANY | key::CUDA,
            DeviceKind::Meta => key::ANY | key::META,
        } | mode::new_tensor_keys();
        Tensor(Arc::new(Impl {
            core: Slot::new(core),
            keys: Slot::new(keys),
            requires_grad: Slot::new(false),
            output_nr: Slot::new(0),
            view_version: Slot::new(0),
            grad_fn: Slot::new(None),
            base: Slot::new(None),
            rest: Slot::new(None),
            python: Slot::new(0),
        }))
    }

    /// Uninitialised elements, row-major.
    pub fn empty(sizes: &[i64], dtype: DType, device: Device) -> Result<Tensor> {
        Ok(Tensor::new(Core::empty(sizes, dtype, device)?))
    }

    /// The value at this moment. The reference must not be kept across anything that may run Python code.
    #[inline(always)]
    pub fn core(&self) -> &Core {
        self.0.core.get()
    }

    /// Replaces the value (`.data =`, `resize_`, `t_`): the identity and its history stay.
    pub fn set_core(&self, core: Core) {
        let device = match core.device().kind {
            DeviceKind::Cpu => 0,
            DeviceKind::Cuda => key::CUDA,
            DeviceKind::Meta => key::META,
        };
        self.0.keys.set((self.keys() & !(key::CUDA | key::META)) | device);
        self.0.core.set(core);
    }

    /// Its bits (see [`key`]).
    #[inline(always)]
    pub fn keys(&self) -> u32 {
        self.0.keys.load()
    }

    /// Sets bits.
    pub fn add_keys(&self, bits: u32) {
        self.0.keys.set(self.keys() | bits);
    }

    /// Clears bits.
    pub fn remove_keys(&self, bits: u32) {
        self.0.keys.set(self.keys() & !bits);
    }

    /// Sizes.
    #[inline(always)]
    pub fn sizes(&self) -> &[i64] {
        &self.core().sizes
    }

    /// Strides, in elements.
    #[inline(always)]
    pub fn strides(&self) -> &[i64] {
        &self.core().strides
    }

    /// Element type.
    #[inline(always)]
    pub fn dtype(&self) -> DType {
        self.core().dtype
    }

    /// Where it is.
    #[inline(always)]
    pub fn device(&self) -> Device {
        self.core().device()
    }

    /// Number of dimensions.
    #[inline(always)]
    pub fn ndim(&self) -> usize {
        self.core().sizes.len()
    }

    /// Number of elements.
    #[inline(always)]
    pub fn numel(&self) -> usize {
        self.core().numel()
    }

    /// True if both are the same identity.
    #[inline(always)]
    pub fn is(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// An address that is this identity's own while it lives.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// How many handles there are.
    pub fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// A handle that does not keep the tensor alive.
    pub fn downgrade(&self) -> WeakTensor {
        WeakTensor(Arc::downgrade(&self.0))
    }

    /// A new identity with the same value, sharing storage and version, without history.
    pub fn detached(&self) -> Tensor {
        Tensor::new(self.core().clone())
    }

    /// The leaf flag as set by the user, or true for a result that is recorded.
    #[inline(always)]
    pub fn requires_grad(&self) -> bool {
        self.keys() & key::AUTOGRAD != 0
    }

    /// True where the user set `requires_grad` (a leaf).
    pub fn leaf_requires_grad(&self) -> bool {
        self.0.requires_grad.load()
    }

    /// Sets the flag of a leaf.
    pub fn set_leaf_requires_grad(&self, on: bool) {
        self.0.requires_grad.set(on);
        if on || self.grad_fn_slot().is_some() {
            self.add_keys(key::AUTOGRAD);
        } else {
            self.remove_keys(key::AUTOGRAD);
        }
    }

    /// The node that computed it, as last stored (a view's may be out of date: see the graph crate).
    #[inline(always)]
    pub fn grad_fn_slot(&self) -> Option<&Arc<dyn GraphNode>> {
        self.0.grad_fn.get().as_ref()
    }

    /// Which output of the node it is.
    #[inline(always)]
    pub fn output_nr(&self) -> u32 {
        self.0.output_nr.load()
    }

    /// Makes it output `nr` of `node`; without a node it becomes a leaf.
    #[inline]
    pub fn set_history(&self, node: Option<Arc<dyn GraphNode>>, nr: u32) {
        let keys = self.keys() & !key::AUTOGRAD;
        let recorded = node.is_some() || self.0.requires_grad.load();
        self.0.keys.set(keys | if recorded { key::AUTOGRAD } else { 0 });
        self.0.output_nr.set(nr);
        self.0.grad_fn.set(node);
    }

    /// The tensor whose view it is.
    #[inline(always)]
    pub fn base(&self) -> Option<&Tensor> {
        self.0.base.get().as_ref()
    }

    /// Declares it a view of `base` (or of `base`'s base).
    pub fn set_base(&self, base: Option<&Tensor>) {
        match base {
            Some(base) => {
                let root = base.base().unwrap_or(base).clone();
                self.add_keys(key::VIEW);
                self.0.base.set(Some(root));
                self.mark_current();
            }
            None => {
                self.remove_keys(key::VIEW | key::UNTRACKED_VIEW | key::MULTI_VIEW);
                self.0.base.set(None);
            }
        }
    }

    /// True for a view whose memory was changed since its history was stored.
    #[inline(always)]
    pub fn is_stale(&self) -> bool {
        self.keys() & key::VIEW != 0 && self.0.view_version.load() != self.core().version() as u32
    }

    /// Declares the stored history of a view the one of its current version.
    pub fn mark_current(&self) {
        self.0.view_version.set(self.core().version() as u32);
    }

    /// The state that few tensors need, if it has any.
    #[inline(always)]
    pub fn rest(&self) -> Option<&Rest> {
        self.0.rest.get().as_deref()
    }

    /// Changes the state that few tensors need. `change` must not run Python code.
    pub fn with_rest<R>(&self, change: impl FnOnce(&mut Rest) -> R) -> R {
        self.0.rest.with(|rest| change(rest.get_or_insert_default()))
    }

    /// The accumulated gradient.
    pub fn grad(&self) -> Option<Tensor> {
        self.rest().and_then(|rest| rest.grad.clone())
    }

    /// Replaces the accumulated gradient.
    pub fn set_grad(&self, grad: Option<Tensor>) {
        if grad.is_some() || self.rest().is_some() {
            let old = self.with_rest(|rest| std::mem::replace(&mut rest.grad, grad));
            drop(old);
        }
    }

    /// The address of the Python object that stands for it, or 0.
    #[inline(always)]
    pub fn python(&self) -> usize {
        self.0.python.load()
    }

    /// Sets the address of the Python object.
    #[inline(always)]
    pub fn set_python(&self, address: usize) {
        self.0.python.set(address);
    }

    /// Sizes, copied.
    pub fn dims(&self) -> Dims {
        Dims::from_slice(self.sizes())
    }
}

/// A handle that does not keep its tensor alive.
#[derive(Clone)]
pub struct WeakTensor(std::sync::Weak<Impl>);

impl WeakTensor {
    /// The tensor, if it still lives.
    pub fn upgrade(&self) -> Option<Tensor> {
        self.0.upgrade().map(Tensor)
    }
}
