//! Which instruction set the kernels run on, and the macro that compiles one source for each.
//!
//! Every path gives the same bits: the source is the same, multiply-adds are explicit `mul_add`s, and no path uses an
//! approximate instruction. `CORTEN_ISA` (`portable`, `avx2`) forces a lower path; any other value, or a path that the
//! machine lacks, leaves the best.

use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction-set path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Isa {
    /// The target's baseline; on x86-64 multiply-adds are emulated, so this is a fallback and an oracle.
    Portable = 1,
    /// AVX2, FMA, F16C.
    Avx2 = 2,
    /// AVX-512 F, BW, DQ, VL.
    Avx512 = 3,
    /// NEON, which is the baseline of arm64.
    Neon = 4,
}

static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// The path in use, chosen on the first call.
#[inline(always)]
pub fn isa() -> Isa {
    match CHOSEN.load(Ordering::Relaxed) {
        1 => Isa::Portable,
        2 => Isa::Avx2,
        3 => Isa::Avx512,
        4 => Isa::Neon,
        _ => choose(),
    }
}

/// Chooses a path for the whole process, so that tests can compare paths; false where the machine lacks it.
#[doc(hidden)]
pub fn force(isa: Isa) -> bool {
    let best = detect();
    let possible = isa == best || isa == Isa::Portable || (isa == Isa::Avx2 && best == Isa::Avx512);
    if possible {
        CHOSEN.store(isa as u8, Ordering::Relaxed);
    }
    possible
}

#[cold]
fn choose() -> Isa {
    let best = detect();
    let asked = match std::env::var("CORTEN_ISA").as_deref() {
        Ok("portable") => Isa::Portable,
        Ok("avx2") => Isa::Avx2,
        _ => best,
    };
    // Only ever down from what the machine has.
    let isa = if (asked as u8) < best as u8 { asked } else { best };
    CHOSEN.store(isa as u8, Ordering::Relaxed);
    isa
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    if avx512 {
        Isa::Avx512
    } else if avx2 {
        Isa::Avx2
    } else {
        Isa::Portable
    }
}

#[cfg(target_arch = "aarch64")]
fn detect() -> Isa {
    Isa::Neon
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Isa {
    Isa::Portable
}

/// Compiles the body of one function for each instruction set and calls the one in use:
/// `multiversion! { fn add_loop<T: Num>(out: &mut [T]) { … } }`. What the body calls must be `#[inline(always)]` to be
/// compiled for the same set. An `unsafe fn` has unsafe blocks in its body like any other.
#[macro_export]
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis unsafe fn $($rest:tt)*) => {
        $crate::multiversion! { @[$(#[$meta])* #[inline] $vis unsafe] $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => {
        $crate::multiversion! { @[$(#[$meta])* #[inline] $vis] $($rest)* }
    };
    (@[$($head:tt)*] $name:ident $(<$($g:ident : $bound:path),+>)? ($($arg:ident : $t:ty),* $(,)?) $(-> $r:ty)? $body:block) => {
        $($head)* fn $name $(<$($g: $bound),+>)? ($($arg: $t),*) $(-> $r)? {
            #[inline(always)]
            fn portable $(<$($g: $bound),+>)? ($($arg: $t),*) $(-> $r)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2 $(<$($g: $bound),+>)? ($($arg: $t),*) $(-> $r)? { portable $(::<$($g),+>)? ($($arg),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx512 $(<$($g: $bound),+>)? ($($arg: $t),*) $(-> $r)? { portable $(::<$($g),+>)? ($($arg),*) }
            match $crate::isa::isa() {
                // SAFETY: `isa` answers Avx512 or Avx2 only where the processor has the features.
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Isa::Avx512 => unsafe { avx512 $(::<$($g),+>)? ($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Isa::Avx2 => unsafe { avx2 $(::<$($g),+>)? ($($arg),*) },
                _ => portable $(::<$($g),+>)? ($($arg),*),
            }
        }
    };
}
