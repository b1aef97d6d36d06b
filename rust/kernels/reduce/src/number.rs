//! The types that reductions compute in, and how elements of any dtype become them.

use crate::math;
use corten_base::element::{Cast, b8};
use corten_base::{DType, Element, bf16, c64, c128, half, multiversion, with_dtype};

/// A compute type.
pub trait Number: Element {
    /// As many numbers as fill 128 bytes: the lanes of a reduction.
    type Lanes: Copy + AsMut<[Self]> + AsRef<[Self]>;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// All lanes at one value.
    fn lanes(value: Self) -> Self::Lanes;
    /// Sum; integers wrap around.
    fn plus(self, other: Self) -> Self;
    /// Product; integers wrap around.
    fn times(self, other: Self) -> Self;
    /// Difference; integers wrap around.
    fn minus(self, other: Self) -> Self;
    /// From a double (an integer is truncated).
    fn from_f64(value: f64) -> Self;
    /// True for NaN.
    fn is_nan(self) -> bool;
    /// Reads `out.len()` elements of `dtype`, `stride` apart.
    ///
    /// # Safety
    /// The elements must lie in memory that may be read.
    unsafe fn load(dtype: DType, ptr: *const u8, stride: isize, out: &mut [Self]);
    /// Writes `values` as elements of `dtype`, `stride` apart.
    ///
    /// # Safety
    /// The elements must lie in memory that may be written.
    unsafe fn store(dtype: DType, ptr: *mut u8, stride: isize, values: &[Self]);
}

/// A compute type with an order, in which NaN is above everything.
pub trait Ordered: Number {
    /// An integer with the value's order, the same for both zeros; NaN is above everything.
    fn ordered(self) -> u64;
    /// The value of such an integer, where only one has it.
    fn from_ordered(ordered: u64) -> Option<Self>;
    /// A value and its place in a line, as one integer: sorted by value (NaN last), then by place.
    type Key: Copy + Ord + Send;
    /// The key of this value at place `at`; with `down`, larger values (NaN first) come first.
    fn key(self, at: u32, down: bool) -> Self::Key;
    /// The place in a key.
    fn place(key: Self::Key) -> usize;
    /// The smallest value.
    const LOWEST: Self;
    /// The largest value.
    const HIGHEST: Self;
    /// `self > other`, NaN above everything.
    fn above(self, other: Self) -> bool;
    /// The larger; NaN if either is.
    fn larger(self, other: Self) -> Self;
    /// The smaller; NaN if either is.
    fn smaller(self, other: Self) -> Self;
}

/// A real floating compute type.
pub trait Real: Ordered {
    /// `self · a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Quotient.
    fn over(self, other: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// e to the power of it.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
}

/// An element that becomes a `C`.
pub(crate) trait Source<C>: Element + Cast<C> {}
impl<C, T: Element + Cast<C>> Source<C> for T {}

/// # Safety
/// As [`Number::load`].
unsafe fn load_plain<T: Source<C>, C: Element>(ptr: *const T, stride: isize, out: &mut [C]) {
    if stride == 1 && T::DTYPE == C::DTYPE {
        // SAFETY: the types are one, and the elements are the caller's.
        unsafe { std::ptr::copy_nonoverlapping(ptr.cast::<C>(), out.as_mut_ptr(), out.len()) }
        return;
    }
    if stride == 1 {
        // SAFETY: the elements are the caller's.
        return convert(unsafe { std::slice::from_raw_parts(ptr, out.len()) }, out);
    }
    for (i, out) in out.iter_mut().enumerate() {
        // SAFETY: the caller's.
        *out = unsafe { ptr.offset(i as isize * stride).read() }.cast();
    }
}

/// # Safety
/// As [`Number::store`].
unsafe fn store_plain<C: Source<T>, T: Element>(ptr: *mut T, stride: isize, values: &[C]) {
    if stride == 1 {
        // SAFETY: the elements are the caller's.
        let to = unsafe { std::slice::from_raw_parts_mut(ptr, values.len()) };
        to.iter_mut().zip(values).for_each(|(to, value)| *to = value.cast());
        return;
    }
    for (i, &value) in values.iter().enumerate() {
        // SAFETY: the caller's.
        unsafe { ptr.offset(i as isize * stride).write(value.cast()) }
    }
}

multiversion! {
    fn convert<T: Source<C>, C: Element>(from: &[T], to: &mut [C]) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = from.cast();
        }
    }
}

multiversion! {
    fn widen(from: &[bf16], to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from.to_f32();
        }
    }
}

multiversion! {
    fn narrow(from: &[f32], to: &mut [bf16]) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = bf16::from_f32(from);
        }
    }
}

