//! Resampling, and sampling at the points of a grid: sizes, PyTorch's messages, and the calls of the kernels.

use super::checks::cpp_name;
use crate::core::{Dims, channels_last_strides};
use crate::device::MemoryFormat;
use crate::op::{Meta, OutSpec};
use crate::pointwise::{common_device, fresh};
use crate::tensor::Tensor;
use crate::text;
use corten_base::alloc::room;
use corten_base::{DType, Result, fail};
pub use corten_conv::Mode;
use corten_conv::{self as kernels, Border, Reading, Sampling, Taps, Warp};
use smallvec::smallvec;

/// The mode of a number.
pub fn mode(number: i64) -> Result<Mode> {
    let all = [Mode::Nearest, Mode::NearestExact, Mode::Linear, Mode::Cubic, Mode::SmoothLinear, Mode::SmoothCubic];
    match usize::try_from(number).ok().and_then(|number| all.get(number)) {
        Some(&mode) => Ok(mode),
        None => fail!(Runtime, "resampling has no mode {number}"),
    }
}

/// The sizes of `x` with other spatial ones.
pub fn resized(x: &Tensor, plane: &[i64]) -> Dims {
    x.sizes().iter().take(2).chain(plane).copied().collect()
}

/// As `x`, with other sizes; channels stay last where they are so in `x` alone.
pub fn like(x: &Tensor, sizes: Dims) -> OutSpec {
    let core = x.core();
    let last = [MemoryFormat::ChannelsLast, MemoryFormat::ChannelsLast3d];
    let keeps = !core.is_contiguous() && last.into_iter().any(|format| core.is_contiguous_in(format));
    OutSpec { strides: keeps.then(|| channels_last_strides(&sizes)), ..fresh(x, sizes, x.dtype()) }
}

/// The result's spatial sizes: as given, or by factors.
fn plane_of(x: &Tensor, size: Option<&[i64]>, scales: Option<&[f64]>) -> Result<Dims> {
    let spatial = x.ndim().saturating_sub(2);
    let need = |count: usize, name: &str| {
        if count != spatial {
            fail!(Runtime, "Expected {spatial} numbers in {name}, one a spatial dimension, but got {count}");
        }
        Ok(())
    };
    match (size, scales) {
        (Some(size), None) => need(size.len(), "output_size").map(|()| size.into()),
        (None, Some(scales)) => {
            need(scales.len(), "scale_factors")?;
            let scaled = x.sizes()[2..].iter().zip(scales).map(|(&n, scale)| n as f64 * scale);
            scaled
                .map(|n| match n.abs() < i64::MAX as f64 {
                    true => Ok(n as i64),
                    false => fail!(Runtime, "value cannot be converted to type int64_t without overflow"),
                })
                .collect()
        }
        _ => fail!(Runtime, "Must specify exactly one of output_size and scale_factors"),
    }
}

/// `meta` of resampling over `spatial` dimensions.
pub fn meta(x: &Tensor, spatial: usize, mode: Mode, size: Option<&[i64]>, scales: Option<&[f64]>) -> Result<Meta> {
    let plane = plane_of(x, size, scales)?;
    let sizes = x.sizes();
    if sizes.len() != spatial + 2 {
        fail!(Runtime, "It is expected input_size equals to {}, but got size {}", spatial + 2, sizes.len());
    }
    if sizes[2..].iter().chain(&plane).any(|&n| n <= 0) {
        fail!(
            Runtime,
            "Input and output sizes should be greater than 0, but got input {} output {}",
            text::sizes(&sizes[2..]),
            text::sizes(&plane)
        );
    }
    if sizes[1] == 0 {
        fail!(
            Runtime,
            "Non-empty {}D data tensor expected but got a tensor with sizes {}",
            spatial + 2,
            text::sizes(sizes)
        );
    }
    let allowed = match (mode, x.dtype()) {
        (_, DType::F32 | DType::F64) => true,
        (mode, DType::F16 | DType::BF16) => !matches!(mode, Mode::SmoothLinear | Mode::SmoothCubic),
        (mode, DType::U8) => spatial == 2 || matches!(mode, Mode::Nearest | Mode::NearestExact),
        _ => false,
    };
    if !allowed {
        return x.dtype().unsupported(&format!("upsample{spatial}d"));
    }
    Ok(smallvec![like(x, resized(x, &plane))])
}

/// The matrices of the spatial dimensions, from sizes `from` to sizes `to`.
fn taps(
    mode: Mode,
    corners: bool,
    scales: Option<&[f64]>,
    dtype: DType,
    from: &[i64],
    to: &[i64],
) -> Result<Vec<Taps>> {
    let single = !matches!(dtype, DType::F64 | DType::U8);
    let mut all = room(from.len())?;
    for (d, (&input, &output)) in from.iter().zip(to).enumerate() {
        let (input, output, scale) = (input as usize, output as usize, scales.and_then(|s| s.get(d)).copied());
        all.push(Sampling { mode, input, output, scale, corners, single }.taps()?);
    }
    Ok(all)
}

