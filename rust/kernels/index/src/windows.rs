//! Sliding windows as columns (`unfold`, im2col) and back as a sum (`fold`, col2im).

use crate::arithmetic::Arithmetic;
use crate::copy::{Base, same_dtype};
use corten_base::pool::parallel_for;
use corten_base::{Operand, Result, fail, with_dtype};

/// How windows slide over an image: height, then width of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Size of a window.
    pub kernel: [i64; 2],
    /// Distance between elements of a window.
    pub dilation: [i64; 2],
    /// Zeros around the image.
    pub padding: [i64; 2],
    /// Distance between windows.
    pub stride: [i64; 2],
}

impl Window {
    /// Windows along each side of an image of `sizes`; an error if there are none or an argument is out of range.
    pub fn counts(&self, sizes: [i64; 2]) -> Result<[i64; 2]> {
        let mut counts = [0; 2];
        for i in 0..2 {
            let (kernel, dilation, padding, stride) =
                (self.kernel[i], self.dilation[i], self.padding[i], self.stride[i]);
            if kernel <= 0 || dilation <= 0 || stride <= 0 || padding < 0 {
                fail!(
                    Runtime,
                    "windows need positive kernel, dilation and stride, and padding of 0 or more, but got {self:?}"
                );
            }
            let room = sizes[i] as i128 + 2 * padding as i128 - dilation as i128 * (kernel as i128 - 1) - 1;
            if room < 0 {
                fail!(Runtime, "windows {self:?} do not fit into an image of {sizes:?}");
            }
            counts[i] = (room / stride as i128 + 1) as i64;
        }
        Ok(counts)
    }
}

/// Checks that `columns` is N × (C·kernel) × windows for the N × C × H × W `image`; answers the windows.
fn check(columns: &Operand, image: &Operand, window: &Window) -> Result<[i64; 2]> {
    same_dtype(columns, image)?;
    let &[n, c, h, w] = image.sizes() else {
        fail!(Runtime, "expected an image of N × C × H × W, but got {:?}", image.sizes());
    };
    let counts = window.counts([h, w])?;
    let area = |[a, b]: [i64; 2]| a as i128 * b as i128;
    let expected = [n as i128, c as i128 * area(window.kernel), area(counts)];
    if columns.ndim() != 3 || (0..3).any(|i| columns.sizes()[i] as i128 != expected[i]) {
        fail!(Runtime, "expected columns of {expected:?}, but got {:?}", columns.sizes());
    }
    Ok(counts)
}

/// Calls `body` with the offsets in columns and in the image (`None` in the padding) of each pair in image `n`, channel `c`.
fn each_pair(
    columns: &Operand,
    image: &Operand,
    window: &Window,
    [rows, across]: [i64; 2],
    plane: i64,
    mut body: impl FnMut(isize, Option<isize>),
) {
    let (n, c) = (plane / image.sizes()[1], plane % image.sizes()[1]);
    let (h, w) = (image.sizes()[2], image.sizes()[3]);
    let (cs, is) = (columns.strides(), image.strides());
    let [kh, kw] = window.kernel;
    for k in 0..kh * kw {
        for y in 0..rows {
            let iy = y * window.stride[0] + (k / kw) * window.dilation[0] - window.padding[0];
            for x in 0..across {
                let ix = x * window.stride[1] + (k % kw) * window.dilation[1] - window.padding[1];
                let column = n * cs[0] + (c * kh * kw + k) * cs[1] + (y * across + x) * cs[2];
                let inside = (0..h).contains(&iy) && (0..w).contains(&ix);
                let pixel = inside.then(|| (n * is[0] + c * is[1] + iy * is[2] + ix * is[3]) as isize);
                body(column as isize, pixel);
            }
        }
    }
}

/// The windows of `x` (N × C × H × W) as columns: `out` is N × (C·kernel) × windows.
pub fn unfold(out: Operand, x: Operand, window: Window) -> Result<()> {
    let counts = check(&out, &x, &window)?;
    with_dtype!(x.dtype(), T => {
        let (to, from) = (Base::<T>::of(&out), Base::<T>::of(&x));
        parallel_for((x.sizes()[0] * x.sizes()[1]) as usize, 1, &|planes| {
            let (to, from) = (to, from);
            for plane in planes {
                each_pair(&out, &x, &window, counts, plane as i64, |column, pixel| {
                    // SAFETY: elements of `out` and of `x`, whose sizes were checked.
                    unsafe { to.write(column, pixel.map_or(T::default(), |at| from.read(at))) }
                });
            }
        });
    });
    Ok(())
}

/// The sum of windows: the reverse of [`unfold`] (its gradient). `out` is N × C × H × W, `x` the columns.
pub fn fold(out: Operand, x: Operand, window: Window) -> Result<()> {
    let counts = check(&x, &out, &window)?;
    with_dtype!(x.dtype(), T => {
        let (to, from) = (Base::<T>::of(&out), Base::<T>::of(&x));
        parallel_for((out.sizes()[0] * out.sizes()[1]) as usize, 1, &|planes| {
            let (to, from) = (to, from);
            for plane in planes {
                let (n, c) = (plane as i64 / out.sizes()[1], plane as i64 % out.sizes()[1]);
                let s = out.strides();
                for pixel in 0..out.sizes()[2] * out.sizes()[3] {
                    let (y, x) = (pixel / out.sizes()[3], pixel % out.sizes()[3]);
                    // SAFETY: an element of `out`.
                    unsafe { to.write((n * s[0] + c * s[1] + y * s[2] + x * s[3]) as isize, T::default()) }
                }
                each_pair(&x, &out, &window, counts, plane as i64, |column, pixel| {
                    if let Some(at) = pixel {
                        // SAFETY: elements of `out` and of `x`, whose sizes were checked.
                        unsafe { to.write(at, to.read(at).add(from.read(column))) }
                    }
                });
            }
        });
    });
    Ok(())
}
