//! Names of nodes that stand for what is one operator here and, by its arguments, one of several in PyTorch.

use crate::node::Node;
use crate::snapshot::SavedArg;

/// A linear layer: a product of matrices, and views of it where the input is no matrix.
pub fn linear(node: &Node) -> &'static str {
    let without_bias = match node.saved() {
        Some(saved) => matches!(saved.args.get(2), Some(SavedArg::NotGiven)),
        None => node.edges().get(2).is_none_or(Option::is_none),
    };
    match (without_bias, node.outputs().first().map_or(2, |out| out.sizes.len())) {
        (false, 2) => "AddmmBackward0",
        (false, _) => "ViewBackward0",
        (true, 2) => "MmBackward0",
        (true, 1) => "SqueezeBackward4",
        (true, _) => "UnsafeViewBackward0",
    }
}
