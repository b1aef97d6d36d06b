//! Arrays for tests: any dtype, shape and strides, read and written as doubles.
#![allow(dead_code)]

use corten_base::{DType, Memory, Operand, Scalar, with_dtype};

/// A strided array that owns its memory (in words, so that every dtype is aligned).
#[derive(Clone)]
pub struct Array {
    words: Vec<u64>,
    pub dtype: DType,
    pub sizes: Vec<i64>,
    pub strides: Vec<i64>,
}

impl Array {
    /// Of `sizes`, laid out in the order of dimensions `order` (outermost first), zero.
    pub fn ordered(dtype: DType, sizes: &[i64], order: &[usize]) -> Array {
        let mut strides = vec![0; sizes.len()];
        let mut step = 1;
        for &dim in order.iter().rev() {
            strides[dim] = step;
            step *= sizes[dim];
        }
        let words = vec![0; (step.max(0) as usize * dtype.size()).div_ceil(8) + 2];
        Array { words, dtype, sizes: sizes.to_vec(), strides }
    }

    pub fn zeros(dtype: DType, sizes: &[i64]) -> Array {
        Array::ordered(dtype, sizes, &(0..sizes.len()).collect::<Vec<_>>())
    }

    pub fn of(dtype: DType, sizes: &[i64], values: &[f64]) -> Array {
        let mut array = Array::zeros(dtype, sizes);
        array.fill(|i| values[i]);
        array
    }

    /// Sets element i (row-major) to `value(i)`.
    pub fn fill(&mut self, value: impl Fn(usize) -> f64) {
        let offsets = self.offsets();
        with_dtype!(self.dtype, T => for (i, offset) in offsets.into_iter().enumerate() {
            let ptr = self.words.as_mut_ptr().cast::<T>();
            // SAFETY: an element of the array.
            unsafe { ptr.offset(offset as isize).write(Scalar::Float(value(i)).to()) }
        })
    }

    /// Sets words of eight bytes.
    pub fn fill_bits(&mut self, words: &[u64]) {
        self.words[..words.len()].copy_from_slice(words);
    }

    /// Offsets of the elements in row-major order.
    pub fn offsets(&self) -> Vec<i64> {
        let mut offsets = vec![0i64];
        for (&size, &stride) in self.sizes.iter().zip(&self.strides) {
            offsets = offsets.iter().flat_map(|o| (0..size).map(move |i| o + i * stride)).collect();
        }
        offsets
    }

    /// The elements in row-major order (real parts of complex numbers).
    pub fn values(&self) -> Vec<f64> {
        with_dtype!(self.dtype, T => self.offsets().into_iter().map(|offset| {
            // SAFETY: an element of the array.
            let element = unsafe { self.words.as_ptr().cast::<T>().offset(offset as isize).read() };
            corten_base::Element::to_scalar(element).to_f64()
        }).collect())
    }

    pub fn op(&self) -> Operand<'_> {
        let bytes = self.words.len() * 8;
        // SAFETY: the words live as long as the borrow; tests run on one thread each.
        let memory = unsafe { Memory::from_raw(self.words.as_ptr().cast_mut().cast(), bytes) };
        Operand::new(memory, self.dtype, 0, &self.sizes, &self.strides).unwrap()
    }

    /// The bytes, to compare bits.
    pub fn bits(&self) -> &[u64] {
        &self.words
    }
}

/// Numbers that repeat themselves from run to run: integers of [0, 2³¹).
pub fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

/// An array of small values of its dtype, some equal.
pub fn sample(dtype: DType, sizes: &[i64], order: &[usize], seed: u64) -> Array {
    let mut array = Array::ordered(dtype, sizes, order);
    let count = sizes.iter().product::<i64>().max(0) as usize;
    let mut next = random(seed);
    let values: Vec<f64> = (0..count)
        .map(|_| {
            let v = next() as f64;
            if dtype == DType::Bool {
                v % 2.0
            } else if dtype.is_unsigned() {
                v % 7.0
            } else if dtype.is_integral(false) {
                v % 7.0 - 3.0
            } else {
                v / (1u64 << 30) as f64 - 1.0
            }
        })
        .collect();
    array.fill(|i| values[i]);
    array
}

/// Equal within `tolerance` of the larger of 1 and the expected value; NaN equals NaN.
pub fn assert_close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let close = (g - e).abs() <= tolerance * e.abs().max(1.0) || g == e || (g.is_nan() && e.is_nan());
        assert!(close, "{what}: element {i} is {g}, expected {e}");
    }
}
