//! Walking strided operands together: neighbouring dimensions merged, the innermost left to the kernel.

use corten_base::Operand;
use smallvec::{SmallVec, smallvec};
use std::ops::Range;

/// One dimension of `N` operands; strides count elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim<const N: usize> {
    /// Number of steps.
    pub size: usize,
    /// How far one step goes in each operand.
    pub strides: [isize; N],
}

/// The dimensions of `N` operands of one shape, outermost first. Dimensions of size 1 are left out; where there are no
/// elements, one dimension of size 0 stands for all, so that no loop runs over the others.
#[derive(Clone, Debug)]
pub struct Dims<const N: usize>(SmallVec<[Dim<N>; 6]>);

impl<const N: usize> Dims<N> {
    /// The common dimensions of operands whose sizes are equal to `sizes`; panics if a rank differs.
    pub fn new(sizes: &[i64], strides: [&[i64]; N]) -> Self {
        assert!(strides.iter().all(|s| s.len() == sizes.len()), "operands of one shape have one rank");
        Self::from_dims(sizes.iter().enumerate().map(|(i, &size)| Dim {
            size: size.max(0) as usize,
            strides: std::array::from_fn(|k| strides[k][i] as isize),
        }))
    }

    /// Of one dimension each, given directly.
    pub fn from_dims(dims: impl IntoIterator<Item = Dim<N>>) -> Self {
        let mut kept = SmallVec::new();
        for dim in dims {
            match dim.size {
                0 => return Dims(smallvec![Dim { size: 0, strides: [0; N] }]),
                1 => {}
                _ => kept.push(dim),
            }
        }
        Dims(kept)
    }

    /// Merges neighbours that every operand steps through evenly. The order of elements stays.
    pub fn coalesced(mut self) -> Self {
        let mut kept: usize = 0;
        for i in 1..self.0.len() {
            let (outer, inner) = (self.0[kept], self.0[i]);
            let even = (0..N).all(|k| outer.strides[k] == inner.strides[k].wrapping_mul(inner.size as isize));
            if even {
                self.0[kept] = Dim { size: outer.size * inner.size, strides: inner.strides };
            } else {
                kept += 1;
                self.0[kept] = inner;
            }
        }
        self.0.truncate(kept + 1);
        self
    }

    /// Sorts by stride, smallest innermost, as PyTorch's iterator does: the first operand with unequal, non-zero strides
    /// decides, and dimensions that none decides keep their order.
    pub fn sorted(mut self) -> Self {
        let dims = &mut self.0;
        dims.reverse();
        for i in 1..dims.len() {
            let mut moving = i;
            for other in (0..i).rev() {
                match compare(&dims[other], &dims[moving]) {
                    1 => {
                        dims.swap(other, moving);
                        moving = other;
                    }
                    0 => {}
                    _ => break,
                }
            }
        }
        dims.reverse();
        self
    }

    /// The dimensions, outermost first.
    pub fn as_slice(&self) -> &[Dim<N>] {
        &self.0
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.0.iter().map(|d| d.size).product()
    }

    /// Takes out the innermost dimension (of size 1 if there is none).
    pub fn split_inner(mut self) -> (Self, Dim<N>) {
        let inner = self.0.pop().unwrap_or(Dim { size: 1, strides: [0; N] });
        (self, inner)
    }

    /// Calls `body` with the operands' offsets at each of the elements in `range`, counted in row-major order.
    #[inline]
    pub fn walk(&self, range: Range<usize>, mut body: impl FnMut([isize; N])) {
        self.runs(range, |mut offsets, strides, count| {
            for _ in 1..count {
                body(offsets);
                for (offset, &stride) in offsets.iter_mut().zip(&strides) {
                    *offset += stride;
                }
            }
            body(offsets);
        });
    }

    /// Calls `body` with each run along the innermost dimension of the elements in `range`, counted in row-major order:
    /// the offsets of its first element, how far one step goes, and how many there are (never none).
    #[inline]
    pub fn runs(&self, range: Range<usize>, mut body: impl FnMut([isize; N], [isize; N], usize)) {
        self.indexed_runs(range, |_, offsets, strides, count| body(offsets, strides, count));
    }

