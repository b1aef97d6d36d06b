//! Vectors of each instruction set, as little of them as the micro-kernel needs.

use corten_base::Element;
use std::fmt::Debug;

/// A type that products are summed in: f32, f64, and i64 (wrapping) for every integer dtype.
pub trait Real: Element + Debug {
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// What nothing is less than.
    const LOWEST: Self;
    /// `self * x + y`, rounded once.
    fn fma(self, x: Self, y: Self) -> Self;
    /// `self * x`.
    fn times(self, x: Self) -> Self;
    /// `self + x`.
    fn plus(self, x: Self) -> Self;
    /// `-self`.
    fn negative(self) -> Self;
    /// `x` where `self` is less.
    fn at_least(self, x: Self) -> Self;
}

macro_rules! float_real {
    ($($t:ty)*) => { $(
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = <$t>::NEG_INFINITY;
            #[inline(always)]
            fn fma(self, x: Self, y: Self) -> Self { self.mul_add(x, y) }
            #[inline(always)]
            fn times(self, x: Self) -> Self { self * x }
            #[inline(always)]
            fn plus(self, x: Self) -> Self { self + x }
            #[inline(always)]
            fn negative(self) -> Self { -self }
            #[inline(always)]
            fn at_least(self, x: Self) -> Self { if self < x { x } else { self } }
        }
    )* };
}

float_real! { f32 f64 }

impl Real for i64 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const LOWEST: Self = i64::MIN;
    #[inline(always)]
    fn fma(self, x: Self, y: Self) -> Self {
        self.wrapping_mul(x).wrapping_add(y)
    }
    #[inline(always)]
    fn times(self, x: Self) -> Self {
        self.wrapping_mul(x)
    }
    #[inline(always)]
    fn plus(self, x: Self) -> Self {
        self.wrapping_add(x)
    }
    #[inline(always)]
    fn negative(self) -> Self {
        self.wrapping_neg()
    }
    #[inline(always)]
    fn at_least(self, x: Self) -> Self {
        self.max(x)
    }
}

/// A vector of `LANES` numbers.
pub trait Simd: Copy {
    /// The type of a lane.
    type Lane: Real;
    /// Marks the lanes that [`Simd::load_some`] and [`Simd::store_some`] touch.
    type Mask: Copy;
    /// Number of lanes.
    const LANES: usize;
    /// The first `n` lanes.
    ///
    /// # Safety
    /// The processor must have the vector's instruction set; so for every function of the trait.
    unsafe fn mask(n: usize) -> Self::Mask;
    /// Every lane `x`.
    /// # Safety
    /// As [`Simd::mask`].
    unsafe fn splat(x: Self::Lane) -> Self;
    /// Reads all lanes.
    /// # Safety
    /// `p` must be valid for reads of `LANES` numbers.
    unsafe fn load(p: *const Self::Lane) -> Self;
    /// Reads the lanes in `mask`; the others are zero.
    /// # Safety
    /// `p` must be valid for reads of those lanes.
    unsafe fn load_some(p: *const Self::Lane, mask: Self::Mask) -> Self;
    /// Writes all lanes.
    /// # Safety
    /// `p` must be valid for writes of `LANES` numbers.
    unsafe fn store(self, p: *mut Self::Lane);
    /// Writes the lanes in `mask`.
    /// # Safety
    /// `p` must be valid for writes of those lanes.
    unsafe fn store_some(self, p: *mut Self::Lane, mask: Self::Mask);
    /// `self * x + y`.
    /// # Safety
    /// As [`Simd::mask`].
    unsafe fn fma(self, x: Self, y: Self) -> Self;
    /// `self * x`.
    /// # Safety
    /// As [`Simd::mask`].
    unsafe fn times(self, x: Self) -> Self;
    /// `x` where `self` is less.
    /// # Safety
    /// As [`Simd::mask`].
    unsafe fn at_least(self, x: Self) -> Self;
}

/// An array for a vector: what the compiler makes of it is the target's baseline (NEON on arm64).
#[derive(Clone, Copy)]
pub struct Lanes<T, const N: usize>([T; N]);

