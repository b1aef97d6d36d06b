//! Blocks of uniforms turned into normals (Box and Muller, 1958), eight pairs at a time, and the float32 functions that takes.

use corten_base::multiversion;
use corten_base::pool::parallel_for;

/// Uniforms per block: eight radii, then eight angles.
pub(crate) const BLOCK: usize = 16;
/// Blocks in a task of the thread pool.
const GRAIN: usize = 256;

/// A float type that normals are drawn in.
pub(crate) trait Real: Copy + Send + Sync {
    /// Turns whole blocks of uniforms in [0, 1) into normals.
    fn transform(data: &mut [Self], mean: Self, std: Self);
}

impl Real for f32 {
    fn transform(data: &mut [f32], mean: f32, std: f32) {
        transform_f32(data, mean, std);
    }
}

impl Real for f64 {
    fn transform(data: &mut [f64], mean: f64, std: f64) {
        for block in data.chunks_exact_mut(BLOCK) {
            for j in 0..8 {
                let radius = (-2.0 * libm::log(1.0 - block[j])).sqrt();
                let theta = 2.0 * std::f64::consts::PI * block[j + 8];
                block[j] = (radius * libm::cos(theta)).mul_add(std, mean);
                block[j + 8] = (radius * libm::sin(theta)).mul_add(std, mean);
            }
        }
    }
}

/// [`Real::transform`] over long runs, on several threads.
pub(crate) fn transform_parallel<T: Real>(data: &mut [T], mean: T, std: T) {
    struct Shared<T>(*mut T);
    // SAFETY: each task takes its own range of the slice.
    unsafe impl<T> Sync for Shared<T> {}
    let (blocks, shared) = (data.len() / BLOCK, Shared(data.as_mut_ptr()));
    parallel_for(blocks, GRAIN, &|range| {
        let shared = &shared;
        // SAFETY: the ranges of blocks are disjoint and lie inside `data`, which is borrowed for the whole call.
        let part = unsafe { std::slice::from_raw_parts_mut(shared.0.add(range.start * BLOCK), range.len() * BLOCK) };
        T::transform(part, mean, std);
    });
}

multiversion! {
    fn transform_f32(data: &mut [f32], mean: f32, std: f32) {
        for block in data.chunks_exact_mut(BLOCK) {
            let mut normals = [0.0; BLOCK];
            for j in 0..8 {
                let radius = (-2.0 * log(1.0 - block[j])).sqrt();
                let (sin, cos) = sin_cos(std::f32::consts::TAU * block[j + 8]);
                normals[j] = (radius * cos).mul_add(std, mean);
                normals[j + 8] = (radius * sin).mul_add(std, mean);
            }
            block.copy_from_slice(&normals);
        }
    }
}

/// ln x for normal x > 0; the polynomial is that of Cephes' `logf` (about 1 ulp).
#[inline(always)]
fn log(x: f32) -> f32 {
    // The mantissa in [√½, √2): its exponent is chosen by the distance of the bits to those of √½.
    let shifted = x.to_bits().wrapping_sub(0x3f35_04f3);
    let exponent = ((shifted as i32) >> 23) as f32;
    let f = f32::from_bits((shifted & 0x007f_ffff) + 0x3f35_04f3) - 1.0;
    let square = f * f;
    let mut p = 7.037_683_6e-2_f32;
    for c in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p.mul_add(f, c);
    }
    let low = exponent.mul_add(-2.121_944_4e-4, p * f * square);
    exponent.mul_add(0.693_359_4, f + square.mul_add(-0.5, low))
}

/// Sine and cosine of x in [0, 2π], with Cephes' polynomials on [-π/4, π/4].
#[inline(always)]
fn sin_cos(x: f32) -> (f32, f32) {
    // Adding and taking away 1.5·2²³ rounds to the nearest integer, which then stands in the low bits.
    let shifted = x.mul_add(std::f32::consts::FRAC_2_PI, 12_582_912.0);
    let quadrant = shifted.to_bits();
    let turns = shifted - 12_582_912.0;
    let r = turns.mul_add(4.371_139e-8, turns.mul_add(-std::f32::consts::FRAC_PI_2, x));
    let square = r * r;
    let sin = square.mul_add(-1.951_529_6e-4, 8.332_161e-3).mul_add(square, -1.666_665_5e-1).mul_add(square * r, r);
    let cos = square.mul_add(2.443_315_7e-5, -1.388_731_6e-3).mul_add(square, 4.166_664_6e-2);
    let cos = cos.mul_add(square * square, square.mul_add(-0.5, 1.0));
    let swap = quadrant & 1 == 1;
    let sin_sign = (quadrant & 2) << 30;
    let cos_sign = (quadrant.wrapping_add(1) & 2) << 30;
    let flip = |value: f32, sign: u32| f32::from_bits(value.to_bits() ^ sign);
    (flip(if swap { cos } else { sin }, sin_sign), flip(if swap { sin } else { cos }, cos_sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_and_sin_cos_are_close() {
        for i in 1..20_000u32 {
            let x = i as f32 * (1.0 / 20_000.0);
            let (exact, got) = ((x as f64).ln(), log(x) as f64);
            assert!((got - exact).abs() <= 1.3e-7 * exact.abs(), "log {x}: {got} {exact}");
            let x = i as f32 * (std::f32::consts::TAU / 20_000.0);
            let (sin, cos) = sin_cos(x);
            assert!(
                (sin as f64 - (x as f64).sin()).abs() < 9e-8 && (cos as f64 - (x as f64).cos()).abs() < 9e-8,
                "{x}"
            );
        }
    }
}
