//! Convolution and its gradients over one to three spatial dimensions, pooling, and resampling.
//!
//! Every element of a result is the same sum on any instruction set and any number of threads. Terms of an output run
//! over (position in the kernel, input channel) ascending, in chains of 512 fused multiply-adds that start from zero, the
//! chains added in order, then the bias; of an input's gradient over (position descending, output channel); of a weight's
//! gradient over (image, pixel), in chains of 512 pixels of large images and of as many whole small images as 512 pixels
//! hold; of groups of one real channel in eight lanes, the column modulo eight, added in halves for each image.
//! Plain kernels of 3 by 3 positions and 16 channels or more are summed by minimal filtering where that is quicker, which
//! depends on sizes and dtype alone; see [`winograd`] for its order and its errors.
//! Complex terms count twice. Padding counts as zeros. Halves are summed in f32 and rounded once; integers wrap around;
//! complex numbers are not conjugated.

mod avg_pool;
mod direct;
mod geometry;
mod lines;
mod max_pool;
mod planes;
mod resample;
mod rows;
mod sample;
mod taps;
mod warp;
mod weight;
mod weight_planes;
mod windows;
mod winograd;
mod winograd_transforms;
mod winograd_weight;

pub use avg_pool::{adaptive_avg_pool, adaptive_avg_pool_backward, avg_pool, avg_pool_backward};
pub use max_pool::{adaptive_max_pool, max_pool, max_pool_backward};
pub use resample::resample;
pub use sample::{grid_sample, grid_sample_backward_grid, grid_sample_backward_input};
pub use taps::{Mode, Sampling, Taps};
pub use warp::{Border, Reading, Warp};

use corten_base::pool::try_parallel_for;
use corten_base::{Operand, Result, fail};
use corten_gemm::product::{Product, TASK_WORK};
use corten_gemm::storage::{Finish, Storage, View};
use direct::{Direct, Phase, Weights};
use geometry::{Geometry, Grid, Result3};

/// Convolves `x` (N, C, *S) with `weight` (O, C / groups, *K) and adds `bias` (O) to give `out` (N, O, *T), where
/// `T = floor((S + 2 * padding - dilation * (K - 1) - 1) / stride) + 1`.
///
/// # Errors
/// Sizes that do not fit, different dtypes, bool, an `out` whose elements share memory, and too little memory.
pub fn conv_forward(
    out: Operand,
    x: Operand,
    weight: Operand,
    bias: Option<Operand>,
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    groups: i64,
) -> Result<()> {
    let geometry = Geometry::new((&x, &weight, &out), (stride, padding, dilation), groups, Result3::Y)?;
    if let Some(bias) = bias
        && (bias.sizes() != [weight.sizes()[0]] || bias.dtype() != x.dtype())
    {
        fail!(Runtime, "convolution: a bias {} of sizes {:?} does not fit the weight", bias.dtype(), bias.sizes());
    }
    let Geometry { images, groups, inputs, outputs, kernel, stride, padding, dilation } = geometry;
    with_storage!(x.dtype(), S => {
        let (y, w) = (Grid::<S>::new(&out), Grid::<S>::new(&weight));
        let taps = std::array::from_fn(|d| {
            (0..kernel[d]).map(|k| (k, (k * dilation[d]) as isize - padding[d] as isize)).collect()
        });
        let phases = [Phase { start: [0; 3], step: [1; 3], count: y.size, scale: stride, taps }];
        let group = outputs as isize * w.image;
        let weights = Weights { ptr: w.ptr, group, output: w.image, input: w.channel, steps: w.steps };
        let bias = bias.map(|b| (b.ptr().cast::<S>().cast_const(), b.strides()[0] as isize));
        let job = Direct { images, groups, inputs, outputs, x: Grid::new(&x), y, weights, bias, phases: &phases };
        let plain = kernel == [1; 3] && stride == [1; 3] && padding == [0; 3];
        // SAFETY: the operands are valid for their sizes, which `Geometry::new` saw to fit each other.
        unsafe { convolve(&job, plain) }
    })
}

