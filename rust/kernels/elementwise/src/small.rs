//! Calls whose elements all fit in one block: no plan, which would take longer than the work.

use crate::blocks::{BLOCK_BYTES, Block, Rows, gather};
use crate::convert::Conversion;
use crate::driver::{Constant, Src};
use crate::kernel::Kernel;
use crate::plan::LANES;
use corten_base::Operand;
use smallvec::SmallVec;

/// True if `n` elements of the widest compute type fit in a block.
#[inline]
pub(crate) fn fits(n: usize) -> bool {
    n <= BLOCK_BYTES / 16
}

/// Runs a kernel over inputs of any layout and dtype, to a contiguous result of its type; true if it refused one.
/// Every operand must have the result's sizes, and [`fits`] must hold for their number of elements.
#[inline(never)]
pub(crate) fn run(kernel: &Kernel, out: &Operand, inputs: &[Src]) -> bool {
    let n = out.numel();
    let mut blocks: [Block; LANES - 1] = std::array::from_fn(|_| Block::new());
    let mut scratch = [Block::new(), Block::new(), Block::new()];
    let [raw, scratch @ ..] = scratch.each_mut().map(Block::ptr);
    let mut addresses = [std::ptr::null::<u8>(); LANES - 1];
    let mut dtype = kernel.first;
    for ((input, block), address) in inputs.iter().zip(&mut blocks).zip(&mut addresses) {
        let block = block.ptr();
        *address = block;
        match input {
            Src::Scalar(value) => {
                let constant = Constant::new(*value, dtype);
                // SAFETY: a block holds `n` elements, and the constant is one.
                unsafe { gather(dtype.size(), Rows::one(n, 0), block, constant.ptr()) };
            }
            Src::Operand(x) if x.dtype() == dtype => {
                // SAFETY: a block holds `n` elements.
                unsafe { gather_all(x, block) };
            }
            Src::Operand(x) => {
                // SAFETY: blocks hold `n` elements of every dtype, and are apart.
                unsafe {
                    gather_all(x, raw);
                    Conversion::new(x.dtype(), dtype).run(n, block, raw, scratch);
                }
            }
        }
        dtype = kernel.rest;
    }
    // SAFETY: the inputs are `n` elements in blocks, apart from the contiguous result of the kernel's type.
    unsafe { (kernel.run)(n, out.ptr(), addresses.as_ptr()) }
}

/// Copies all elements to contiguous memory, in row-major order.
///
/// # Safety
/// `out` must have room for them, aligned and apart from the operand.
unsafe fn gather_all(x: &Operand, out: *mut u8) {
    let size = x.dtype().size();
    let (Some((&row, outer)), Some((&stride, outer_strides))) = (x.sizes().split_last(), x.strides().split_last())
    else {
        // SAFETY: the caller's promise, for the one element.
        return unsafe { gather(size, Rows::one(1, 0), out, x.ptr()) };
    };
    let bytes = |stride: i64| stride as isize * size as isize;
    let rows = outer.iter().product::<i64>();
    let mut index: SmallVec<[i64; 6]> = SmallVec::from_elem(0, outer.len());
    let (mut from, mut to) = (x.ptr(), out);
    for _ in 0..rows {
        // SAFETY: the caller's promise; rows partition both sides.
        unsafe { gather(size, Rows::one(row as usize, bytes(stride)), to, from) };
        to = to.wrapping_add(row as usize * size);
        for ((i, &n), &stride) in index.iter_mut().zip(outer).zip(outer_strides).rev() {
            *i += 1;
            from = from.wrapping_offset(bytes(stride));
            if *i < n {
                break;
            }
            from = from.wrapping_offset(-bytes(stride) * n as isize);
            *i = 0;
        }
    }
}
