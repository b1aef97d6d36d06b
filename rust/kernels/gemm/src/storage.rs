//! How each dtype is packed for the micro-kernel and finished after it.
//!
//! Halves become f32 and integers i64 (wrapping, so that the low bits are those of their own type). A complex product is
//! a real one of twice the width and depth: `[re, im] · [[re, im], [-im, re]]`, whose left factor and output are the
//! complex matrices seen as real ones.

use crate::copy::copy;
use crate::simd::Real;
use crate::tile::Compute;
use corten_base::element::Cast;
use corten_base::{Element, Scalar, bf16, c64, c128, f16, multiversion};
use std::any::TypeId;

/// A matrix in memory, strides counting elements.
#[derive(Clone, Copy, Debug)]
pub struct View<S> {
    /// Element (0, 0).
    pub ptr: *mut S,
    /// From one row to the next.
    pub row: isize,
    /// From one column to the next.
    pub column: isize,
}

// SAFETY: a View is an address with strides; the drivers partition what they write between threads.
unsafe impl<S> Send for View<S> {}
// SAFETY: as above.
unsafe impl<S> Sync for View<S> {}

impl<S> View<S> {
    /// The view from element (i, j).
    #[inline(always)]
    pub fn at(self, i: usize, j: usize) -> View<S> {
        View { ptr: self.ptr.wrapping_offset(i as isize * self.row + j as isize * self.column), ..self }
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> View<S> {
        View { ptr: self.ptr, row: self.column, column: self.row }
    }
}

/// What `out = relu(alpha * product + (beta * out + bias))` scales, adds and cuts off; without `beta`, `out` is not read.
#[derive(Clone, Copy)]
pub struct Finish<S> {
    /// Factor of the product.
    pub alpha: Scalar,
    /// Factor of what out held.
    pub beta: Option<Scalar>,
    /// Bias and its stride over the columns, or null.
    pub bias: *const S,
    /// Stride of the bias.
    pub bias_step: isize,
    /// Stride of the bias over the rows.
    pub bias_row: isize,
    /// Whether what is below zero becomes zero; not of complex numbers.
    pub relu: bool,
}

// SAFETY: the bias is only read.
unsafe impl<S> Send for Finish<S> {}
// SAFETY: as above.
unsafe impl<S> Sync for Finish<S> {}

impl<S: Element> Finish<S> {
    /// The product itself.
    pub const NONE: Self =
        Finish { alpha: Scalar::Int(1), beta: None, bias: std::ptr::null(), bias_step: 0, bias_row: 0, relu: false };
}

/// A dtype of matrices.
pub trait Storage: Element {
    /// The type that its products are summed in.
    type Compute: Compute;
    /// Numbers of the compute type in one element: two for complex dtypes.
    const PARTS: usize;

    /// True where the micro-kernel may read and write the element itself.
    fn is_compute() -> bool {
        TypeId::of::<Self>() == TypeId::of::<Self::Compute>()
    }

    /// Packs rows of the left factor: `rows` by `columns` elements, `to_step` numbers apart.
    ///
    /// # Safety
    /// Both sides must be valid; so for every function of the trait.
    unsafe fn pack_left(from: View<Self>, rows: usize, columns: usize, to: *mut Self::Compute, to_step: usize);

    /// Packs one panel of the right factor: `rows` elements of k by `columns` elements, `to_step` numbers wide.
    ///
    /// # Safety
    /// As [`Storage::pack_left`].
    unsafe fn pack_right(from: View<Self>, rows: usize, columns: usize, to: *mut Self::Compute, to_step: usize);

    /// Writes `alpha * sums + (beta * out + bias)`, or its `relu`.
    ///
    /// # Safety
    /// As [`Storage::pack_left`].
    unsafe fn finish(
        sums: *const Self::Compute,
        sums_step: usize,
        rows: usize,
        columns: usize,
        out: View<Self>,
        finish: &Finish<Self>,
    );

    /// Writes sums as they are.
    ///
    /// # Safety
    /// As [`Storage::pack_left`].
    unsafe fn store(sums: *const Self::Compute, sums_step: usize, rows: usize, columns: usize, out: View<Self>);

    /// Packs rows for products of parts: `rows * PARTS` rows, the parts of one row below each other.
    ///
    /// # Safety
    /// As [`Storage::pack_left`].
    unsafe fn split(from: View<Self>, rows: usize, columns: usize, to: *mut Self::Compute, to_step: usize);

