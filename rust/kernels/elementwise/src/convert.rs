//! Conversion of contiguous elements between any two dtypes: to the compute type, between compute types, to storage.
//!
//! Going over the compute type makes some seventy loops instead of two hundred and ten. It is exact, or rounds and
//! wraps as the direct conversion would.

use corten_base::element::{Cast, b8};
use corten_base::{DType, Element, bf16, c64, c128, half, multiversion};
use std::mem::MaybeUninit;

/// Converts `n` elements from the second address to the first.
///
/// # Safety
/// Both addresses must be aligned and valid for `n` elements of the step's types and must not overlap.
pub(crate) type Step = unsafe fn(usize, *mut u8, *const u8);

/// An element that converts to another type.
trait Source<T>: Element + Cast<T> {}

impl<S: Element + Cast<T>, T> Source<T> for S {}

multiversion! {
    fn cast_loop<S: Source<T>, T: Element>(out: &mut [MaybeUninit<T>], x: &[S]) {
        for (out, &x) in out.iter_mut().zip(x) {
            out.write(x.cast());
        }
    }
}

unsafe fn step<S: Element + Cast<T>, T: Element>(n: usize, out: *mut u8, x: *const u8) {
    // SAFETY: the caller's promise (see `Step`).
    let (out, x) = unsafe {
        (std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<T>>(), n), std::slice::from_raw_parts(x.cast::<S>(), n))
    };
    cast_loop::<S, T>(out, x);
}

/// A real number that is cut to an integer.
trait Fraction<T>: Source<T> {
    /// True where `quick` is right.
    fn is_small(self) -> bool;
    /// The cast by instructions that work on several numbers.
    fn quick(self) -> T;
}

macro_rules! fractions {
    ($($from:ty => $to:ty, |$x:ident| $small:expr, $quick:expr;)*) => { $(
        impl Fraction<$to> for $from {
            #[inline(always)]
            fn is_small(self) -> bool { let $x = self; $small }
            #[inline(always)]
            fn quick(self) -> $to { let $x = self; $quick }
        }
    )* };
}

/// 2⁵² + 2⁵¹: added to a smaller whole number, it leaves that number in the low bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;

#[inline(always)]
fn low_bits(x: f64) -> i64 {
    (x.trunc() + WHOLE).to_bits().wrapping_sub(WHOLE.to_bits()) as i64
}

fractions! {
    f32 => i32, |x| x.abs() < 2_147_483_648.0, low_bits(x as f64) as i32;
    f64 => i32, |x| x.abs() < 2_147_483_648.0, low_bits(x) as i32;
    f32 => i64, |x| x.abs() < 1e15, low_bits(x as f64);
    f64 => i64, |x| x.abs() < 1e15, low_bits(x);
}

multiversion! {
    fn cut_loop<S: Fraction<T>, T: Element>(out: &mut [MaybeUninit<T>], x: &[S]) {
        const AT_ONCE: usize = 64;
        for (out, x) in out.chunks_mut(AT_ONCE).zip(x.chunks(AT_ONCE)) {
            if x.iter().fold(true, |small, x| small & x.is_small()) {
                out.iter_mut().zip(x).for_each(|(out, x)| _ = out.write(x.quick()));
            } else {
                out.iter_mut().zip(x).for_each(|(out, &x)| _ = out.write(x.cast()));
            }
        }
    }
}

unsafe fn cut<S: Fraction<T>, T: Element>(n: usize, out: *mut u8, x: *const u8) {
    // SAFETY: the caller's promise (see `Step`).
    let (out, x) = unsafe {
        (std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<T>>(), n), std::slice::from_raw_parts(x.cast::<S>(), n))
    };
    cut_loop::<S, T>(out, x);
}

unsafe fn widen_halves(n: usize, out: *mut u8, x: *const u8) {
    // SAFETY: the caller's promise (see `Step`).
    unsafe { half::widen(std::slice::from_raw_parts_mut(out.cast(), n), std::slice::from_raw_parts(x.cast(), n)) }
}

