//! What a node keeps of its inputs and outputs until it runs.

use crate::node::{Edge, Kind, Node, OutputMeta, edge_of};
use crate::packing::Parcel;
use corten_tensor::core::Core;
use corten_tensor::value::Value;
use corten_tensor::{Result, Tensor, error, fail, key, text};
use smallvec::SmallVec;
use std::sync::Arc;

/// A tensor as it was when it was saved.
pub enum Snapshot {
    /// An input: the tensor, its version, and where its gradient went then.
    Input {
        /// The tensor.
        tensor: Tensor,
        /// Its version then.
        version: u64,
        /// Where its gradient went then.
        edge: Option<Edge>,
    },
    /// A result of the saving node: its value only, since the tensor itself holds the node.
    Output {
        /// The value; on the heap, so that what most nodes save stays small.
        core: Box<Core>,
        /// Its version then.
        version: u64,
        /// Which result.
        nr: u32,
    },
    /// One that the layer above has packed.
    Packed(Box<Parcel>),
}

/// One saved argument.
pub enum SavedArg {
    /// Not named by any formula that will run.
    Absent,
    /// The same, of an argument that was not given.
    NotGiven,
    /// Not a tensor, or one that no gradient flows into.
    Plain(Value),
    /// A tensor.
    Tensor(Snapshot),
    /// A list of tensors.
    List(Vec<Snapshot>),
    /// Only shape, dtype and device are needed.
    Meta(OutputMeta),
    /// The same of a list.
    Metas(Vec<OutputMeta>),
}

/// All that a node saved.
#[derive(Default)]
pub struct Saved {
    /// One for each parameter.
    pub args: SmallVec<[SavedArg; 3]>,
    /// One for each result, where a formula names it.
    pub outs: SmallVec<[Option<Snapshot>; 1]>,
}

impl Saved {
    /// True if it holds data, so that a backward pass frees it.
    pub fn holds_data(&self) -> bool {
        let data = |arg: &SavedArg| matches!(arg, SavedArg::Tensor(_) | SavedArg::List(_));
        self.args.iter().any(data) || self.outs.iter().any(Option::is_some)
    }
}

impl Snapshot {
    /// Of an input.
    pub fn input(tensor: &Tensor, edge: Option<Edge>) -> Result<Snapshot> {
        if tensor.keys() & key::INFERENCE != 0 {
            fail!(
                Runtime,
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            );
        }
        tensor.core().storage.mark_saved();
        Ok(Snapshot::Input { tensor: tensor.clone(), version: tensor.core().version(), edge })
    }

    /// Of a result of the node that saves it.
    pub fn output(tensor: &Tensor, nr: u32) -> Snapshot {
        let core = Box::new(tensor.core().clone());
        core.storage.mark_saved();
        Snapshot::Output { version: core.version(), core, nr }
    }

    /// The tensor, with its place in the graph if `recording`; an error if it was changed in the meantime.
    pub fn unpack(&self, node: &Arc<Node>, recording: bool) -> Result<Tensor> {
        match self {
            Snapshot::Input { tensor, version, edge } => {
                check_version(tensor.core(), *version, edge.as_ref())?;
                if !recording || same(edge.as_ref(), edge_of(tensor).as_ref()) {
                    return Ok(tensor.clone());
                }
                let fresh = tensor.detached();
                if let Some(edge) = edge {
                    fresh.set_history(Some(edge.node.clone()), edge.nr);
                }
                Ok(fresh)
            }
            Snapshot::Output { core, version, nr } => {
                check_version(core, *version, Some(&Edge { node: node.clone(), nr: *nr }))?;
                let fresh = Tensor::new(Core::clone(core));
                if recording {
                    fresh.set_history(Some(node.clone()), *nr);
                }
                Ok(fresh)
            }
            Snapshot::Packed(parcel) => parcel.unpack(node, recording),
        }
    }

    /// Shape, dtype and device.
    pub fn meta(&self) -> OutputMeta {
        match self {
            Snapshot::Input { tensor, .. } => OutputMeta::of(tensor),
            Snapshot::Output { core, .. } => {
                OutputMeta { sizes: core.sizes.clone(), dtype: core.dtype, device: core.device() }
            }
            Snapshot::Packed(parcel) => parcel.meta(),
        }
    }
}

fn same(a: Option<&Edge>, b: Option<&Edge>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(&a.node, &b.node) && a.nr == b.nr,
        (None, None) => true,
        _ => false,
    }
}

fn check_version(core: &Core, expected: u64, edge: Option<&Edge>) -> Result<()> {
    let version = core.version();
    if version == expected {
        return Ok(());
    }
    let made_by = |name: String| match name.split_once("Backward") {
        Some((operation, _)) if !operation.is_empty() => operation.to_owned(),
        _ => name,
    };
    let origin = edge
        .filter(|e| !matches!(e.node.kind(), Kind::Accumulate(_)))
        .map(|e| format!(", which is output {} of {},", e.nr, made_by(e.node.type_name())))
        .unwrap_or_default();
    let change =
        core.storage.last_change().map(|change| format!(" It was last changed by {change}.")).unwrap_or_default();
    Err(error!(
        Runtime,
        "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.{}Tensor {}]{origin} is at version {version}; expected version {expected} instead.{change} Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).",
        core.dtype.scalar_name(),
        text::sizes(&core.sizes)
    ))
}
