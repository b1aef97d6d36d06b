//! The order in which a kernel walks its operands: dimensions sorted by the result's strides, merged where they can be.

use corten_base::{DType, Operand};
use smallvec::SmallVec;

/// The result and up to four inputs.
pub(crate) const LANES: usize = 5;

/// One dimension, with each lane's stride in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dim {
    pub size: usize,
    pub strides: [isize; LANES],
}

/// What one lane walks over.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    pub ptr: *mut u8,
    pub dtype: DType,
    /// Every element follows the one before.
    pub contiguous: bool,
    /// After so many elements in walking order the same come again; 1 if every element is the same.
    pub period: usize,
    /// First byte and the byte after the last, to see which lanes share memory.
    pub low: usize,
    pub high: usize,
}

// SAFETY: lanes are addresses; the driver partitions what is written between threads.
unsafe impl Sync for Lane {}
// SAFETY: as above.
unsafe impl Send for Lane {}

/// Dimensions, innermost first, and lanes, the result first.
pub(crate) struct Plan {
    pub dims: SmallVec<[Dim; 6]>,
    pub lanes: SmallVec<[Lane; LANES]>,
    pub numel: usize,
}

impl Plan {
    /// Plans a walk over the result and inputs of its sizes, none of them empty.
    pub fn new(out: &Operand, inputs: &[Operand]) -> Plan {
        let mut lanes: SmallVec<[Lane; LANES]> = SmallVec::new();
        let mut dims: SmallVec<[Dim; 6]> = SmallVec::new();
        for operand in std::iter::once(out).chain(inputs) {
            let (ptr, dtype) = (operand.ptr(), operand.dtype());
            lanes.push(Lane { ptr, dtype, contiguous: false, period: 1, low: ptr as usize, high: ptr as usize });
        }
        for axis in (0..out.ndim()).rev() {
            let size = out.sizes()[axis] as usize;
            if size == 1 {
                continue;
            }
            let mut dim = Dim { size, strides: [0; LANES] };
            // A scalar input has no dimensions: its strides stay zero.
            for (lane, operand) in std::iter::once(out).chain(inputs).enumerate().filter(|(_, o)| o.ndim() > 0) {
                dim.strides[lane] = operand.strides()[axis] as isize * operand.dtype().size() as isize;
            }
            // The result is walked forwards.
            if dim.strides[0] < 0 {
                for (lane, stride) in lanes.iter_mut().zip(&mut dim.strides) {
                    lane.ptr = lane.ptr.wrapping_offset(*stride * (size as isize - 1));
                    *stride = -*stride;
                }
            }
            // Insertion keeps equal strides in their order; tensors come nearly sorted.
            let at = dims.iter().position(|d| d.strides[0] > dim.strides[0]).unwrap_or(dims.len());
            dims.insert(at, dim);
        }
        let numel = dims.iter().map(|d| d.size).product();
        for (k, lane) in lanes.iter_mut().enumerate() {
            let bytes = lane.dtype.size();
            (lane.low, lane.high) = (lane.ptr as usize, lane.ptr as usize + bytes);
            let mut expected = bytes as isize;
            lane.contiguous = true;
            let mut passed = 1;
            for dim in &dims {
                passed *= dim.size;
                let reach = dim.strides[k] * (dim.size as isize - 1);
                if reach < 0 {
                    lane.low = lane.low.wrapping_add_signed(reach);
                } else {
                    lane.high = lane.high.wrapping_add_signed(reach);
                }
                lane.contiguous &= dim.strides[k] == expected;
                if dim.strides[k] != 0 {
                    lane.period = passed;
                }
                expected *= dim.size as isize;
            }
        }
        merge(&mut dims, lanes.len());
        Plan { dims, lanes, numel }
    }
}

/// Joins neighbours that every lane walks as one dimension; leaves at least one.
fn merge(dims: &mut SmallVec<[Dim; 6]>, lanes: usize) {
    let mut merged: SmallVec<[Dim; 6]> = SmallVec::new();
    for dim in dims.iter() {
        match merged.last_mut() {
            Some(inner) if (0..lanes).all(|k| dim.strides[k] == inner.strides[k] * inner.size as isize) => {
                inner.size *= dim.size;
            }
            _ => merged.push(*dim),
        }
    }
    if merged.is_empty() {
        merged.push(Dim { size: 1, strides: [0; LANES] });
    }
    *dims = merged;
}

/// A position among the dimensions, innermost first.
#[derive(Clone)]
pub(crate) struct Cursor {
    index: SmallVec<[usize; 6]>,
    /// Byte offset of the position in each lane.
    pub offsets: [isize; LANES],
}

impl Cursor {
    /// The position of the element with this number in walking order.
    pub fn at(dims: &[Dim], number: usize) -> Cursor {
        let mut cursor = Cursor { index: SmallVec::from_elem(0, dims.len()), offsets: [0; LANES] };
        cursor.advance(dims, number);
        cursor
    }

    /// Elements left in the innermost dimension.
    pub fn row_left(&self, dims: &[Dim]) -> usize {
        dims[0].size - self.index[0]
    }

    /// True of a row's first element.
    pub fn at_row(&self) -> bool {
        self.index[0] == 0
    }

    /// How many rows of how many elements lie at regular distances from here on, in so many elements: whole rows along
    /// the dimension after the innermost, or a part of one.
    #[inline]
    pub fn rows(&self, dims: &[Dim], elements: usize) -> (usize, usize) {
        let row = dims[0].size;
        match dims.get(1) {
            Some(next) if self.at_row() && elements >= row => ((elements / row).min(next.size - self.index[1]), row),
            _ => (1, elements.min(self.row_left(dims))),
        }
    }

    /// Goes on by `n` elements; behind the last comes the first.
    #[inline]
    pub fn advance(&mut self, dims: &[Dim], mut n: usize) {
        for (index, dim) in self.index.iter_mut().zip(dims) {
            let from = *index;
            // Most steps end inside the dimension and need no division.
            (*index, n) =
                if from + n < dim.size { (from + n, 0) } else { ((from + n) % dim.size, (from + n) / dim.size) };
            for (offset, stride) in self.offsets.iter_mut().zip(dim.strides) {
                *offset += (*index as isize - from as isize) * stride;
            }
            if n == 0 {
                return;
            }
        }
    }
}
