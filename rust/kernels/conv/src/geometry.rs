//! The shapes of a convolution, checked, with one and two spatial dimensions seen as three.

use corten_base::{DType, Operand, Result, fail};
use corten_gemm::refuse_shared;

/// Memory of `(N, C, *S)` or `(O, I, *K)`: an address and strides.
#[derive(Clone, Copy, Debug)]
pub struct Grid<S> {
    /// The first element.
    pub ptr: *mut S,
    /// From one image to the next.
    pub image: isize,
    /// From one channel to the next.
    pub channel: isize,
    /// Along each spatial dimension.
    pub steps: [isize; 3],
    /// Spatial sizes.
    pub size: [usize; 3],
}

// SAFETY: an address with strides; the kernels partition what they write between threads.
unsafe impl<S> Send for Grid<S> {}
// SAFETY: as above.
unsafe impl<S> Sync for Grid<S> {}

impl<S> Grid<S> {
    /// The grid of an operand with one to three spatial dimensions.
    pub fn new(x: &Operand) -> Self {
        let (sizes, strides) = (x.sizes(), x.strides());
        let (mut steps, mut size) = ([0; 3], [1; 3]);
        let first = 5 - x.ndim();
        for d in 2..x.ndim() {
            steps[first + d - 2] = strides[d] as isize;
            size[first + d - 2] = sizes[d] as usize;
        }
        Grid { ptr: x.ptr().cast(), image: strides[0] as isize, channel: strides[1] as isize, steps, size }
    }

    /// The address of an element.
    #[inline(always)]
    pub fn at(&self, image: usize, channel: usize, [i, j, k]: [usize; 3]) -> *mut S {
        let [di, dj, dk] = self.steps;
        let spatial = i as isize * di + j as isize * dj + k as isize * dk;
        self.ptr.wrapping_offset(image as isize * self.image + channel as isize * self.channel + spatial)
    }

    /// Number of spatial positions.
    pub fn pixels(&self) -> usize {
        self.size.iter().product()
    }

    /// The step from one position to the next in row-major order, if there is one step.
    pub fn flat(&self) -> Option<isize> {
        let [_, dj, dk] = self.steps;
        let [n, m, k] = self.size;
        if k == 1 && m == 1 && n == 1 {
            return Some(1);
        }
        let step = if k > 1 {
            dk
        } else if m > 1 {
            dj
        } else {
            self.steps[0]
        };
        let rows = m == 1 || dj == step * k as isize;
        let planes = n == 1 || self.steps[0] == step * (k * m) as isize;
        (rows && planes).then_some(step)
    }
}

/// Sizes and settings of a convolution from `x` to `y`.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Images.
    pub images: usize,
    /// Groups of channels.
    pub groups: usize,
    /// Channels of x in a group.
    pub inputs: usize,
    /// Channels of y in a group.
    pub outputs: usize,
    /// Sizes of the kernel.
    pub kernel: [usize; 3],
    /// Stride.
    pub stride: [usize; 3],
    /// Padding.
    pub padding: [usize; 3],
    /// Dilation.
    pub dilation: [usize; 3],
}

/// Largest padding, stride, dilation: sums and products of a few stay far inside i64.
const LIMIT: i64 = 1 << 31;

/// Reads a setting with one number per spatial dimension.
pub fn setting(what: &str, values: &[i64], dims: usize, least: i64) -> Result<[usize; 3]> {
    if values.len() != dims {
        fail!(Runtime, "expected {dims} numbers for {what}, got {values:?}");
    }
    if values.iter().any(|&v| v < least || v >= LIMIT) {
        fail!(Runtime, "{what} must be at least {least} and below 2^31, got {values:?}");
    }
    let mut all = [least as usize; 3];
    for (to, &value) in all[3 - dims..].iter_mut().zip(values) {
        *to = value as usize;
    }
    Ok(all)
}

/// Which of the three is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Result3 {
    /// The convolution's output.
    Y,
    /// The gradient of its input.
    X,
    /// The gradient of its weight.
    Weight,
}