impl<T: Real, const N: usize> Simd for Lanes<T, N> {
    type Lane = T;
    type Mask = usize;
    const LANES: usize = N;
    #[inline(always)]
    unsafe fn mask(n: usize) -> usize {
        n
    }
    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        Lanes([x; N])
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_some(p: *const T, mask: usize) -> Self {
        // SAFETY: the caller's promise; only lanes below `mask` are read.
        Lanes(std::array::from_fn(|i| if i < mask { unsafe { p.add(i).read() } } else { T::ZERO }))
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn store_some(self, p: *mut T, mask: usize) {
        for (i, x) in self.0.into_iter().enumerate().take(mask) {
            // SAFETY: the caller's promise; only lanes below `mask` are written.
            unsafe { p.add(i).write(x) }
        }
    }
    #[inline(always)]
    unsafe fn fma(self, x: Self, y: Self) -> Self {
        Lanes(std::array::from_fn(|i| self.0[i].fma(x.0[i], y.0[i])))
    }
    #[inline(always)]
    unsafe fn times(self, x: Self) -> Self {
        Lanes(std::array::from_fn(|i| self.0[i].times(x.0[i])))
    }
    #[inline(always)]
    unsafe fn at_least(self, x: Self) -> Self {
        Lanes(std::array::from_fn(|i| self.0[i].at_least(x.0[i])))
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::*;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

    /// A run of ones, then zeros: the mask of `n` lanes starts `n` before the zeros.
    static ONES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    static ONES64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

    macro_rules! x86_vector {
        ($(#[$doc:meta])* $name:ident, $lane:ty, $vector:ty, $mask:ty, $lanes:literal,
         |$n:ident| $make:expr, $splat:ident, $load:ident, $store:ident, $fma:ident, $mul:ident, $max:ident,
         |$p:ident, $m:ident| $some:expr, |$q:ident, $k:ident, $v:ident| $put:expr) => {
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub struct $name($vector);

            // SAFETY (of every block below): the caller promises the instruction set and the memory.
            impl Simd for $name {
                type Lane = $lane;
                type Mask = $mask;
                const LANES: usize = $lanes;
                #[inline(always)]
                unsafe fn mask($n: usize) -> $mask {
                    $make
                }
                #[inline(always)]
                unsafe fn splat(x: $lane) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $name($splat(x)) }
                }
                #[inline(always)]
                unsafe fn load(p: *const $lane) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $name($load(p)) }
                }
                #[inline(always)]
                unsafe fn load_some($p: *const $lane, $m: $mask) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $name($some) }
                }
                #[inline(always)]
                unsafe fn store(self, p: *mut $lane) {
                    // SAFETY: the caller's promise.
                    unsafe { $store(p, self.0) }
                }
                #[inline(always)]
                unsafe fn store_some(self, $q: *mut $lane, $k: $mask) {
                    let $v = self.0;
                    // SAFETY: the caller's promise.
                    unsafe { $put }
                }
                #[inline(always)]
                unsafe fn fma(self, x: Self, y: Self) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $name($fma(self.0, x.0, y.0)) }
                }
                #[inline(always)]
                unsafe fn times(self, x: Self) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $name($mul(self.0, x.0)) }
                }
                #[inline(always)]
                unsafe fn at_least(self, x: Self) -> Self {
                    // SAFETY: the caller's promise. Of NaN or two zeros the instruction takes the second.
                    unsafe { $name($max(x.0, self.0)) }
                }
            }
        };
    }

    x86_vector! {
        /// Eight f32 of AVX2.
        F32x8, f32, __m256, __m256i, 8,
        |n| {
            // SAFETY: `n` is at most 8, so that the mask lies inside the table.
            unsafe { _mm256_loadu_si256(ONES.as_ptr().add(8 - n).cast()) }
        },
        _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_mul_ps, _mm256_max_ps,
        |p, m| _mm256_maskload_ps(p, m), |p, m, v| _mm256_maskstore_ps(p, m, v)
    }
    x86_vector! {
        /// Four f64 of AVX2.
        F64x4, f64, __m256d, __m256i, 4,
        |n| {
            // SAFETY: `n` is at most 4, so that the mask lies inside the table.
            unsafe { _mm256_loadu_si256(ONES64.as_ptr().add(4 - n).cast()) }
        },
        _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd, _mm256_mul_pd, _mm256_max_pd,
        |p, m| _mm256_maskload_pd(p, m), |p, m, v| _mm256_maskstore_pd(p, m, v)
    }
    x86_vector! {
        /// Sixteen f32 of AVX-512.
        F32x16, f32, __m512, __mmask16, 16,
        |n| __mmask16::MAX.checked_shr(16 - n as u32).unwrap_or(0),
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_max_ps,
        |p, m| _mm512_maskz_loadu_ps(m, p), |p, m, v| _mm512_mask_storeu_ps(p, m, v)
    }
    x86_vector! {
        /// Eight f64 of AVX-512.
        F64x8, f64, __m512d, __mmask8, 8,
        |n| __mmask8::MAX.checked_shr(8 - n as u32).unwrap_or(0),
        _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd, _mm512_mul_pd, _mm512_max_pd,
        |p, m| _mm512_maskz_loadu_pd(m, p), |p, m, v| _mm512_mask_storeu_pd(p, m, v)
    }
}