/// The gradient `gx` (N, C, *S) of the input of [`conv_forward`], from `g` (N, O, *T), that of its output. Called forward,
/// this is the transposed convolution; `gx` may then reach beyond what the plain one's outputs read.
///
/// # Errors
/// As [`conv_forward`].
pub fn conv_backward_input(
    gx: Operand,
    g: Operand,
    weight: Operand,
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    groups: i64,
) -> Result<()> {
    let geometry = Geometry::new((&gx, &weight, &g), (stride, padding, dilation), groups, Result3::X)?;
    let Geometry { images, groups, inputs, outputs, kernel, stride, padding, dilation } = geometry;
    with_storage!(gx.dtype(), S => {
        let (y, w) = (Grid::<S>::new(&gx), Grid::<S>::new(&weight));
        let [a, b, c] = std::array::from_fn(|d| stride[d].min(y.size[d]));
        let phase = |start: [usize; 3]| Phase {
            start,
            step: stride,
            count: std::array::from_fn(|d| (y.size[d] - start[d]).div_ceil(stride[d])),
            scale: [1; 3],
            taps: std::array::from_fn(|d| {
                let from = |k: usize| (start[d] + padding[d]) as isize - (k * dilation[d]) as isize;
                let hits = (0..kernel[d]).rev().filter(|&k| from(k) % stride[d] as isize == 0);
                hits.map(|k| (k, from(k) / stride[d] as isize)).collect()
            }),
        };
        let starts = (0..a).flat_map(|i| (0..b).flat_map(move |j| (0..c).map(move |k| [i, j, k])));
        let phases: Vec<Phase> = starts.map(phase).collect();
        let group = outputs as isize * w.image;
        let weights = Weights { ptr: w.ptr, group, output: w.channel, input: w.image, steps: w.steps };
        let (x, bias) = (Grid::new(&g), None);
        let job = Direct { images, groups, inputs: outputs, outputs: inputs, x, y, weights, bias, phases: &phases };
        let plain = kernel == [1; 3] && stride == [1; 3] && padding == [0; 3] && job.x.size == y.size;
        // SAFETY: the operands are valid for their sizes, which `Geometry::new` saw to fit each other.
        unsafe { convolve(&job, plain) }
    })
}

/// The gradient `gw` (O, C / groups, *K) of the weight of [`conv_forward`], from `g` (N, O, *T), that of its output, and
/// `x` (N, C, *S).
///
/// # Errors
/// As [`conv_forward`].
pub fn conv_backward_weight(
    gw: Operand,
    g: Operand,
    x: Operand,
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    groups: i64,
) -> Result<()> {
    let geometry = Geometry::new((&x, &gw, &g), (stride, padding, dilation), groups, Result3::Weight)?;
    if gw.sizes().contains(&0) {
        return Ok(());
    }
    with_storage!(gw.dtype(), S => {
        let (gw, g, x) = (Grid::<S>::new(&gw), Grid::<S>::new(&g), Grid::<S>::new(&x));
        // SAFETY: the operands are valid for their sizes, which `Geometry::new` saw to fit each other.
        unsafe {
            if geometry.inputs == 1 && geometry.outputs == 1 && S::PARTS == 1 {
                return weight_planes::weight_gradient(&geometry, gw, g, x);
            }
            if winograd_weight::suits(&geometry, &g, &x) && winograd_weight::weight_gradient(&geometry, gw, g, x)? {
                return Ok(());
            }
            weight::weight_gradient(&geometry, gw, g, x)
        }
    })
}

/// Chooses how to compute a convolution; `plain` says that its kernel is one position that stays in place.
///
/// # Safety
/// As [`Direct::run`].
unsafe fn convolve<S: Storage>(job: &Direct<S>, plain: bool) -> Result<()> {
    /// Pixels that fill the vectors of a product with little waste.
    const MANY: usize = 100;
    let pixels = job.y.pixels();
    if job.images * job.groups * job.outputs * pixels == 0 {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe {
        match (job.x.flat(), job.y.flat()) {
            (Some(x), Some(y)) if plain && pixels >= MANY => products(job, x, y),
            _ if job.is_narrow() => job.run_rows(),
            _ if job.suits_winograd() && job.run_winograd()? => Ok(()),
            _ => job.run(),
        }
    }
}

/// A convolution with one position: for each image and group a product of the weight with the image.
///
/// # Safety
/// As [`Direct::run`]; `x` and `y` are the steps from pixel to pixel.
unsafe fn products<S: Storage>(job: &Direct<S>, x: isize, y: isize) -> Result<()> {
    let Direct { groups, inputs, outputs, weights: w, .. } = *job;
    let pixels = job.y.pixels();
    let one = |index: usize| {
        let (image, group) = (index / groups, index % groups);
        let (bias, bias_row) = job.bias_of(group);
        let product = Product {
            m: outputs,
            n: pixels,
            k: inputs,
            a: View { ptr: w.at(group, 0), row: w.output, column: w.input },
            b: View { ptr: job.x.at(image, group * inputs, [0; 3]), row: job.x.channel, column: x },
            c: View { ptr: job.y.at(image, group * outputs, [0; 3]), row: job.y.channel, column: y },
            finish: Finish { bias, bias_row, ..Finish::NONE },
        };
        // SAFETY: the caller's promise.
        unsafe { product.run() }
    };
    let (count, work) = (job.images * groups, (outputs * pixels).saturating_mul(inputs.max(1)));
    if work > 16 * TASK_WORK || count == 1 {
        return (0..count).try_for_each(one);
    }
    try_parallel_for(count, TASK_WORK / work + 1, &|mut range| range.try_for_each(one))
}
