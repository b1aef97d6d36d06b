//! Places of values in sorted lines.

use crate::lines::{address, line_of, same_sizes};
use crate::number::{Number, Ordered, by_order};
use corten_base::pool::parallel_for;
use corten_base::{DType, Operand, Result, fail};
use corten_strided::{Dim, Dims};

/// For each value of `x`, where it would go in the ascending line of `sorted` along the last dimension: before equal
/// elements, or after them if `right`. `sorted` has one dimension, or `x`'s sizes but for the last.
pub fn searchsorted(out: Operand, sorted: Operand, x: Operand, right: bool) -> Result<()> {
    same_sizes(&out, &x)?;
    if out.dtype() != DType::I64 || sorted.dtype() != x.dtype() || sorted.ndim() == 0 {
        fail!(Runtime, "searchsorted expects int64 results, and a sorted sequence of the values' dtype");
    }
    let (one, last) = (sorted.ndim() == 1, sorted.ndim() - 1);
    if !one && (sorted.ndim() != x.ndim() || sorted.sizes()[..last] != x.sizes()[..last]) {
        fail!(Runtime, "sizes {:?} and {:?} differ before the last dimension", sorted.sizes(), x.sizes());
    }
    let dim = |i: usize| {
        let row = if one || i == last { 0 } else { sorted.strides()[i] as isize };
        Dim { size: x.sizes()[i].max(0) as usize, strides: [out.strides()[i] as isize, x.strides()[i] as isize, row] }
    };
    let dims = Dims::from_dims((0..x.ndim()).map(dim));
    let line = line_of(&sorted, last)?;
    by_order!(x.dtype(), "searchsorted", C => {
        parallel_for(dims.numel(), 1024, &|range| {
            dims.walk(range, |[to, from, row]| {
                let read = |o: &Operand, offset: isize| {
                    let mut one = [C::default()];
                    // SAFETY: an element of the operand.
                    unsafe { C::load(o.dtype(), address(o, offset), 1, &mut one) };
                    one[0]
                };
                let value = read(&x, from);
                let (mut low, mut high) = (0, line.size);
                while low < high {
                    let middle = (low + high) / 2;
                    let element = read(&sorted, row + middle as isize * line.strides[0]);
                    let before = if right { !element.above(value) } else { value.above(element) };
                    if before { low = middle + 1 } else { high = middle }
                }
                // SAFETY: an element of `out`, which is int64.
                unsafe { out.ptr().cast::<i64>().offset(to).write(low as i64) }
            })
        });
        Ok(())
    })
}