macro_rules! numbers {
    ($($t:ty, $lanes:literal, |$a:ident, $b:ident| $zero:expr, $one:expr, $plus:expr, $times:expr, $minus:expr,
       nan $nan:expr, halves $halves:expr;)*) => { $(
        impl Number for $t {
            type Lanes = [$t; $lanes];
            const ZERO: $t = $zero;
            const ONE: $t = $one;
            #[inline(always)]
            fn lanes(value: $t) -> [$t; $lanes] { [value; $lanes] }
            #[inline(always)]
            fn plus(self, $b: $t) -> $t { let $a = self; $plus }
            #[inline(always)]
            fn times(self, $b: $t) -> $t { let $a = self; $times }
            #[inline(always)]
            fn minus(self, $b: $t) -> $t { let $a = self; $minus }
            #[inline(always)]
            fn from_f64(value: f64) -> $t { value.cast() }
            #[inline(always)]
            fn is_nan(self) -> bool { let $a = self; $nan }
            unsafe fn load(dtype: DType, ptr: *const u8, stride: isize, out: &mut [$t]) {
                // SAFETY: as the caller promises.
                if $halves && stride == 1 && unsafe { load_halves(dtype, ptr, out) } {
                    return;
                }
                // SAFETY: as the caller promises.
                with_dtype!(dtype, T => unsafe { load_plain::<T, $t>(ptr.cast(), stride, out) })
            }
            unsafe fn store(dtype: DType, ptr: *mut u8, stride: isize, values: &[$t]) {
                // SAFETY: as the caller promises.
                if $halves && stride == 1 && unsafe { store_halves(dtype, ptr, values) } {
                    return;
                }
                // SAFETY: as the caller promises.
                with_dtype!(dtype, T => unsafe { store_plain::<$t, T>(ptr.cast(), stride, values) })
            }
        }
    )* };
}

/// # Safety
/// As [`Number::load`], with a stride of 1. Answers whether the dtype was a half (and `out` of float32).
unsafe fn load_halves<C: Element>(dtype: DType, ptr: *const u8, out: &mut [C]) -> bool {
    assert!(C::DTYPE == DType::F32);
    let n = out.len();
    // SAFETY: `C` is f32, and the elements are the caller's.
    unsafe {
        match dtype {
            DType::F16 => {
                let out = std::slice::from_raw_parts_mut(out.as_mut_ptr().cast(), n);
                half::widen(out, std::slice::from_raw_parts(ptr.cast(), n));
            }
            DType::BF16 => {
                let out = std::slice::from_raw_parts_mut(out.as_mut_ptr().cast(), n);
                widen(std::slice::from_raw_parts(ptr.cast(), n), out);
            }
            _ => return false,
        }
    }
    true
}

/// # Safety
/// As [`Number::store`], with a stride of 1. Answers whether the dtype was a half (and `values` of float32).
unsafe fn store_halves<C: Element>(dtype: DType, ptr: *mut u8, values: &[C]) -> bool {
    assert!(C::DTYPE == DType::F32);
    // SAFETY: `C` is f32.
    let values = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<f32>(), values.len()) };
    match dtype {
        // SAFETY: the caller's elements.
        DType::F16 => half::narrow(unsafe { std::slice::from_raw_parts_mut(ptr.cast(), values.len()) }, values),
        // SAFETY: the caller's elements.
        DType::BF16 => narrow(values, unsafe { std::slice::from_raw_parts_mut(ptr.cast(), values.len()) }),
        _ => return false,
    }
    true
}

numbers! {
    f32, 32, |a, b| 0.0, 1.0, a + b, a * b, a - b, nan f32::is_nan(a), halves true;
    f64, 16, |a, b| 0.0, 1.0, a + b, a * b, a - b, nan f64::is_nan(a), halves false;
    i32, 32, |a, b| 0, 1, a.wrapping_add(b), a.wrapping_mul(b), a.wrapping_sub(b), nan { let _ = a; false }, halves false;
    i64, 16, |a, b| 0, 1, a.wrapping_add(b), a.wrapping_mul(b), a.wrapping_sub(b), nan { let _ = a; false }, halves false;
    u64, 16, |a, b| 0, 1, a.wrapping_add(b), a.wrapping_mul(b), a.wrapping_sub(b), nan { let _ = a; false }, halves false;
    c64, 16, |a, b| c64 { re: 0.0, im: 0.0 }, c64 { re: 1.0, im: 0.0 }, a + b, a * b, a - b,
        nan a.re.is_nan() || a.im.is_nan(), halves false;
    c128, 8, |a, b| c128 { re: 0.0, im: 0.0 }, c128 { re: 1.0, im: 0.0 }, a + b, a * b, a - b,
        nan a.re.is_nan() || a.im.is_nan(), halves false;
}

