//! pending
use crate::lazy::{IntoLazy, T};
/// p
pub fn sum_dim_with<A: IntoLazy, B: IntoLazy, C: IntoLazy, D: IntoLazy>(_a: A, _b: B, _c: C, _d: D) -> T { todo!() }
/// p
pub fn index_add_<A: IntoLazy, B: IntoLazy, C: IntoLazy, D: IntoLazy>(_a: A, _b: B, _c: C, _d: D) -> T { todo!() }
/// p
pub fn cat_with<A: IntoLazy, B: IntoLazy>(_a: A, _b: B) -> T { todo!() }
/// p
pub fn stack_with<A: IntoLazy, B: IntoLazy>(_a: A, _b: B) -> T { todo!() }
