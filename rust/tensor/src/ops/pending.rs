//! pending
use crate::lazy::{IntoLazy, T};
/// p
pub fn index_add_<A: IntoLazy, B: IntoLazy, C: IntoLazy, D: IntoLazy>(_a: A, _b: B, _c: C, _d: D) -> T { todo!() }
