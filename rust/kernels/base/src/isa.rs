//! Which instruction set the kernels run on, and the macro that compiles one source for each.
//!
//! Every path gives the same bits: the source is the same, multiply-adds are explicit `mul_add`s, and no path uses an
//! approximate instruction. `CORTEN_ISA` names the widest path to use; see [`choose`].

use crate::{Result, fail};
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

/// The path in use: where [`choose`] was not called, the best.
#[inline(always)]
pub fn isa() -> Isa {
    match CHOSEN.load(Ordering::Relaxed) {
        1 => Isa::Portable,
        2 => Isa::Avx2,
        3 => Isa::Avx512,
        4 => Isa::Neon,
        _ => best(),
    }
}

#[cold]
fn best() -> Isa {
    let isa = detect();
    CHOSEN.store(isa as u8, Ordering::Relaxed);
    isa
}

/// Chooses a path for the whole process, so that tests can compare paths; false where the machine lacks it.
#[doc(hidden)]
#[must_use]
pub fn force(isa: Isa) -> bool {
    if possible(isa) {
        CHOSEN.store(isa as u8, Ordering::Relaxed);
    }
    possible(isa)
}

fn possible(isa: Isa) -> bool {
    let best = detect();
    isa == best || isa == Isa::Portable || (isa == Isa::Avx2 && best == Isa::Avx512)
}

/// Takes the path that the environment variable `CORTEN_ISA` names, if it is set.
///
/// # Errors
/// A name that is none of a path, and a path that the machine lacks.
pub fn choose() -> Result<()> {
    const PATHS: [(&str, Isa); 4] =
        [("portable", Isa::Portable), ("avx2", Isa::Avx2), ("avx512", Isa::Avx512), ("neon", Isa::Neon)];
    let Some(asked) = std::env::var_os("CORTEN_ISA").filter(|asked| !asked.is_empty()) else {
        return Ok(());
    };
    let Some(&(_, isa)) = PATHS.iter().find(|(name, _)| *name == asked) else {
        let names = PATHS.map(|(name, _)| name).join(", ");
        fail!(Value, "CORTEN_ISA is {asked:?}; expected one of {names}, or nothing for the best of this machine");
    };
    if !force(isa) {
        let can = PATHS.iter().filter(|&&(_, isa)| possible(isa)).map(|&(name, _)| name).collect::<Vec<_>>().join(", ");
        fail!(Runtime, "CORTEN_ISA is {asked:?}, which this machine lacks; it has {can}");
    }
    Ok(())
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
