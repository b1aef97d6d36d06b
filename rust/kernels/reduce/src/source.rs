//! What a reduction reads: elements of one or two operands, converted and mapped.

use crate::lines::address;
use crate::number::{Number, Real, load_truth};
use corten_base::element::Cast;
use corten_base::{DType, Operand, c64, c128};
use corten_elementwise::{magnitude_powers_f32, magnitude_powers_f64};

/// Elements of further operands read at a time.
const BLOCK: usize = 256;

/// What is done to elements as they are read, apart from the function that they are joined under.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Map {
    /// Nothing.
    Same,
    /// 1 if it differs from zero, else 0.
    Truth,
    /// |x|, of complex elements.
    Modulus,
    /// |x|ᵖ.
    Power(f64),
    /// x (y - center).
    Product,
}

/// A number type with the maps that make sense for it; [`Map::Same`] is the only one that all have.
pub(crate) trait Mapped: Number {
    fn map(map: Map, x: &mut [Self], y: &[Self]);
    /// Reads magnitudes of complex elements, if this is a real type; answers whether it did.
    ///
    /// # Safety
    /// As [`Number::load`].
    unsafe fn load_magnitudes(_dtype: DType, _ptr: *const u8, _stride: isize, _out: &mut [Self]) -> bool {
        false
    }
    /// # Safety
    /// As [`Number::load`]. Answers whether the type holds truth values so.
    unsafe fn load_truths(_dtype: DType, _ptr: *const u8, _stride: isize, _out: &mut [Self]) -> bool {
        false
    }
}

macro_rules! mapped_real {
    ($($t:ident $powers:path;)*) => { $(
        impl Mapped for $t {
            fn map(map: Map, x: &mut [$t], y: &[$t]) {
                match map {
                    Map::Same | Map::Truth | Map::Modulus => {}
                    Map::Power(p) => $powers(x, p),
                    Map::Product => product(x, y),
                }
            }
            unsafe fn load_magnitudes(dtype: DType, ptr: *const u8, stride: isize, out: &mut [$t]) -> bool {
                if !dtype.is_complex() {
                    return false;
                }
                for (i, out) in out.iter_mut().enumerate() {
                    let at = i as isize * stride;
                    // SAFETY: as the caller promises.
                    let (re, im) = match dtype {
                        DType::C64 => {
                            // SAFETY: as the caller promises.
                            let z = unsafe { ptr.cast::<c64>().offset(at).read() };
                            (z.re as f64, z.im as f64)
                        }
                        _ => {
                            // SAFETY: as the caller promises.
                            let z = unsafe { ptr.cast::<c128>().offset(at).read() };
                            (z.re, z.im)
                        }
                    };
                    *out = libm::hypot(re, im).cast();
                }
                true
            }
        }
    )* };
}

mapped_real! { f32 magnitude_powers_f32; f64 magnitude_powers_f64; }

corten_base::multiversion! {
    fn product<C: Real>(x: &mut [C], y: &[C]) {
        for (x, &y) in x.iter_mut().zip(y) {
            *x = x.times(y);
        }
    }
}

impl Mapped for i64 {
    fn map(_: Map, _: &mut [i64], _: &[i64]) {}
    unsafe fn load_truths(dtype: DType, ptr: *const u8, stride: isize, out: &mut [i64]) -> bool {
        // SAFETY: as the caller promises.
        unsafe { load_truth(dtype, ptr, stride, out) };
        true
    }
}
impl Mapped for i32 {
    fn map(_: Map, _: &mut [i32], _: &[i32]) {}
}
impl Mapped for u64 {
    fn map(_: Map, _: &mut [u64], _: &[u64]) {}
}
impl Mapped for c64 {
    fn map(_: Map, _: &mut [c64], _: &[c64]) {}
}
impl Mapped for c128 {
    fn map(_: Map, _: &mut [c128], _: &[c128]) {}
}

/// What is read: operands of `x`'s shape, and how they become numbers. A result has one center: that operand does not
/// move along reduced dimensions.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) x: Operand<'a>,
    pub(crate) y: Option<Operand<'a>>,
    pub(crate) center: Option<Operand<'a>>,
    pub(crate) map: Map,
}

impl<'a> Reader<'a> {
    /// True if numbers of type `C` can be taken straight from `x`'s memory.
    #[inline]
    pub(crate) fn direct<C: Number>(&self) -> bool {
        self.map == Map::Same && self.x.dtype() == C::DTYPE
    }

    /// Only `x`.
    pub(crate) fn of(x: Operand<'a>, map: Map) -> Self {
        Reader { x, y: None, center: None, map }
    }

    /// Reads `out.len()` mapped numbers, `strides` apart in x and y, from `offsets` on. `centers` are those of the numbers,
    /// or one for all; they matter only beside `y`.
    ///
    /// # Safety
    /// The elements must lie in the operands.
    pub(crate) unsafe fn read<C: Mapped>(
        &self,
        offsets: [isize; 2],
        strides: [isize; 2],
        centers: &[C],
        out: &mut [C],
    ) {
        let dtype = self.x.dtype();
        let ptr = address(&self.x, offsets[0]);
        // SAFETY: the caller's promise, here and below.
        if self.map == Map::Truth && unsafe { C::load_truths(dtype, ptr, strides[0], out) } {
            return;
        }
        let modulus = matches!(self.map, Map::Modulus | Map::Power(_));
        // SAFETY: as above.
        if !modulus || !unsafe { C::load_magnitudes(dtype, ptr, strides[0], out) } {
            // SAFETY: as above.
            unsafe { C::load(dtype, ptr, strides[0], out) };
        }
        let Some(y) = &self.y else {
            return C::map(self.map, out, &[]);
        };
        let mut second = [C::ZERO; BLOCK];
        for (i, out) in out.chunks_mut(BLOCK).enumerate() {
            let second = &mut second[..out.len()];
            let at = offsets[1] + (i * BLOCK) as isize * strides[1];
            // SAFETY: as above.
            unsafe { C::load(y.dtype(), address(y, at), strides[1], second) };
            match centers {
                &[center] => second.iter_mut().for_each(|y| *y = y.minus(center)),
                _ => second.iter_mut().zip(&centers[i * BLOCK..]).for_each(|(y, &center)| *y = y.minus(center)),
            }
            C::map(self.map, out, second);
        }
    }

    /// Reads `out.len()` centers, `stride` apart, or leaves them where there are none.
    ///
    /// # Safety
    /// The elements must lie in the operand.
    pub(crate) unsafe fn centers<C: Number>(&self, offset: isize, stride: isize, out: &mut [C]) {
        if let Some(center) = &self.center {
            // SAFETY: the caller's promise.
            unsafe { C::load(center.dtype(), address(center, offset), stride, out) }
        }
    }
}
