//! Second derivatives of fused operators.
//!
//! The gradient of a fused operator is a fused kernel, which has no derivative of its own. Where the gradient itself is
//! recorded, its rule replays instead: it computes the operator anew from others that can be differentiated, and lets an
//! inner pass, recorded too, run back through these.
//!
//! ```text
//! if mode::grad_enabled() { replay(&[x, w], &[g, g1], arrived, |from| composite(&from[0], &from[1])) } else { fused }
//! ```

use crate::engine::{self, Options};
use crate::node::{Edge, edge_of};
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{Result, fail};

/// The gradients of `inputs`, of which some may be `None`, recorded: those of what `compute` gives from them, where
/// gradient `j` of `gradients` belongs to result `j` and counts if it has `arrived`. An input without a gradient gets
/// `None`.
///
/// # Errors
/// Those of `compute` and of the operators in it.
pub fn replay(
    inputs: &[&T],
    gradients: &[&T],
    arrived: &[bool],
    compute: impl FnOnce(&[T]) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    // One tensor may be several inputs: aliases keep their gradients apart, and end the pass.
    let mut places = Vec::with_capacity(inputs.len());
    let mut targets: Vec<Edge> = Vec::new();
    let mut aliases = Vec::with_capacity(inputs.len());
    for &input in inputs {
        if input.is_none() {
            places.push(None);
            aliases.push(input.clone());
            continue;
        }
        let alias = ops::alias(input).tensor()?;
        let edge = edge_of(&alias);
        places.push(edge.as_ref().map(|_| targets.len()));
        targets.extend(edge);
        aliases.push(T::from(alias));
    }
    let results = compute(&aliases)?;
    if results.len() > gradients.len() || results.len() > arrived.len() {
        fail!(Runtime, "replay: {} gradients for {} results", gradients.len().min(arrived.len()), results.len());
    }
    let mut roots = Vec::new();
    for ((result, &gradient), _) in results.into_iter().zip(gradients).zip(arrived).filter(|(_, arrived)| **arrived) {
        if let Some(edge) = edge_of(&result.tensor()?) {
            roots.push((edge, gradient.clone().tensor()?));
        }
    }
    // What the second derivative needs of the nodes in between stays.
    let options = Options { retain_graph: true, create_graph: true, targets: Some(&targets) };
    let found = engine::run(roots, options)?;
    let gradient = |place: Option<usize>| place.and_then(|place| found[place].as_ref());
    Ok(places.into_iter().map(|place| gradient(place).map_or(T::value(Value::None), T::from)).collect())
}