unsafe fn narrow_halves(n: usize, out: *mut u8, x: *const u8) {
    // SAFETY: the caller's promise (see `Step`).
    unsafe { half::narrow(std::slice::from_raw_parts_mut(out.cast(), n), std::slice::from_raw_parts(x.cast(), n)) }
}

/// From storage to its compute type.
fn widen(dtype: DType) -> Option<Step> {
    Some(match dtype {
        DType::U8 => step::<u8, i32>,
        DType::I8 => step::<i8, i32>,
        DType::U16 => step::<u16, i32>,
        DType::I16 => step::<i16, i32>,
        DType::U32 => step::<u32, i64>,
        DType::F16 => widen_halves,
        DType::BF16 => step::<bf16, f32>,
        _ => return None,
    })
}

/// From a compute type to storage.
fn narrow(dtype: DType) -> Option<Step> {
    Some(match dtype {
        DType::U8 => step::<i32, u8>,
        DType::I8 => step::<i32, i8>,
        DType::U16 => step::<i32, u16>,
        DType::I16 => step::<i32, i16>,
        DType::U32 => step::<i64, u32>,
        DType::F16 => narrow_halves,
        DType::BF16 => step::<f32, bf16>,
        _ => return None,
    })
}

/// Between compute types.
fn cast(from: DType, to: DType) -> Option<Step> {
    macro_rules! row {
        ($s:ty) => {
            match to {
                DType::Bool => step::<$s, b8>,
                DType::I32 => step::<$s, i32>,
                DType::I64 => step::<$s, i64>,
                DType::U64 => step::<$s, u64>,
                DType::F32 => step::<$s, f32>,
                DType::F64 => step::<$s, f64>,
                DType::C64 => step::<$s, c64>,
                _ => step::<$s, c128>,
            }
        };
    }
    if from == to {
        return None;
    }
    Some(match from {
        DType::F32 if to == DType::I32 => cut::<f32, i32>,
        DType::F32 if to == DType::I64 => cut::<f32, i64>,
        DType::F64 if to == DType::I32 => cut::<f64, i32>,
        DType::F64 if to == DType::I64 => cut::<f64, i64>,
        DType::Bool => row!(b8),
        DType::I32 => row!(i32),
        DType::I64 => row!(i64),
        DType::U64 => row!(u64),
        DType::F32 => row!(f32),
        DType::F64 => row!(f64),
        DType::C64 => row!(c64),
        _ => row!(c128),
    })
}

/// The steps from one dtype to another: none to three.
#[derive(Clone, Copy)]
pub(crate) struct Conversion {
    steps: [Option<Step>; 3],
    len: usize,
}

impl Conversion {
    pub fn new(from: DType, to: DType) -> Self {
        let mut conversion = Conversion { steps: [None; 3], len: 0 };
        if from != to {
            for step in [widen(from), cast(from.compute(), to.compute()), narrow(to)].into_iter().flatten() {
                conversion.steps[conversion.len] = Some(step);
                conversion.len += 1;
            }
        }
        conversion
    }

    /// True if there is nothing to convert.
    pub fn is_identity(&self) -> bool {
        self.len == 0
    }

    /// True if one step converts, without scratch blocks.
    pub fn is_single(&self) -> bool {
        self.len == 1
    }

    /// Converts `n` elements, with two scratch blocks between the steps.
    ///
    /// # Safety
    /// `out` and `x` as for a [`Step`]; each scratch block must hold `n` elements of any dtype on the way and be apart
    /// from the other and from `out` and `x`. Not for the identity.
    pub unsafe fn run(&self, n: usize, out: *mut u8, x: *const u8, scratch: [*mut u8; 2]) {
        let mut from = x;
        for (i, step) in self.steps[..self.len].iter().flatten().enumerate() {
            let to = if i + 1 == self.len { out } else { scratch[i] };
            // SAFETY: the caller's promise; the steps' types follow one another.
            unsafe { step(n, to, from) };
            from = to;
        }
    }
}
