//! Float16 to float32 and back in whole runs: by the processor's own instructions where it has them, which give the bits
//! of [`f16::to_f32`] and [`f16::from_f32`].

use crate::f16;
#[cfg(target_arch = "x86_64")]
use crate::isa::{Isa, isa};
use std::mem::MaybeUninit;

/// Converts `x` to `out`, of the same length.
pub fn widen(out: &mut [MaybeUninit<f32>], x: &[f16]) {
    assert_eq!(out.len(), x.len());
    #[cfg(target_arch = "x86_64")]
    if matches!(isa(), Isa::Avx2 | Isa::Avx512) {
        // SAFETY: these paths are taken only where the processor has F16C; the lengths are equal.
        return unsafe { x86::widen(out, x) };
    }
    out.iter_mut().zip(x).for_each(|(out, x)| _ = out.write(x.to_f32()));
}

/// Rounds `x` to `out`, of the same length.
pub fn narrow(out: &mut [MaybeUninit<f16>], x: &[f32]) {
    assert_eq!(out.len(), x.len());
    #[cfg(target_arch = "x86_64")]
    if matches!(isa(), Isa::Avx2 | Isa::Avx512) {
        // SAFETY: as above.
        return unsafe { x86::narrow(out, x) };
    }
    out.iter_mut().zip(x).for_each(|(out, &x)| _ = out.write(f16::from_f32(x)));
}

/// `out = f(x, y)`, all of one length: widened, computed and rounded in registers.
#[inline(always)]
pub fn zip(out: &mut [MaybeUninit<f16>], x: &[f16], y: &[f16], f: impl Fn(f32, f32) -> f32) {
    assert!(out.len() == x.len() && out.len() == y.len());
    #[cfg(target_arch = "x86_64")]
    if matches!(isa(), Isa::Avx2 | Isa::Avx512) {
        // SAFETY: as above.
        return unsafe { x86::zip(out, x, y, f) };
    }
    for (out, (x, y)) in out.iter_mut().zip(x.iter().zip(y)) {
        out.write(f16::from_f32(f(x.to_f32(), y.to_f32())));
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{MaybeUninit, f16};
    use std::arch::x86_64::*;

    /// Numbers that one instruction converts.
    const AT_ONCE: usize = 8;

    /// # Safety
    /// The slices must be of one length.
    #[target_feature(enable = "avx,f16c")]
    pub unsafe fn widen(out: &mut [MaybeUninit<f32>], x: &[f16]) {
        let whole = x.len() / AT_ONCE * AT_ONCE;
        for i in (0..whole).step_by(AT_ONCE) {
            // SAFETY: eight elements from i on lie in both slices.
            unsafe {
                let halves = _mm_loadu_si128(x.as_ptr().add(i).cast());
                _mm256_storeu_ps(out.as_mut_ptr().add(i).cast(), _mm256_cvtph_ps(halves));
            }
        }
        out[whole..].iter_mut().zip(&x[whole..]).for_each(|(out, x)| _ = out.write(x.to_f32()));
    }

    /// # Safety
    /// The slices must be of one length.
    #[target_feature(enable = "avx,f16c")]
    pub unsafe fn narrow(out: &mut [MaybeUninit<f16>], x: &[f32]) {
        let whole = x.len() / AT_ONCE * AT_ONCE;
        for i in (0..whole).step_by(AT_ONCE) {
            // SAFETY: eight elements from i on lie in both slices.
            unsafe {
                let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(x.as_ptr().add(i)));
                _mm_storeu_si128(out.as_mut_ptr().add(i).cast(), halves);
            }
        }
        out[whole..].iter_mut().zip(&x[whole..]).for_each(|(out, &x)| _ = out.write(f16::from_f32(x)));
    }

    /// # Safety
    /// The slices must be of one length.
    #[target_feature(enable = "avx2,f16c")]
    pub unsafe fn zip(out: &mut [MaybeUninit<f16>], x: &[f16], y: &[f16], f: impl Fn(f32, f32) -> f32) {
        let whole = x.len() / AT_ONCE * AT_ONCE;
        for i in (0..whole).step_by(AT_ONCE) {
            let (mut a, mut b) = ([0.0; AT_ONCE], [0.0; AT_ONCE]);
            // SAFETY: eight elements from i on lie in all slices.
            unsafe {
                _mm256_storeu_ps(a.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(x.as_ptr().add(i).cast())));
                _mm256_storeu_ps(b.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(y.as_ptr().add(i).cast())));
                a.iter_mut().zip(b).for_each(|(a, b)| *a = f(*a, b));
                let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(a.as_ptr()));
                _mm_storeu_si128(out.as_mut_ptr().add(i).cast(), halves);
            }
        }
        for i in whole..x.len() {
            out[i].write(f16::from_f32(f(x[i].to_f32(), y[i].to_f32())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_one_by_one() {
        let halves: Vec<f16> = (0..=u16::MAX).map(f16).collect();
        let mut singles = vec![MaybeUninit::uninit(); halves.len()];
        widen(&mut singles, &halves);
        for (half, single) in halves.iter().zip(&singles) {
            // SAFETY: all have been written.
            assert_eq!(half.to_f32().to_bits(), unsafe { single.assume_init() }.to_bits(), "{:#x}", half.0);
        }
        let singles: Vec<f32> = (0..1 << 20).map(|i: u32| f32::from_bits(i.wrapping_mul(0x9E37_79B1))).collect();
        let mut rounded = vec![MaybeUninit::uninit(); singles.len()];
        narrow(&mut rounded, &singles);
        for (single, half) in singles.iter().zip(&rounded) {
            // SAFETY: all have been written.
            assert_eq!(f16::from_f32(*single).0, unsafe { half.assume_init() }.0, "{:#x}", single.to_bits());
        }
    }
}
