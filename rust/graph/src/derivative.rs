//! A row of the derivative table, and what its formulas see.

use crate::node::{Node, OutputMeta};
use crate::snapshot::{Saved, SavedArg};
use corten_tensor::lazy::T;
use corten_tensor::op::Op;
use corten_tensor::ops::factory;
use corten_tensor::value::Value;
use corten_tensor::{DType, Device, Dims, Result, Tensor, error, fail};
use smallvec::SmallVec;
use std::sync::Arc;

/// How the forward derivative follows from the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub enum Kind {
    /// The formula with the tangent in place of the gradient, summed over inputs.
    pointwise,
    /// The operator itself, on tangents.
    linear,
    /// One argument replaced by its tangent at a time.
    bilinear,
    /// The same places of the tangent.
    gather,
    /// None of these.
    other,
    /// The gradient is zero wherever it exists.
    zero,
}

/// What a parameter is to gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// One edge.
    Tensor,
    /// An edge for each item.
    List,
    /// None.
    Plain,
}

/// How a row names its nodes.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    /// Always so; empty for the operator's own.
    Fixed(&'static str),
    /// As the call was.
    Of(fn(&Node) -> &'static str),
}

/// One formula: whose gradients it gives, and what it needs (bit i: parameter i; bit 16 + j: result j).
#[allow(missing_docs)]
pub struct Formula {
    pub targets: &'static [usize],
    pub data: u32,
    pub meta: u32,
}

/// A row.
#[allow(missing_docs)]
pub struct Derivative {
    pub op: &'static str,
    pub node: Name,
    pub kind: Kind,
    pub slots: &'static [Slot],
    pub formulas: &'static [Formula],
    /// The results whose gradients formulas name, one bit each; the others do not require grad.
    pub grads: u32,
    pub backward: fn(&mut Context) -> Result<()>,
}

impl Derivative {
    /// PyTorch's name of the node: the row's own, or the operator's in camel case with `Backward0`.
    pub fn node_name(&self, op: &Op, node: &Node) -> String {
        match self.node {
            Name::Fixed("") => {}
            Name::Fixed(name) => return name.into(),
            Name::Of(function) => return function(node).into(),
        }
        let camel: String = op
            .name
            .trim_end_matches('_')
            .split('_')
            .map(|word| {
                let mut letters = word.chars();
                letters.next().map(|c| c.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
            })
            .collect();
        format!("{camel}Backward0")
    }

    /// What must be saved (data, and shapes only), given which parameters need gradients (a bit each).
    #[inline]
    pub fn saves(&self, wanted: u32) -> (u32, u32) {
        self.formulas
            .iter()
            .filter(|f| f.targets.iter().any(|&t| wanted & (1 << t) != 0))
            .fold((0, 0), |(data, meta), f| (data | f.data, meta | f.meta))
    }
}

/// What a formula reads and writes while its node runs.
pub struct Context<'a> {
    node: &'a Arc<Node>,
    row: &'static Derivative,
    saved: &'a Saved,
    grads: &'a [Option<Tensor>],
    wanted: &'a [bool],
    recording: bool,
    results: Vec<Option<Tensor>>,
}

impl<'a> Context<'a> {
    /// For one run of `node`; `wanted` tells which edges need a gradient.
    pub fn new(
        node: &'a Arc<Node>,
        row: &'static Derivative,
        saved: &'a Saved,
        grads: &'a [Option<Tensor>],
        wanted: &'a [bool],
        recording: bool,
    ) -> Self {
        Context { node, row, saved, grads, wanted, recording, results: vec![None; wanted.len()] }
    }

    /// The gradients that the formulas gave, one for each edge.
    pub fn finish(self) -> Vec<Option<Tensor>> {
        self.results
    }

    /// The edges of parameter `i`.
    fn edges(&self, i: usize) -> std::ops::Range<usize> {
        let listed = self.wanted.len() - self.row.slots.iter().filter(|s| **s == Slot::Tensor).count();
        let width = |slot: &Slot| match slot {
            Slot::Tensor => 1,
            Slot::List => listed,
            Slot::Plain => 0,
        };
        let start: usize = self.row.slots[..i].iter().map(width).sum();
        start..start + width(&self.row.slots[i])
    }

    /// True if any of the parameters wants a gradient.
    pub fn needs(&self, params: &[usize]) -> bool {
        params.iter().any(|&p| self.edges(p).any(|e| self.wanted[e]))
    }

    /// Which parameters want a gradient, by position.
    pub fn needed(&self) -> SmallVec<[bool; 4]> {
        (0..self.row.slots.len()).map(|p| self.needs(&[p])).collect()
    }

    /// For which results a gradient arrived.
    pub fn arrived(&self) -> SmallVec<[bool; 4]> {
        (0..self.node.outputs().len()).map(|j| matches!(self.grads.get(j), Some(Some(_)))).collect()
    }

    /// Takes the gradients of the parameters: one each, or those of a list.
    pub fn give(&mut self, params: &[usize], grads: Vec<T>) -> Result<()> {
        let edges: SmallVec<[usize; 4]> = params.iter().flat_map(|&p| self.edges(p)).collect();
        if edges.len() != grads.len() {
            fail!(
                Runtime,
                "the derivative of {} gave {} gradients for {} inputs",
                self.row.op,
                grads.len(),
                edges.len()
            );
        }
        for (edge, grad) in edges.into_iter().zip(grads) {
            if self.wanted[edge] && !grad.is_none() {
                self.results[edge] = Some(grad.tensor()?);
            }
        }
        Ok(())
    }

    /// The gradient of result `j`; zeros where none arrived.
    pub fn grad(&self, j: usize) -> Result<T> {
        match self.grads.get(j) {
            Some(Some(grad)) => Ok(T::from(grad)),
            _ => {
                let Some(meta) = self.node.outputs().get(j) else { return Ok(T::value(Value::None)) };
                Ok(zeros(meta))
            }
        }
    }

    /// The gradients of all results; zeros where none arrived.
    pub fn all_grads(&self) -> Result<Vec<T>> {
        (0..self.node.outputs().len()).map(|j| self.grad(j)).collect()
    }

    /// The saved tensor (or number) of parameter `i`.
    pub fn input(&self, i: usize) -> Result<T> {
        match self.saved.args.get(i).unwrap_or(&SavedArg::Absent) {
            SavedArg::Tensor(snapshot) => Ok(T::from(snapshot.unpack(self.node, self.recording)?)),
            SavedArg::Plain(value) => Ok(T::value(value)),
            _ => Err(unsaved(self.row, i)),
        }
    }

    /// The saved tensors of parameter `i`, a list.
    pub fn inputs(&self, i: usize) -> Result<Vec<T>> {
        match self.saved.args.get(i).unwrap_or(&SavedArg::Absent) {
            SavedArg::List(list) => list.iter().map(|s| Ok(T::from(s.unpack(self.node, self.recording)?))).collect(),
            _ => Err(unsaved(self.row, i)),
        }
    }

    /// The saved value of parameter `i`, which no gradient flows into.
    pub fn plain(&self, i: usize) -> Result<Value> {
        match self.saved.args.get(i).unwrap_or(&SavedArg::Absent) {
            SavedArg::Plain(value) => Ok(value.clone()),
            SavedArg::Tensor(snapshot) => Ok(Value::Tensor(snapshot.unpack(self.node, self.recording)?)),
            _ => Err(unsaved(self.row, i)),
        }
    }

    /// The saved result `j`.
    pub fn output(&self, j: usize) -> Result<T> {
        match self.saved.outs.get(j) {
            Some(Some(snapshot)) => Ok(T::from(snapshot.unpack(self.node, self.recording)?)),
            _ => Err(unsaved(self.row, j)),
        }
    }

    fn meta(&self, i: usize) -> Result<OutputMeta> {
        match self.saved.args.get(i).unwrap_or(&SavedArg::Absent) {
            SavedArg::Meta(meta) => Ok(meta.clone()),
            SavedArg::Tensor(snapshot) => Ok(snapshot.meta()),
            _ => Err(unsaved(self.row, i)),
        }
    }

    /// The sizes of parameter `i`.
    pub fn shape_of(&self, i: usize) -> Result<Dims> {
        Ok(self.meta(i)?.sizes)
    }

    /// The dtype of parameter `i`.
    pub fn dtype_of(&self, i: usize) -> Result<DType> {
        Ok(self.meta(i)?.dtype)
    }

    /// The device of parameter `i`.
    pub fn device_of(&self, i: usize) -> Result<Device> {
        Ok(self.meta(i)?.device)
    }

    fn metas(&self, i: usize) -> Result<Vec<OutputMeta>> {
        match self.saved.args.get(i).unwrap_or(&SavedArg::Absent) {
            SavedArg::Metas(metas) => Ok(metas.clone()),
            SavedArg::List(list) => Ok(list.iter().map(|s| s.meta()).collect()),
            _ => Err(unsaved(self.row, i)),
        }
    }

    /// The sizes of the tensors of parameter `i`, a list.
    pub fn shapes_of(&self, i: usize) -> Result<Vec<Dims>> {
        Ok(self.metas(i)?.into_iter().map(|m| m.sizes).collect())
    }

    /// The dtypes of the tensors of parameter `i`, a list.
    pub fn dtypes_of(&self, i: usize) -> Result<Vec<DType>> {
        Ok(self.metas(i)?.into_iter().map(|m| m.dtype).collect())
    }
}

/// Zeros as described.
pub fn zeros(meta: &OutputMeta) -> T {
    let none = || Value::None;
    factory::zeros_with(&meta.sizes, meta.dtype, none(), meta.device, false, false)
}

#[cold]
fn unsaved(row: &Derivative, i: usize) -> corten_tensor::Error {
    error!(Runtime, "the derivative of {} reads argument {i}, which it did not save", row.op)
}

/// What a formula may evaluate to.
pub trait IntoGrads {
    /// The gradients, one for each edge of the formula's parameters; `None` values where there is none.
    fn into_grads(self) -> Result<Vec<T>>;
}

impl IntoGrads for T {
    fn into_grads(self) -> Result<Vec<T>> {
        Ok(vec![self])
    }
}

impl IntoGrads for Vec<T> {
    fn into_grads(self) -> Result<Vec<T>> {
        Ok(self)
    }
}

impl<const N: usize> IntoGrads for [T; N] {
    fn into_grads(self) -> Result<Vec<T>> {
        Ok(self.into())
    }
}

impl<G: IntoGrads> IntoGrads for Result<G> {
    fn into_grads(self) -> Result<Vec<T>> {
        self?.into_grads()
    }
}
