//! Resampling, and sampling at the points of a grid.

use super::all::*;
use crate::lazy::T;
use crate::pointwise::fresh;
use crate::rules::resample;
use crate::value::Value;
use crate::{Result, Tensor, fail};
use corten_conv::Mode;
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = resample;

/// (N, C, L) enlarged or reduced to a size or by factors: each element is one of the input.
upsample_nearest1d(input: Tensor, output_size: Ints1?, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 1, Mode::Nearest, output_size, scale_factors); kernel: resample::run(input, Mode::Nearest, false, scale_factors, &outs[0]); forms: fn }
/// (N, C, H, W) enlarged or reduced to a size or by factors: each element is one of the input.
upsample_nearest2d(input: Tensor, output_size: Ints2?, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 2, Mode::Nearest, output_size, scale_factors); kernel: resample::run(input, Mode::Nearest, false, scale_factors, &outs[0]); forms: fn }
/// (N, C, D, H, W) enlarged or reduced to a size or by factors: each element is one of the input.
upsample_nearest3d(input: Tensor, output_size: Ints3?, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 3, Mode::Nearest, output_size, scale_factors); kernel: resample::run(input, Mode::Nearest, false, scale_factors, &outs[0]); forms: fn }
/// As `upsample_nearest1d`, with the element whose centre is nearest.
_upsample_nearest_exact1d(input: Tensor, output_size: Ints1?, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 1, Mode::NearestExact, output_size, scale_factors); kernel: resample::run(input, Mode::NearestExact, false, scale_factors, &outs[0]); forms: fn }
/// As `upsample_nearest2d`, with the element whose centre is nearest.
_upsample_nearest_exact2d(input: Tensor, output_size: Ints2?, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 2, Mode::NearestExact, output_size, scale_factors); kernel: resample::run(input, Mode::NearestExact, false, scale_factors, &outs[0]); forms: fn }
/// As `upsample_nearest3d`, with the element whose centre is nearest.
_upsample_nearest_exact3d(input: Tensor, output_size: Ints3?, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 3, Mode::NearestExact, output_size, scale_factors); kernel: resample::run(input, Mode::NearestExact, false, scale_factors, &outs[0]); forms: fn }
/// (N, C, L) along lines between elements.
upsample_linear1d(input: Tensor, output_size: Ints1?, align_corners: bool, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 1, Mode::Linear, output_size, scale_factors); kernel: resample::run(input, Mode::Linear, align_corners, scale_factors, &outs[0]); forms: fn }
/// (N, C, H, W) along lines between elements in both directions.
upsample_bilinear2d(input: Tensor, output_size: Ints2?, align_corners: bool, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 2, Mode::Linear, output_size, scale_factors); kernel: resample::run(input, Mode::Linear, align_corners, scale_factors, &outs[0]); forms: fn }
/// (N, C, D, H, W) along lines between elements in all directions.
upsample_trilinear3d(input: Tensor, output_size: Ints3?, align_corners: bool, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 3, Mode::Linear, output_size, scale_factors); kernel: resample::run(input, Mode::Linear, align_corners, scale_factors, &outs[0]); forms: fn }
/// (N, C, H, W) along cubic curves through four elements in both directions.
upsample_bicubic2d(input: Tensor, output_size: Ints2?, align_corners: bool, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 2, Mode::Cubic, output_size, scale_factors); kernel: resample::run(input, Mode::Cubic, align_corners, scale_factors, &outs[0]); forms: fn }
/// `upsample_bilinear2d` with windows that widen as the result shrinks, against aliasing.
_upsample_bilinear2d_aa(input: Tensor, output_size: Ints2?, align_corners: bool, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 2, Mode::SmoothLinear, output_size, scale_factors); kernel: resample::run(input, Mode::SmoothLinear, align_corners, scale_factors, &outs[0]); forms: fn }
/// `upsample_bicubic2d` with windows that widen as the result shrinks, against aliasing.
_upsample_bicubic2d_aa(input: Tensor, output_size: Ints2?, align_corners: bool, scale_factors: [float]?) -> Tensor { meta: resample::meta(input, 2, Mode::SmoothCubic, output_size, scale_factors); kernel: resample::run(input, Mode::SmoothCubic, align_corners, scale_factors, &outs[0]); forms: fn }