macro_rules! ordered_ints {
    ($($t:ident, $bits:ident, $key:ident;)*) => { $(
        impl Ordered for $t {
            type Key = $key;
            #[inline(always)]
            fn ordered(self) -> u64 { ((self as $bits) ^ ($t::MIN as $bits)) as u64 }
            #[inline(always)]
            fn from_ordered(ordered: u64) -> Option<$t> { Some(((ordered as $bits) ^ ($t::MIN as $bits)) as $t) }
            #[inline(always)]
            fn key(self, at: u32, down: bool) -> $key {
                let ordered = self.ordered() as $bits;
                ((if down { !ordered } else { ordered }) as $key) << 32 | at as $key
            }
            #[inline(always)]
            fn place(key: $key) -> usize { key as u32 as usize }
            const LOWEST: $t = $t::MIN;
            const HIGHEST: $t = $t::MAX;
            #[inline(always)]
            fn above(self, other: $t) -> bool { self > other }
            #[inline(always)]
            fn larger(self, other: $t) -> $t { if self > other { self } else { other } }
            #[inline(always)]
            fn smaller(self, other: $t) -> $t { if self < other { self } else { other } }
        }
    )* };
}

ordered_ints! { i32, u32, u64; i64, u64, u128; u64, u64, u128; }

macro_rules! reals {
    ($($t:ident, $bits:ident, $key:ident, $exp:path, $ln:path;)*) => { $(
        impl Ordered for $t {
            type Key = $key;
            #[inline(always)]
            fn ordered(self) -> u64 {
                // Both zeros are one value; negative numbers order against their bits.
                let bits = (self + 0.0).to_bits();
                let sign = 1 << ($bits::BITS - 1);
                let ordered = if bits & sign != 0 { !bits } else { bits | sign };
                (if self.is_nan() { $bits::MAX } else { ordered }) as u64
            }
            #[inline(always)]
            fn from_ordered(_: u64) -> Option<$t> { None }
            #[inline(always)]
            fn key(self, at: u32, down: bool) -> $key {
                let ordered = self.ordered() as $bits;
                ((if down { !ordered } else { ordered }) as $key) << 32 | at as $key
            }
            #[inline(always)]
            fn place(key: $key) -> usize { key as u32 as usize }
            const LOWEST: $t = $t::NEG_INFINITY;
            const HIGHEST: $t = $t::INFINITY;
            #[inline(always)]
            fn above(self, other: $t) -> bool { (self > other) | (self.is_nan() & !other.is_nan()) }
            // A NaN in `other` fails the comparison and so is chosen; one in `self` sets all bits, which is NaN too.
            #[inline(always)]
            fn larger(self, other: $t) -> $t {
                let larger = if self > other { self } else { other };
                $t::from_bits(larger.to_bits() | (self.is_nan() as $bits).wrapping_neg())
            }
            #[inline(always)]
            fn smaller(self, other: $t) -> $t {
                let smaller = if self < other { self } else { other };
                $t::from_bits(smaller.to_bits() | (self.is_nan() as $bits).wrapping_neg())
            }
        }
        impl Real for $t {
            #[inline(always)]
            fn mul_add(self, a: $t, b: $t) -> $t { $t::mul_add(self, a, b) }
            #[inline(always)]
            fn over(self, other: $t) -> $t { self / other }
            #[inline(always)]
            fn sqrt(self) -> $t { $t::sqrt(self) }
            #[inline(always)]
            fn abs(self) -> $t { $t::abs(self) }
            #[inline(always)]
            fn exp(self) -> $t { $exp(self) }
            #[inline(always)]
            fn ln(self) -> $t { $ln(self) }
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
        }
    )* };
}

reals! { f32, u32, u64, math::exp_f32, math::ln_f32; f64, u64, u128, math::exp_f64, math::ln_f64; }

/// Dispatches on the type that the dtype's elements are compared in.
macro_rules! by_order {
    ($dtype:expr, $name:literal, $c:ident => $body:expr) => {
        match $dtype {
            DType::F16 | DType::BF16 | DType::F32 => {
                type $c = f32;
                $body
            }
            DType::F64 => {
                type $c = f64;
                $body
            }
            DType::U64 => {
                type $c = u64;
                $body
            }
            DType::U32 | DType::I64 => {
                type $c = i64;
                $body
            }
            d if d.is_complex() => return d.unsupported($name),
            _ => {
                type $c = i32;
                $body
            }
        }
    };
}
pub(crate) use by_order;

/// Whether each element differs from zero, as 1 or 0.
///
/// # Safety
/// As [`Number::load`].
pub(crate) unsafe fn load_truth(dtype: DType, ptr: *const u8, stride: isize, out: &mut [i64]) {
    with_dtype!(dtype, T => {
        let ptr = ptr.cast::<T>();
        if stride == 1 {
            // SAFETY: as the caller promises.
            return truths(unsafe { std::slice::from_raw_parts(ptr, out.len()) }, out);
        }
        for (i, out) in out.iter_mut().enumerate() {
            // SAFETY: as the caller promises.
            *out = Cast::<b8>::cast(unsafe { ptr.offset(i as isize * stride).read() }).0 as i64;
        }
    })
}

multiversion! {
    fn truths<T: Source<b8>>(from: &[T], to: &mut [i64]) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = Cast::<b8>::cast(from).0 as i64;
        }
    }
}
