use corten_tensor::lazy::{IntoLazy, T};
pub fn index_add_<A: IntoLazy, B: IntoLazy, C: IntoLazy, D: IntoLazy>(_a: A, _b: B, _c: C, _d: D) -> T { todo!() }
