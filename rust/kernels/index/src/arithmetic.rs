//! What elements do when several meet at one place.

use corten_base::element::{Cast, b8};
use corten_base::{Element, bf16, c64, c128, f16};

/// Arithmetic of one dtype, rounded to it at each step; integers wrap around, booleans are ored and anded.
pub(crate) trait Arithmetic: Element {
    fn add(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// The larger, NaN if either is; of complex numbers the first.
    fn larger(self, other: Self) -> Self;
    /// The smaller, likewise.
    fn smaller(self, other: Self) -> Self;
    /// Divided by a count; integers towards negative infinity.
    fn divide(self, count: i64) -> Self;
}

macro_rules! ints {
    ($($t:ident)*) => { $(
        impl Arithmetic for $t {
            #[inline(always)]
            fn add(self, other: $t) -> $t { self.wrapping_add(other) }
            #[inline(always)]
            fn mul(self, other: $t) -> $t { self.wrapping_mul(other) }
            #[inline(always)]
            fn larger(self, other: $t) -> $t { Ord::max(self, other) }
            #[inline(always)]
            fn smaller(self, other: $t) -> $t { Ord::min(self, other) }
            #[inline(always)]
            fn divide(self, count: i64) -> $t { (self as i128).div_euclid(count.max(1) as i128) as $t }
        }
    )* };
}
ints! { u8 i8 u16 i16 u32 i32 u64 i64 }

macro_rules! floats {
    ($($t:ident, $wide:ident, |$x:ident| $up:expr, |$y:ident| $down:expr;)*) => { $(
        impl Arithmetic for $t {
            #[inline(always)]
            fn add(self, other: $t) -> $t { let up = |$x: $t| $up; let $y = up(self) + up(other); $down }
            #[inline(always)]
            fn mul(self, other: $t) -> $t { let up = |$x: $t| $up; let $y = up(self) * up(other); $down }
            #[inline(always)]
            fn larger(self, other: $t) -> $t {
                let up = |$x: $t| $up;
                if up(self) > up(other) || up(self).is_nan() { self } else { other }
            }
            #[inline(always)]
            fn smaller(self, other: $t) -> $t {
                let up = |$x: $t| $up;
                if up(self) < up(other) || up(self).is_nan() { self } else { other }
            }
            #[inline(always)]
            fn divide(self, count: i64) -> $t { let up = |$x: $t| $up; let $y = up(self) / count as $wide; $down }
        }
    )* };
}
floats! {
    f32, f32, |x| x, |y| y;
    f64, f64, |x| x, |y| y;
    f16, f32, |x| x.to_f32(), |y| f16::from_f32(y);
    bf16, f32, |x| x.to_f32(), |y| bf16::from_f32(y);
}

macro_rules! complexes {
    ($($t:ident)*) => { $(
        impl Arithmetic for $t {
            #[inline(always)]
            fn add(self, other: $t) -> $t { self + other }
            #[inline(always)]
            fn mul(self, other: $t) -> $t { self * other }
            #[inline(always)]
            fn larger(self, _: $t) -> $t { self }
            #[inline(always)]
            fn smaller(self, _: $t) -> $t { self }
            #[inline(always)]
            fn divide(self, count: i64) -> $t { self / Cast::<$t>::cast(count as f64) }
        }
    )* };
}
complexes! { c64 c128 }

impl Arithmetic for b8 {
    #[inline(always)]
    fn add(self, other: b8) -> b8 {
        b8((self.0 != 0 || other.0 != 0) as u8)
    }
    #[inline(always)]
    fn mul(self, other: b8) -> b8 {
        b8((self.0 != 0 && other.0 != 0) as u8)
    }
    #[inline(always)]
    fn larger(self, other: b8) -> b8 {
        self.add(other)
    }
    #[inline(always)]
    fn smaller(self, other: b8) -> b8 {
        self.mul(other)
    }
    #[inline(always)]
    fn divide(self, _: i64) -> b8 {
        self
    }
}