/// Resampling in one of the modes of `corten_conv::Mode`, by number.
_resample(input: Tensor, output_size: Sizes, mode: int, align_corners: bool, scale_factors: [float]?) -> Tensor { meta: Ok(smallvec![fresh(input, resample::resized(input, output_size), input.dtype())]); kernel: resample::run(input, resample::mode(mode)?, align_corners, scale_factors, &outs[0]); check: none }
/// The gradient of resampling.
_resample_backward(grad_output: Tensor, input_size: Sizes, mode: int, align_corners: bool, scale_factors: [float]?) -> Tensor { meta: Ok(smallvec![fresh(grad_output, input_size, grad_output.dtype())]); kernel: resample::backward(grad_output, resample::mode(mode)?, align_corners, scale_factors, &outs[0]); check: none }

/// The points of a grid (N, H, W, 2), or (N, D, H, W, 3), moved by affine maps `theta` (N, 2, 3), or (N, 3, 4).
affine_grid_generator(theta: Tensor, size: Sizes, align_corners: bool) -> Tensor { composite: affine_grid(theta, size, align_corners); forms: fn }
/// (N, C, H, W) at the points of a grid (N, H', W', 2), or (N, C, D, H, W) at those of (N, D', H', W', 3).
grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor { composite: { resample::check_grid(input, grid, interpolation_mode, padding_mode)?; if input.ndim() == 4 { grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners) } else { grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners) } }; forms: fn }
/// `grid_sampler` of (N, C, H, W).
grid_sampler_2d(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor { meta: resample::grid_meta(input, grid, 4, interpolation_mode, padding_mode); kernel: resample::grid_sample(input, grid, resample::warp(interpolation_mode, padding_mode, align_corners)?, &outs[0]); forms: fn }
/// `grid_sampler` of (N, C, D, H, W).
grid_sampler_3d(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor { meta: resample::grid_meta(input, grid, 5, interpolation_mode, padding_mode); kernel: resample::grid_sample(input, grid, resample::warp(interpolation_mode, padding_mode, align_corners)?, &outs[0]); forms: fn }
/// The gradient of `grid_sampler` by its input, of the size `input_size`.
_grid_sampler_backward_input(grad_output: Tensor, input_size: Sizes, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor { meta: Ok(smallvec![fresh(grad_output, input_size, grad_output.dtype())]); kernel: resample::grid_backward_input(grad_output, grid, resample::warp(interpolation_mode, padding_mode, align_corners)?, &outs[0]); check: none }
/// The gradient of `grid_sampler` by its grid.
_grid_sampler_backward_grid(grad_output: Tensor, input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor { meta: Ok(smallvec![fresh(grid, grid.dims(), grid.dtype())]); kernel: resample::grid_backward_grid(grad_output, input, grid, resample::warp(interpolation_mode, padding_mode, align_corners)?, &outs[0]); check: none }

}

/// The coordinates of `size` elements between -1 and 1: of their centres, or with `corners` from edge to edge.
fn coordinates(size: i64, like: &Tensor, corners: bool) -> T {
    if size == 1 {
        return zeros_with([1], like.dtype(), Value::None, like.device(), false, false);
    }
    let edges = linspace_with(-1.0, 1.0, size, like.dtype(), Value::None, like.device(), false, false);
    // In the order of PyTorch's roundings: by them, an element lies on one side of a centre or on the other.
    if corners { edges } else { div(mul(edges, size - 1), size) }
}

fn affine_grid(theta: &Tensor, size: &[i64], corners: bool) -> Result<T> {
    let dims = size.len().wrapping_sub(2);
    if dims != 2 && dims != 3 {
        fail!(Runtime, "AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs.");
    }
    if theta.sizes() != [size[0], dims as i64, dims as i64 + 1] {
        fail!(
            Runtime,
            "Expected a batch of {dims}D affine matrices of shape Nx{dims}x{} for size {}. Got {}.",
            dims + 1,
            crate::text::sizes(size),
            crate::text::sizes(theta.sizes())
        );
    }
    let plane = &size[2..];
    if plane.iter().any(|&n| n <= 0) {
        fail!(Runtime, "Expected non-zero, positive output size. Got {}", crate::text::sizes(size));
    }
    // The last dimension's coordinate comes first; a column of ones takes the offsets of the maps.
    let mut columns = Vec::new();
    for d in (0..dims).rev() {
        let mut along = vec![1; dims];
        along[d] = plane[d];
        columns.push(expand(reshape(coordinates(plane[d], theta, corners), along), plane));
    }
    columns.push(ones_with(plane, theta.dtype(), Value::None, theta.device(), false, false));
    let base = reshape(stack_with(columns.as_slice(), -1), [1, -1, dims as i64 + 1]);
    let points = matmul(base, transpose(theta, 1, 2));
    Ok(reshape(points, [&size[..1], plane, &[dims as i64]].concat()))
}