    /// One element from its products of parts: `of(p, q)` is part `p` of the left times part `q` of the right.
    fn join(of: impl Fn(usize, usize) -> Self::Compute) -> Self;
}

macro_rules! real_storage {
    ($($s:ty => $t:ty;)*) => { $(
        impl Storage for $s {
            type Compute = $t;
            const PARTS: usize = 1;
            unsafe fn pack_left(from: View<Self>, rows: usize, columns: usize, to: *mut $t, to_step: usize) {
                // SAFETY: the caller's promise.
                unsafe { copy::<$s, $t>((rows, columns), to, to_step, from.ptr, (from.row, from.column)) }
            }
            unsafe fn pack_right(from: View<Self>, rows: usize, columns: usize, to: *mut $t, to_step: usize) {
                // SAFETY: the caller's promise.
                unsafe { copy::<$s, $t>((rows, columns), to, to_step, from.ptr, (from.row, from.column)) }
            }
            unsafe fn store(sums: *const $t, sums_step: usize, rows: usize, columns: usize, out: View<Self>) {
                let step = (1, sums_step as isize);
                // SAFETY: the caller's promise.
                unsafe {
                    if out.row == 1 && out.column > 0 {
                        copy::<$t, $s>((columns, rows), out.ptr, out.column as usize, sums, step);
                    } else if out.column == 1 && out.row > 0 {
                        copy::<$t, $s>((rows, columns), out.ptr, out.row as usize, sums, (step.1, 1));
                    } else if out.row.abs() < out.column.abs() {
                        // Neighbours in memory one after another, which share its lines.
                        for j in 0..columns {
                            for i in 0..rows {
                                *out.at(i, j).ptr = (*sums.add(i * sums_step + j)).cast();
                            }
                        }
                    } else {
                        for i in 0..rows {
                            for j in 0..columns {
                                *out.at(i, j).ptr = (*sums.add(i * sums_step + j)).cast();
                            }
                        }
                    }
                }
            }
            unsafe fn split(from: View<Self>, rows: usize, columns: usize, to: *mut $t, to_step: usize) {
                // SAFETY: the caller's promise.
                unsafe { Self::pack_left(from, rows, columns, to, to_step) }
            }
            fn join(of: impl Fn(usize, usize) -> $t) -> Self {
                of(0, 0).cast()
            }
            unsafe fn finish(
                sums: *const $t, sums_step: usize, rows: usize, columns: usize, out: View<Self>, f: &Finish<Self>,
            ) {
                let (alpha, beta) = (f.alpha.to::<$t>(), f.beta.map(Scalar::to::<$t>));
                for i in 0..rows {
                    for j in 0..columns {
                        // SAFETY: the caller's promise.
                        unsafe {
                            let y = out.at(i, j).ptr;
                            let bias = (!f.bias.is_null()).then(|| -> $t { bias_at(f, i, j).cast() });
                            let start = start::<$t>(beta.map(|beta| (beta, (*y).cast())), bias);
                            let sum = *sums.add(i * sums_step + j);
                            *y = start.map_or_else(|| alpha.times(sum), |start| alpha.fma(sum, start)).cast();
                            if f.relu && Cast::<f64>::cast(*y) < 0.0 {
                                *y = <$s>::default();
                            }
                        }
                    }
                }
            }
        }
    )* };
}

#[inline(always)]
unsafe fn bias_at<S: Copy>(f: &Finish<S>, i: usize, j: usize) -> S {
    // SAFETY: the caller asks for a row and column of the output, for each of which the bias has a number.
    unsafe { *f.bias.offset(i as isize * f.bias_row + j as isize * f.bias_step) }
}

/// `beta * out + bias`, in the micro-kernel's rounding.
#[inline(always)]
pub fn start<T: Real>(scaled: Option<(T, T)>, bias: Option<T>) -> Option<T> {
    match (scaled, bias) {
        (None, bias) => bias,
        (Some((beta, y)), None) => Some(beta.times(y)),
        (Some((beta, y)), Some(bias)) => Some(beta.fma(y, bias)),
    }
}

real_storage! {
    f32 => f32; f64 => f64; f16 => f32; bf16 => f32;
    u8 => i64; i8 => i64; u16 => i64; i16 => i64; u32 => i64; i32 => i64; u64 => i64; i64 => i64;
}

macro_rules! complex_storage {
    ($($s:ident => $t:ty;)*) => { $(
        impl Storage for $s {
            type Compute = $t;
            const PARTS: usize = 2;
            unsafe fn pack_left(from: View<Self>, rows: usize, columns: usize, to: *mut $t, to_step: usize) {
                if from.column == 1 {
                    // SAFETY: the caller's promise; an element is its two parts.
                    return unsafe {
                        copy::<$t, $t>((rows, 2 * columns), to, to_step, from.ptr.cast::<$t>(), (2 * from.row, 1))
                    };
                }
                for i in 0..rows {
                    for k in 0..columns {
                        // SAFETY: the caller's promise.
                        unsafe {
                            let x = *from.at(i, k).ptr;
                            let to = to.add(i * to_step + 2 * k);
                            *to = x.re;
                            *to.add(1) = x.im;
                        }
                    }
                }
            }
            unsafe fn pack_right(from: View<Self>, rows: usize, columns: usize, to: *mut $t, to_step: usize) {
                if from.column == 1 {
                    // SAFETY: the caller's promise; an element is its two parts.
                    return unsafe { turn_parts(from.ptr.cast(), 2 * from.row, rows, 2 * columns, to, to_step) };
                }
                for k in 0..rows {
                    for j in 0..columns {
                        // SAFETY: the caller's promise.
                        unsafe {
                            let x = *from.at(k, j).ptr;
                            let to = to.add(2 * k * to_step + 2 * j);
                            *to = x.re;
                            *to.add(1) = x.im;
                            *to.add(to_step) = -x.im;
                            *to.add(to_step + 1) = x.re;
                        }
                    }
                }
            }
            unsafe fn store(sums: *const $t, sums_step: usize, rows: usize, columns: usize, out: View<Self>) {
                for i in 0..rows {
                    for j in 0..columns {
                        // SAFETY: the caller's promise.
                        unsafe {
                            let sum = sums.add(i * sums_step + 2 * j);
                            *out.at(i, j).ptr = $s::new(*sum, *sum.add(1));
                        }
                    }
                }
            }
            unsafe fn split(from: View<Self>, rows: usize, columns: usize, to: *mut $t, to_step: usize) {
                for i in 0..rows {
                    for j in 0..columns {
                        // SAFETY: the caller's promise.
                        unsafe {
                            let x = *from.at(i, j).ptr;
                            *to.add(2 * i * to_step + j) = x.re;
                            *to.add((2 * i + 1) * to_step + j) = x.im;
                        }
                    }
                }
            }
            fn join(of: impl Fn(usize, usize) -> $t) -> Self {
                $s::new(of(0, 0) - of(1, 1), of(0, 1) + of(1, 0))
            }
            unsafe fn finish(
                sums: *const $t, sums_step: usize, rows: usize, columns: usize, out: View<Self>, f: &Finish<Self>,
            ) {
                let one = $s::new(1.0, 0.0);
                let (alpha, beta) = (f.alpha.to::<$s>(), f.beta.map(Scalar::to::<$s>));
                if alpha == one && beta.is_none() && f.bias.is_null() && out.column == 1 && out.row > 0 {
                    let (to, step) = (out.ptr.cast::<$t>(), 2 * out.row as usize);
                    // SAFETY: the caller's promise; an element is its two parts.
                    return unsafe { copy::<$t, $t>((rows, 2 * columns), to, step, sums, (sums_step as isize, 1)) };
                }
                for i in 0..rows {
                    for j in 0..columns {
                        // SAFETY: the caller's promise.
                        unsafe {
                            let y = out.at(i, j).ptr;
                            let sum = sums.add(i * sums_step + 2 * j);
                            let sum = $s::new(*sum, *sum.add(1));
                            let mut value = if alpha == one { sum } else { alpha * sum };
                            if let Some(beta) = beta {
                                value = value + if beta == one { *y } else { beta * *y };
                            }
                            if !f.bias.is_null() {
                                value = value + bias_at(f, i, j);
                            }
                            *y = value;
                        }
                    }
                }
            }
        }
    )* };
}

multiversion! {
    /// Packs `rows` rows of `numbers` parts, each followed by the row of its elements times the imaginary unit.
    ///
    /// # Safety
    /// There must be so many rows, `step` apart, and at `to` room for twice as many, `to_step` apart, that nothing else uses.
    unsafe fn turn_parts<T: Real>(from: *const T, step: isize, rows: usize, numbers: usize, to: *mut T, to_step: usize) {
        for k in 0..rows {
            // SAFETY: the caller's promise.
            let (x, plain, turned) = unsafe {
                let to = to.add(2 * k * to_step);
                (
                    std::slice::from_raw_parts(from.offset(k as isize * step), numbers),
                    std::slice::from_raw_parts_mut(to, numbers),
                    std::slice::from_raw_parts_mut(to.add(to_step), numbers),
                )
            };
            plain.copy_from_slice(x);
            for (to, x) in turned.as_chunks_mut::<2>().0.iter_mut().zip(x.as_chunks::<2>().0) {
                *to = [x[1].negative(), x[0]];
            }
        }
    }
}

complex_storage! { c64 => f32; c128 => f64; }
