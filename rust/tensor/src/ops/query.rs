//! Questions about tensors whose answers are Python values.

use super::all::*;
use crate::lazy::T;
use crate::rules::read;
use corten_tables::ops;

ops! { family = query;

/// The one number that a tensor holds.
item(input: Tensor) -> Any { composite: T::value(read::item(input)?); forms: method; check: none; nondiff }
/// Whether the one number that a tensor holds is not zero.
is_nonzero(input: Tensor) -> Any { composite: truth(input)?; forms: fn method; check: none; nondiff }
/// Whether conjugation is deferred: never.
is_conj(input: Tensor) -> Any { composite: { let _ = input; T::value(false) }; forms: method; check: none; nondiff }
/// Whether negation is deferred: never.
is_neg(input: Tensor) -> Any { composite: { let _ = input; T::value(false) }; forms: method; check: none; nondiff }
/// Whether two tensors have the same sizes and elements.
equal(input: Tensor, other: Tensor) -> Any { composite: same(input, other)?; forms: fn method; check: none; nondiff }

}

fn truth(input: &crate::Tensor) -> crate::Result<T> {
    match input.numel() {
        0 => crate::fail!(Runtime, "Boolean value of Tensor with no values is ambiguous"),
        1 => Ok(T::value(!read::item(input)?.is_zero())),
        _ => crate::fail!(Runtime, "Boolean value of Tensor with more than one value is ambiguous"),
    }
}

fn same(input: &crate::Tensor, other: &crate::Tensor) -> crate::Result<T> {
    if input.device() != other.device() {
        crate::fail!(
            Runtime,
            "Expected all tensors to be on the same device, but found at least two devices, {} and {}!",
            input.device(),
            other.device()
        );
    }
    if input.sizes() != other.sizes() {
        return Ok(T::value(false));
    }
    read::need_data(input)?;
    Ok(T::value(!read::item(&all(eq(input, other)).tensor()?)?.is_zero()))
}