    /// [`Dims::runs`] with the index of each run's first element.
    #[inline]
    pub fn indexed_runs(&self, range: Range<usize>, mut body: impl FnMut(&[usize], [isize; N], [isize; N], usize)) {
        if range.is_empty() {
            return;
        }
        let Some((inner, outer)) = self.0.split_last() else { return body(&[], [0; N], [0; N], range.len()) };
        let mut index: SmallVec<[usize; 6]> = SmallVec::from_elem(0, self.0.len());
        let mut offsets = [0isize; N];
        let (mut rest, mut first) = (range.start / inner.size, range.start % inner.size);
        for (dim, at) in outer.iter().zip(&mut index[..outer.len()]).rev() {
            *at = rest % dim.size;
            rest /= dim.size;
            for (offset, &stride) in offsets.iter_mut().zip(&dim.strides) {
                *offset += *at as isize * stride;
            }
        }
        let mut left = range.len();
        loop {
            let count = left.min(inner.size - first);
            index[outer.len()] = first;
            let start = std::array::from_fn(|k| offsets[k] + first as isize * inner.strides[k]);
            body(&index, start, inner.strides, count);
            left -= count;
            if left == 0 {
                return;
            }
            first = 0;
            for (dim, at) in outer.iter().zip(&mut index[..outer.len()]).rev() {
                *at += 1;
                let back = if *at == dim.size { *at as isize - 1 } else { -1 };
                for (offset, &stride) in offsets.iter_mut().zip(&dim.strides) {
                    *offset -= back * stride;
                }
                if back < 0 {
                    break;
                }
                *at = 0;
            }
        }
    }

    /// The elements whose index along dimension `dim` lies in `range`, and the offsets of the first of them.
    pub fn part(&self, dim: usize, range: Range<usize>) -> (Self, [isize; N]) {
        let mut dims = self.clone();
        let start = dims.0[dim].strides.map(|stride| stride * range.start as isize);
        dims.0[dim].size = range.len();
        (dims, start)
    }
}

/// 1 if `inner` steps further than `outer` and so belongs outside it, -1 if it belongs inside, 0 if nothing decides.
fn compare<const N: usize>(inner: &Dim<N>, outer: &Dim<N>) -> i32 {
    for (&a, &b) in inner.strides.iter().zip(&outer.strides) {
        if a == 0 || b == 0 {
            continue;
        }
        if a.abs() != b.abs() {
            return if a.abs() < b.abs() { -1 } else { 1 };
        }
        if inner.size > outer.size {
            return 1;
        }
    }
    0
}

/// The dimensions of one operand.
pub fn dims_of(x: &Operand) -> Dims<1> {
    Dims::new(x.sizes(), [x.strides()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coalesces_and_sorts() {
        let dims = Dims::new(&[2, 1, 3, 4], [&[12, 12, 4, 1]]).coalesced();
        assert_eq!(dims.as_slice(), [Dim { size: 24, strides: [1] }]);
        let dims = Dims::new(&[4, 3], [&[1, 4]]).sorted().coalesced();
        assert_eq!(dims.as_slice(), [Dim { size: 12, strides: [1] }]);
        let dims = Dims::new(&[2, 3], [&[0, 1], &[3, 1]]).coalesced();
        assert_eq!(dims.as_slice().len(), 2);
        let dims = Dims::new(&[1 << 40, 0, 1 << 40], [&[1, 1, 1]]);
        assert_eq!(dims.as_slice(), [Dim { size: 0, strides: [0] }]);
    }

    #[test]
    fn walks_from_anywhere() {
        let dims = Dims::new(&[2, 3, 2], [&[100, 10, 1], &[-1, 0, 7]]);
        let mut all = Vec::new();
        dims.walk(0..12, |o| all.push(o));
        assert_eq!(all[0], [0, 0]);
        assert_eq!(all[7], [101, 6]);
        assert_eq!(all[11], [121, 6]);
        for start in 0..12 {
            let mut part = Vec::new();
            dims.walk(start..12, |o| part.push(o));
            assert_eq!(part, all[start..]);
        }
        let mut indices = Vec::new();
        dims.indexed_runs(3..8, |index, _, _, count| indices.push((index.to_vec(), count)));
        assert_eq!(indices, [(vec![0, 1, 1], 1), (vec![0, 2, 0], 2), (vec![1, 0, 0], 2)]);
        let mut scalar = 0;
        Dims::<0>::new(&[], []).walk(0..1, |_| scalar += 1);
        assert_eq!(scalar, 1);
    }
}