/// `kernel` of resampling.
pub fn run(x: &Tensor, mode: Mode, corners: bool, scales: Option<&[f64]>, out: &Tensor) -> Result<()> {
    let taps = taps(mode, corners, scales, x.dtype(), &x.sizes()[2..], &out.sizes()[2..])?;
    kernels::resample(out.core().operand()?, x.core().operand()?, taps)
}

/// `kernel` of the gradient of resampling: the matrices transposed.
pub fn backward(g: &Tensor, mode: Mode, corners: bool, scales: Option<&[f64]>, out: &Tensor) -> Result<()> {
    let taps = taps(mode, corners, scales, g.dtype(), &out.sizes()[2..], &g.sizes()[2..])?;
    let transposed = taps.iter().map(Taps::transposed).collect::<Result<Vec<_>>>()?;
    kernels::resample(out.core().operand()?, g.core().operand()?, transposed)
}

/// How a grid is read, by PyTorch's numbers of modes.
pub fn warp(reading: i64, border: i64, corners: bool) -> Result<Warp> {
    let reading = match reading {
        0 => Reading::Linear,
        1 => Reading::Nearest,
        2 => Reading::Cubic,
        _ => fail!(Runtime, "grid_sampler(): interpolation_mode must be 0, 1 or 2, but got {reading}"),
    };
    let border = match border {
        0 => Border::Zeros,
        1 => Border::Clamp,
        2 => Border::Reflect,
        _ => fail!(Runtime, "grid_sampler(): padding_mode must be 0, 1 or 2, but got {border}"),
    };
    Ok(Warp { reading, border, corners })
}

/// Refuses inputs and grids that do not fit each other.
pub fn check_grid(x: &Tensor, grid: &Tensor, reading: i64, border: i64) -> Result<()> {
    warp(reading, border, false)?;
    common_device([x, grid])?;
    let (xs, gs) = (x.sizes(), grid.sizes());
    let both = || format!("input with sizes {} and grid with sizes {}", text::sizes(xs), text::sizes(gs));
    if xs.is_empty() || gs.is_empty() || xs[0] != gs[0] {
        fail!(Runtime, "grid_sampler(): expected grid and input to have same batch size, but got {}", both());
    }
    if gs[gs.len() - 1] != xs.len() as i64 - 2 {
        fail!(
            Runtime,
            "grid_sampler(): expected grid to have size {} in last dimension, but got grid with sizes {}",
            xs.len() as i64 - 2,
            text::sizes(gs)
        );
    }
    if let Some(d) = (2..xs.len()).find(|&d| xs[d] <= 0) {
        fail!(
            Runtime,
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {} with dimension {d} being empty",
            text::sizes(xs)
        );
    }
    if !(4..=5).contains(&xs.len()) || xs.len() != gs.len() {
        fail!(
            Runtime,
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got {}",
            both()
        );
    }
    if xs.len() == 5 && reading == 2 {
        fail!(Runtime, "grid_sampler(): bicubic interpolation only supports 4D input");
    }
    if x.dtype() != grid.dtype() {
        fail!(Runtime, "expected scalar type {} but found {}", cpp_name(x.dtype()), cpp_name(grid.dtype()));
    }
    if !x.dtype().is_float() {
        return x.dtype().unsupported("grid_sampler");
    }
    Ok(())
}

/// `meta` of sampling an input of `ndim` dimensions.
pub fn grid_meta(x: &Tensor, grid: &Tensor, ndim: usize, reading: i64, border: i64) -> Result<Meta> {
    check_grid(x, grid, reading, border)?;
    if x.ndim() != ndim {
        fail!(Runtime, "grid_sampler_{}d(): expected {ndim}D input, but got {}D", ndim - 2, x.ndim());
    }
    Ok(smallvec![fresh(x, resized(x, &grid.sizes()[1..ndim - 1]), x.dtype())])
}

/// `kernel` of sampling.
pub fn grid_sample(x: &Tensor, grid: &Tensor, warp: Warp, out: &Tensor) -> Result<()> {
    kernels::grid_sample(out.core().operand()?, x.core().operand()?, grid.core().operand()?, warp)
}

/// `kernel` of the gradient by the input.
pub fn grid_backward_input(g: &Tensor, grid: &Tensor, warp: Warp, out: &Tensor) -> Result<()> {
    kernels::grid_sample_backward_input(out.core().operand()?, g.core().operand()?, grid.core().operand()?, warp)
}

/// `kernel` of the gradient by the grid.
pub fn grid_backward_grid(g: &Tensor, x: &Tensor, grid: &Tensor, warp: Warp, out: &Tensor) -> Result<()> {
    let (out, g, x, grid) = (out.core().operand()?, g.core().operand()?, x.core().operand()?, grid.core().operand()?);
    kernels::grid_sample_backward_grid(out, g, x, grid, warp)
}
