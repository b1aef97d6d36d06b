//! The Rust type behind each dtype, and conversion between any two of them.

use crate::{DType, Scalar};

/// A boolean stored in a byte: memory shared with other libraries may hold any non-zero byte for true.
#[derive(Clone, Copy, Debug, Default)]
#[repr(transparent)]
#[allow(non_camel_case_types)]
pub struct b8(pub u8);

impl PartialEq for b8 {
    #[inline(always)]
    fn eq(&self, y: &b8) -> bool {
        (self.0 != 0) == (y.0 != 0)
    }
}

impl Eq for b8 {}

impl PartialOrd for b8 {
    #[inline(always)]
    fn partial_cmp(&self, y: &b8) -> Option<std::cmp::Ordering> {
        (self.0 != 0).partial_cmp(&(y.0 != 0))
    }
}

/// IEEE half precision, by its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(transparent)]
#[allow(non_camel_case_types)]
pub struct f16(pub u16);

/// The upper half of a float32, by its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(transparent)]
#[allow(non_camel_case_types)]
pub struct bf16(pub u16);

/// A complex number of float32 parts.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[repr(C)]
#[allow(non_camel_case_types, missing_docs)]
pub struct c64 {
    pub re: f32,
    pub im: f32,
}

/// A complex number of float64 parts.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[repr(C)]
#[allow(non_camel_case_types, missing_docs)]
pub struct c128 {
    pub re: f64,
    pub im: f64,
}

impl f16 {
    /// Rounds to nearest, ties to even; overflow gives infinity. Branch-free, so that a loop of it vectorises.
    #[inline(always)]
    pub fn from_f32(x: f32) -> f16 {
        let bits = x.to_bits();
        let sign = (bits >> 16) & 0x8000;
        let abs = bits & 0x7fff_ffff;
        // Normal results: rebias the exponent, round the 13 dropped bits to even.
        let normal = abs.wrapping_add(0xc800_0fff).wrapping_add((abs >> 13) & 1) >> 13;
        // Subnormal results: adding 0.5 leaves the rounded half's bits at the bottom of the sum.
        let subnormal = (f32::from_bits(abs) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
        // A NaN is made quiet and keeps its upper bits, as processors do it.
        let special = if abs > 0x7f80_0000 { 0x7e00 | (abs >> 13 & 0x3ff) } else { 0x7c00 };
        let magnitude = if abs >= 0x4780_0000 {
            special
        } else if abs < 0x3880_0000 {
            subnormal
        } else {
            normal
        };
        f16((sign | magnitude) as u16)
    }

    /// Exact; a NaN is made quiet.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        let sign = (self.0 as u32 & 0x8000) << 16;
        let abs = (self.0 as u32 & 0x7fff) << 13;
        let exponent = abs & 0x0f80_0000;
        let normal = abs + 0x3800_0000;
        let special = (abs + 0x7000_0000) | if abs > 0x0f80_0000 { 0x0040_0000 } else { 0 };
        let subnormal = (f32::from_bits(abs + 0x3880_0000) - f32::from_bits(0x3880_0000)).to_bits();
        let magnitude = if exponent == 0x0f80_0000 {
            special
        } else if exponent == 0 {
            subnormal
        } else {
            normal
        };
        f32::from_bits(sign | magnitude)
    }
}

impl bf16 {
    /// Rounds to nearest, ties to even.
    #[inline(always)]
    pub fn from_f32(x: f32) -> bf16 {
        let bits = x.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        bf16(if x.is_nan() { 0x7fc0 } else { rounded as u16 })
    }

    /// Exact.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        f32::from_bits((self.0 as u32) << 16)
    }
}

/// A type that tensors hold.
pub trait Element: Copy + Send + Sync + Default + PartialEq + 'static {
    /// Its dtype.
    const DTYPE: DType;
    /// Converts as `tensor.to(dtype)` does: floats to integers by truncation and wrap-around, anything to bool by `!= 0`,
    /// complex numbers to their real part.
    fn from_scalar(value: Scalar) -> Self;
    /// The same value with its category.
    fn to_scalar(self) -> Scalar;
}

/// `x.cast::<T>()`: the conversion of [`Element::from_scalar`], without the detour.
pub trait Cast<T> {
    /// Converts.
    fn cast(self) -> T;
}

