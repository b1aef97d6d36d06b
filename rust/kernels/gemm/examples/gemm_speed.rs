//! GF/s of products on one thread, beside the measured peak of multiply-adds.

use corten_base::isa::{Isa, isa};
use corten_base::{Element, Memory, Operand, Scalar};
use corten_gemm::simd::{Lanes, Simd};
use corten_gemm::{Epilogue, gemm};
use std::hint::black_box;
use std::time::Instant;

fn best(mut f: impl FnMut(), seconds: f64) -> f64 {
    f();
    let (mut least, begin) = (f64::MAX, Instant::now());
    while begin.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        f();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least
}

#[inline(always)]
fn chains<V: Simd<Lane = f32>>(rounds: usize) {
    // SAFETY: called on the instruction set of the vector only.
    unsafe {
        let (x, y) = (V::splat(black_box(0.5)), V::splat(black_box(1.0)));
        let mut sums = [y; 12];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = x.fma(*sum, y);
            }
        }
        black_box(sums);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn chains_avx2(rounds: usize) {
    chains::<corten_gemm::simd::F32x8>(rounds);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn chains_avx512(rounds: usize) {
    chains::<corten_gemm::simd::F32x16>(rounds);
}

/// Peak GF/s of f32.
fn peak() -> f64 {
    const ROUNDS: usize = 1 << 20;
    let (lanes, seconds) = match isa() {
        // SAFETY: `isa` says that the processor has these.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => (16, best(|| unsafe { chains_avx512(ROUNDS) }, 0.5)),
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => (8, best(|| unsafe { chains_avx2(ROUNDS) }, 0.5)),
        _ => (8, best(|| chains::<Lanes<f32, 8>>(ROUNDS), 0.5)),
    };
    (2 * 12 * lanes * ROUNDS) as f64 / seconds / 1e9
}

fn product<T: Element>(peak: f64, [m, k, n]: [usize; 3], transposed: [bool; 2]) {
    let fill = |len: usize| -> Vec<T> { (0..len).map(|i| T::from_scalar(Scalar::Int((i * 7 % 13) as i64))).collect() };
    let (mut a, mut b, mut c) = (fill(m * k), fill(k * n), fill(m * n));
    let s = |r: usize, c: usize| [r as i64, c as i64];
    let strides = |turn: bool, r: usize, c: usize| if turn { s(1, r) } else { s(c, 1) };
    let (sa, sb, sc) = (strides(transposed[0], m, k), strides(transposed[1], k, n), s(n, 1));
    let (za, zb, zc) = (s(m, k), s(k, n), s(m, n));
    let a = Operand::new(Memory::from_slice(&mut a), T::DTYPE, 0, &za, &sa).unwrap();
    let b = Operand::new(Memory::from_slice(&mut b), T::DTYPE, 0, &zb, &sb).unwrap();
    let c = Operand::new(Memory::from_slice(&mut c), T::DTYPE, 0, &zc, &sc).unwrap();
    let repeat = ((1 << 20) / (m * n * k)).max(1);
    let seconds = best(
        || {
            for _ in 0..repeat {
                gemm(c, a, b, Epilogue::NONE).unwrap();
            }
        },
        0.3,
    ) / repeat as f64;
    let rate = (2 * m * n * k) as f64 / seconds / 1e9 * if T::DTYPE.is_complex() { 4.0 } else { 1.0 };
    println!(
        "{:10} {m}x{k}x{n} {transposed:?}: {:.3} us, {rate:.1} GF/s, {:.0} % of peak",
        T::DTYPE.name(),
        seconds * 1e6,
        100.0 * rate / peak
    );
}

fn main() {
    let peak = peak();
    println!("{:?}: peak {peak:.1} GF/s of float32", isa());
    let plain = [false, false];
    for sizes in
        [[4, 4, 4], [16, 16, 16], [64, 64, 64], [128, 128, 128], [256, 256, 256], [512, 512, 512], [1024, 1024, 1024]]
    {
        product::<f32>(peak, sizes, plain);
    }
    product::<f32>(peak, [4, 4, 4], [false, true]);
    product::<f32>(peak, [512, 512, 512], [true, false]);
    product::<f32>(peak, [512, 512, 512], [false, true]);
    product::<f32>(peak, [64, 784, 128], [false, true]);
    product::<f32>(peak, [1, 1024, 1024], [false, true]);
    product::<f32>(peak, [1, 1024, 1024], plain);
    product::<f32>(peak, [1024, 1024, 1], plain);
    product::<f32>(peak, [1, 65536, 1], plain);
    product::<f64>(peak / 2.0, [512, 512, 512], plain);
    product::<corten_base::c64>(peak, [256, 256, 256], plain);
    product::<corten_base::bf16>(peak, [512, 512, 512], plain);
    product::<i64>(peak / 2.0, [256, 256, 256], plain);
}
