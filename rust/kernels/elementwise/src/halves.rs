//! Functions of two arrays of half precision: each element is widened to float32, computed there and rounded back, all in
//! registers.

use crate::kernel::{Kernel, Map2, kernel2};
use corten_base::{Element, bf16, f16, half};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// A function of float32 numbers that is applied to halves.
pub(crate) struct Widened<O>(PhantomData<O>);

impl<O: Map2<f32, First = f32, Out = f32>> Map2<bf16> for Widened<O> {
    type First = bf16;
    type Out = bf16;
    #[inline(always)]
    fn call(x: bf16, y: bf16) -> bf16 {
        bf16::from_f32(O::call(x.to_f32(), y.to_f32()))
    }
}

/// The kernel of bfloat16.
pub(crate) const fn of_bf16<O: Map2<f32, First = f32, Out = f32>>() -> Option<Kernel> {
    kernel2::<bf16, Widened<O>>()
}

/// The kernel of float16, which processors convert by instructions of their own.
pub(crate) const fn of_f16<O: Map2<f32, First = f32, Out = f32>>() -> Option<Kernel> {
    unsafe fn run<O: Map2<f32, First = f32, Out = f32>>(n: usize, out: *mut u8, inputs: *const *const u8) -> bool {
        // SAFETY: the caller's promise (see `Run`).
        let (out, x, y) = unsafe {
            (
                std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<f16>>(), n),
                std::slice::from_raw_parts((*inputs).cast::<f16>(), n),
                std::slice::from_raw_parts((*inputs.add(1)).cast::<f16>(), n),
            )
        };
        half::zip(out, x, y, O::call);
        false
    }
    let dtype = f16::DTYPE;
    Some(Kernel { run: run::<O>, first: dtype, rest: dtype, output: dtype, special: None, message: "" })
}