macro_rules! real_casts {
    // Through a pivot that holds the source exactly; `as` from floats goes over i64 to wrap as PyTorch does.
    ($($from:ty: |$x:ident| int $int:expr, f32 $f32:expr, f64 $f64:expr, truth $truth:expr;)*) => { $(
        real_casts!(@ints $from, $x, $int; u8 i8 u16 i16 u32 i32 u64 i64);
        impl Cast<b8> for $from { #[inline(always)] fn cast(self) -> b8 { let $x = self; b8($truth as u8) } }
        impl Cast<f16> for $from { #[inline(always)] fn cast(self) -> f16 { let $x = self; f16::from_f32($f32) } }
        impl Cast<bf16> for $from { #[inline(always)] fn cast(self) -> bf16 { let $x = self; bf16::from_f32($f32) } }
        impl Cast<f32> for $from { #[inline(always)] fn cast(self) -> f32 { let $x = self; $f32 } }
        impl Cast<f64> for $from { #[inline(always)] fn cast(self) -> f64 { let $x = self; $f64 } }
        impl Cast<c64> for $from { #[inline(always)] fn cast(self) -> c64 { let $x = self; c64 { re: $f32, im: 0.0 } } }
        impl Cast<c128> for $from { #[inline(always)] fn cast(self) -> c128 { let $x = self; c128 { re: $f64, im: 0.0 } } }
    )* };
    (@ints $from:ty, $x:ident, $int:expr; $($to:ty)*) => { $(
        impl Cast<$to> for $from { #[inline(always)] fn cast(self) -> $to { let $x = self; $int as $to } }
    )* };
}

real_casts! {
    b8: |x| int (x.0 != 0) as i64, f32 (x.0 != 0) as u8 as f32, f64 (x.0 != 0) as u8 as f64, truth (x.0 != 0);
    u8: |x| int x, f32 x as f32, f64 x as f64, truth (x != 0);
    i8: |x| int x, f32 x as f32, f64 x as f64, truth (x != 0);
    u16: |x| int x, f32 x as f32, f64 x as f64, truth (x != 0);
    i16: |x| int x, f32 x as f32, f64 x as f64, truth (x != 0);
    u32: |x| int x, f32 x as f32, f64 x as f64, truth (x != 0);
    i32: |x| int x, f32 x as f32, f64 x as f64, truth (x != 0);
    u64: |x| int x, f32 x as f32, f64 x as f64, truth (x != 0);
    i64: |x| int x, f32 x as f32, f64 x as f64, truth (x != 0);
    f16: |x| int x.to_f32() as i64, f32 x.to_f32(), f64 x.to_f32() as f64, truth (x.to_f32() != 0.0);
    bf16: |x| int x.to_f32() as i64, f32 x.to_f32(), f64 x.to_f32() as f64, truth (x.to_f32() != 0.0);
    f32: |x| int x as i64, f32 x, f64 x as f64, truth (x != 0.0);
    f64: |x| int x as i64, f32 x as f32, f64 x, truth (x != 0.0);
}

macro_rules! complex_casts {
    ($($from:ty => $($to:ty)*;)*) => { $($(
        impl Cast<$to> for $from { #[inline(always)] fn cast(self) -> $to { self.re.cast() } }
    )*)* };
}

complex_casts! {
    c64 => u8 i8 u16 i16 u32 i32 u64 i64 f16 bf16 f32 f64;
    c128 => u8 i8 u16 i16 u32 i32 u64 i64 f16 bf16 f32 f64;
}

macro_rules! complex_to_complex {
    ($($from:ty => $to:ty, $part:ty;)*) => { $(
        impl Cast<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to { <$to>::new(self.re as $part, self.im as $part) }
        }
    )* };
}

complex_to_complex! { c64 => c64, f32; c64 => c128, f64; c128 => c64, f32; c128 => c128, f64; }

macro_rules! complex_arithmetic {
    ($($t:ident, $part:ty;)*) => { $(
        impl $t {
            /// `re + im·i`.
            #[inline(always)]
            pub fn new(re: $part, im: $part) -> Self { $t { re, im } }
        }
        impl Cast<b8> for $t {
            #[inline(always)]
            fn cast(self) -> b8 { b8((self.re != 0.0 || self.im != 0.0) as u8) }
        }
        impl std::ops::Add for $t {
            type Output = Self;
            #[inline(always)]
            fn add(self, y: Self) -> Self { $t { re: self.re + y.re, im: self.im + y.im } }
        }
        impl std::ops::Sub for $t {
            type Output = Self;
            #[inline(always)]
            fn sub(self, y: Self) -> Self { $t { re: self.re - y.re, im: self.im - y.im } }
        }
        impl std::ops::Mul for $t {
            type Output = Self;
            #[inline(always)]
            fn mul(self, y: Self) -> Self {
                $t { re: self.re * y.re - self.im * y.im, im: self.re * y.im + self.im * y.re }
            }
        }
        impl std::ops::Div for $t {
            type Output = Self;
            /// Smith's method: scaled by the larger part, so that squares neither overflow nor vanish.
            #[inline(always)]
            fn div(self, y: Self) -> Self {
                if y.re.abs() >= y.im.abs() {
                    if y.re == 0.0 && y.im == 0.0 {
                        return $t { re: self.re / y.re, im: self.im / y.re };
                    }
                    let ratio = y.im / y.re;
                    let scale = 1.0 / (y.re + y.im * ratio);
                    $t { re: (self.re + self.im * ratio) * scale, im: (self.im - self.re * ratio) * scale }
                } else {
                    let ratio = y.re / y.im;
                    let scale = 1.0 / (y.re * ratio + y.im);
                    $t { re: (self.re * ratio + self.im) * scale, im: (self.im * ratio - self.re) * scale }
                }
            }
        }
        impl std::ops::Neg for $t {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self { $t { re: -self.re, im: -self.im } }
        }
    )* };
}

complex_arithmetic! { c64, f32; c128, f64; }

macro_rules! elements {
    ($($t:ty, $dtype:ident, |$x:ident| $scalar:expr;)*) => { $(
        impl Element for $t {
            const DTYPE: DType = DType::$dtype;
            #[inline]
            fn from_scalar(value: Scalar) -> Self {
                match value {
                    Scalar::Bool(x) => b8(x as u8).cast(),
                    Scalar::Int(x) => x.cast(),
                    Scalar::UInt(x) => x.cast(),
                    Scalar::Float(x) => x.cast(),
                    Scalar::Complex(re, im) => c128::new(re, im).cast(),
                }
            }
            #[inline]
            fn to_scalar(self) -> Scalar { let $x = self; $scalar }
        }
    )* };
}

elements! {
    b8, Bool, |x| Scalar::Bool(x.0 != 0);
    u8, U8, |x| Scalar::Int(x as i64);
    i8, I8, |x| Scalar::Int(x as i64);
    u16, U16, |x| Scalar::Int(x as i64);
    i16, I16, |x| Scalar::Int(x as i64);
    u32, U32, |x| Scalar::Int(x as i64);
    i32, I32, |x| Scalar::Int(x as i64);
    u64, U64, |x| Scalar::UInt(x);
    i64, I64, |x| Scalar::Int(x);
    f16, F16, |x| Scalar::Float(x.to_f32() as f64);
    bf16, BF16, |x| Scalar::Float(x.to_f32() as f64);
    f32, F32, |x| Scalar::Float(x as f64);
    f64, F64, |x| Scalar::Float(x);
    c64, C64, |x| Scalar::Complex(x.re as f64, x.im as f64);
    c128, C128, |x| Scalar::Complex(x.re, x.im);
}

/// `with_dtype!(dtype, T => expression)` evaluates the expression with `T` as the Rust type of the dtype.
#[macro_export]
macro_rules! with_dtype {
    ($dtype:expr, $t:ident => $body:expr) => {{
        use $crate::element as e;
        match $dtype {
            $crate::DType::Bool => {
                type $t = e::b8;
                $body
            }
            $crate::DType::U8 => {
                type $t = u8;
                $body
            }
            $crate::DType::I8 => {
                type $t = i8;
                $body
            }
            $crate::DType::U16 => {
                type $t = u16;
                $body
            }
            $crate::DType::I16 => {
                type $t = i16;
                $body
            }
            $crate::DType::U32 => {
                type $t = u32;
                $body
            }
            $crate::DType::I32 => {
                type $t = i32;
                $body
            }
            $crate::DType::U64 => {
                type $t = u64;
                $body
            }
            $crate::DType::I64 => {
                type $t = i64;
                $body
            }
            $crate::DType::F16 => {
                type $t = e::f16;
                $body
            }
            $crate::DType::BF16 => {
                type $t = e::bf16;
                $body
            }
            $crate::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::DType::F64 => {
                type $t = f64;
                $body
            }
            $crate::DType::C64 => {
                type $t = e::c64;
                $body
            }
            $crate::DType::C128 => {
                type $t = e::c128;
                $body
            }
        }
    }};
}
