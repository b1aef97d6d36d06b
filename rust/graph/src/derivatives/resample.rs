//! Derivatives of resampling, and of sampling at the points of a grid.

use crate::rules::resample::{self, Reading};
use corten_tables::derivatives;
use corten_tensor::ops::all::*;
use corten_tensor::rules::resample::Mode;

derivatives! {
upsample_nearest1d(x, size: Ints1?, scales: [float]?): linear "UpsampleNearest1DBackward0" { x: _resample_backward_with(g, x.shape, Mode::Nearest as i64, false, scales) }
upsample_nearest2d(x, size: Ints2?, scales: [float]?): linear "UpsampleNearest2DBackward0" { x: _resample_backward_with(g, x.shape, Mode::Nearest as i64, false, scales) }
upsample_nearest3d(x, size: Ints3?, scales: [float]?): linear "UpsampleNearest3DBackward0" { x: _resample_backward_with(g, x.shape, Mode::Nearest as i64, false, scales) }
_upsample_nearest_exact1d(x, size: Ints1?, scales: [float]?): linear "UpsampleNearestExact1DBackward0" { x: _resample_backward_with(g, x.shape, Mode::NearestExact as i64, false, scales) }
_upsample_nearest_exact2d(x, size: Ints2?, scales: [float]?): linear "UpsampleNearestExact2DBackward0" { x: _resample_backward_with(g, x.shape, Mode::NearestExact as i64, false, scales) }
_upsample_nearest_exact3d(x, size: Ints3?, scales: [float]?): linear "UpsampleNearestExact3DBackward0" { x: _resample_backward_with(g, x.shape, Mode::NearestExact as i64, false, scales) }
upsample_linear1d(x, size: Ints1?, corners: bool, scales: [float]?): linear "UpsampleLinear1DBackward0" { x: _resample_backward_with(g, x.shape, Mode::Linear as i64, corners, scales) }
upsample_bilinear2d(x, size: Ints2?, corners: bool, scales: [float]?): linear "UpsampleBilinear2DBackward0" { x: _resample_backward_with(g, x.shape, Mode::Linear as i64, corners, scales) }
upsample_trilinear3d(x, size: Ints3?, corners: bool, scales: [float]?): linear "UpsampleTrilinear3DBackward0" { x: _resample_backward_with(g, x.shape, Mode::Linear as i64, corners, scales) }
upsample_bicubic2d(x, size: Ints2?, corners: bool, scales: [float]?): linear "UpsampleBicubic2DBackward0" { x: _resample_backward_with(g, x.shape, Mode::Cubic as i64, corners, scales) }
_upsample_bilinear2d_aa(x, size: Ints2?, corners: bool, scales: [float]?): linear "UpsampleBilinear2DAaBackward0" { x: _resample_backward_with(g, x.shape, Mode::SmoothLinear as i64, corners, scales) }
_upsample_bicubic2d_aa(x, size: Ints2?, corners: bool, scales: [float]?): linear "UpsampleBicubic2DAaBackward0" { x: _resample_backward_with(g, x.shape, Mode::SmoothCubic as i64, corners, scales) }
_resample(x, size: Sizes, mode: int, corners: bool, scales: [float]?): linear { x: _resample_backward_with(g, x.shape, mode, corners, scales) }
_resample_backward(g0, size: Sizes, mode: int, corners: bool, scales: [float]?): linear { g0: _resample_with(g, &g0.shape[2..], mode, corners, scales) }
grid_sampler_2d(x, grid, mode: int, padding: int, corners: bool): other "GridSampler2DBackward0" { [x, grid]: resample::grid_gradients(g, x, grid, Reading { mode, padding, corners }, need) }
grid_sampler_3d(x, grid, mode: int, padding: int, corners: bool): other "GridSampler3DBackward0" { [x, grid]: resample::grid_gradients(g, x, grid, Reading { mode, padding, corners }, need) }
}