impl Geometry {
    /// Checks a convolution of `x` (N, C, *S) with `weight` (O, C / groups, *K) to `y` (N, O, *T).
    pub fn new(
        (x, weight, y): (&Operand, &Operand, &Operand),
        (stride, padding, dilation): (&[i64], &[i64], &[i64]),
        groups: i64,
        result: Result3,
    ) -> Result<Self> {
        let dims = x.ndim().wrapping_sub(2);
        if !(1..=3).contains(&dims) || weight.ndim() != dims + 2 || y.ndim() != dims + 2 {
            let ranks = [x.ndim(), weight.ndim(), y.ndim()];
            fail!(
                Runtime,
                "convolution: expected 3, 4 or 5 dimensions in input, weight and output alike, got {ranks:?}"
            );
        }
        for other in [weight, y] {
            if other.dtype() != x.dtype() {
                fail!(Runtime, "convolution: expected {} for every operand, got {}", x.dtype(), other.dtype());
            }
        }
        if x.dtype() == DType::Bool {
            fail!(Runtime, "convolution: not defined for torch.bool");
        }
        let stride = setting("stride", stride, dims, 1)?;
        let padding = setting("padding", padding, dims, 0)?;
        let dilation = setting("dilation", dilation, dims, 1)?;
        let (xs, ws, ys) = (x.sizes(), weight.sizes(), y.sizes());
        if groups < 1 || xs[1] % groups != 0 || ws[0] % groups != 0 {
            fail!(Runtime, "convolution: {groups} groups do not divide {} input and {} output channels", xs[1], ws[0]);
        }
        if xs[0] != ys[0] || xs[1] != ws[1] * groups || ys[1] != ws[0] {
            fail!(
                Runtime,
                "convolution: sizes {xs:?}, weight {ws:?} and output {ys:?} do not fit with {groups} groups"
            );
        }
        let mut kernel = [1; 3];
        for d in 2..dims + 2 {
            let at = d + 1 - dims;
            kernel[at] = ws[d] as usize;
            if ws[d] < 1 || ws[d] >= LIMIT || xs[d] >= LIMIT * LIMIT / 8 {
                fail!(Runtime, "convolution: sizes {xs:?} and {ws:?} are out of range");
            }
            // PyTorch's formula: floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1.
            let span = dilation[at] as i128 * (ws[d] as i128 - 1) + 1;
            let room = xs[d] as i128 + 2 * padding[at] as i128 - span;
            let expected = if room < 0 { 0 } else { room / stride[at] as i128 + 1 };
            // A transposed convolution may leave positions at the end that its gradients do not need either.
            if ys[d] as i128 > expected {
                fail!(Runtime, "convolution: output size {} at dimension {d} where {expected} was expected", ys[d]);
            }
        }
        refuse_shared(match result {
            Result3::Y => y,
            Result3::X => x,
            Result3::Weight => weight,
        })?;
        Ok(Geometry {
            images: xs[0] as usize,
            groups: groups as usize,
            inputs: ws[1] as usize,
            outputs: (ws[0] / groups) as usize,
            kernel,
            stride,
            padding,
            dilation,
        })
    }
}

/// `with_storage!(dtype, S => expression)` evaluates the expression with the storage type of a dtype other than bool.
#[macro_export]
#[doc(hidden)]
macro_rules! with_storage {
    ($dtype:expr, $s:ident => $body:expr) => {
        match $dtype {
            corten_base::DType::Bool => corten_base::fail!(Runtime, "not defined for torch.bool"),
            corten_base::DType::U8 => {
                type $s = u8;
                $body
            }
            corten_base::DType::I8 => {
                type $s = i8;
                $body
            }
            corten_base::DType::U16 => {
                type $s = u16;
                $body
            }
            corten_base::DType::I16 => {
                type $s = i16;
                $body
            }
            corten_base::DType::U32 => {
                type $s = u32;
                $body
            }
            corten_base::DType::I32 => {
                type $s = i32;
                $body
            }
            corten_base::DType::U64 => {
                type $s = u64;
                $body
            }
            corten_base::DType::I64 => {
                type $s = i64;
                $body
            }
            corten_base::DType::F16 => {
                type $s = corten_base::f16;
                $body
            }
            corten_base::DType::BF16 => {
                type $s = corten_base::bf16;
                $body
            }
            corten_base::DType::F32 => {
                type $s = f32;
                $body
            }
            corten_base::DType::F64 => {
                type $s = f64;
                $body
            }
            corten_base::DType::C64 => {
                type $s = corten_base::c64;
                $body
            }
            corten_base::DType::C128 => {
                type $s = corten_base::c128;
                $body
            }
        }
    };
}
