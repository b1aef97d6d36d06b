//! Products against the rule written plainly, bit for bit, on every instruction set.

use corten_base::element::Cast;
use corten_base::isa::{Isa, force};
use corten_base::{Element, Memory, Operand, Scalar, bf16, c64, c128, f16};
use corten_gemm::{Epilogue, dot, gemm};

/// A small generator (xorshift), so that runs repeat.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: i64) -> i64 {
        (self.next() >> 11) as i64 % n
    }
    fn scalar(&mut self) -> Scalar {
        Scalar::Complex(self.below(2001) as f64 / 777.0 - 1.2, self.below(2001) as f64 / 777.0 - 1.2)
    }
}

/// The rule of the crate for one element, terms in ascending k.
trait Rule: Element {
    /// `alpha * sum + (beta * y + bias)`, `dealt` to lanes or in chains.
    fn sum(terms: &[(Self, Self)], dealt: bool, alpha: f64, start: Option<(f64, Self)>, bias: Option<Self>) -> Self;
}

macro_rules! real_rule {
    ($t:ty, $name:ident) => {
        fn $name(terms: impl Iterator<Item = ($t, $t)>) -> $t {
            let (mut total, mut chain, mut count) = (None, 0.0, 0);
            for (x, y) in terms {
                chain = x.mul_add(y, chain);
                count += 1;
                if count == 512 {
                    total = Some(total.map_or(chain, |t: $t| t + chain));
                    (chain, count) = (0.0, 0);
                }
            }
            match total {
                Some(total) if count > 0 => total + chain,
                Some(total) => total,
                None => chain,
            }
        }
    };
}
real_rule! { f32, blocks32 }
real_rule! { f64, blocks64 }

/// Passes over each 512 terms: one for a real product, two for a part of a complex one.
fn lanes<T: Copy + std::ops::Add<Output = T>>(passes: &[Vec<(T, T)>], zero: T, fma: impl Fn(T, T, T) -> T) -> T {
    let k = passes[0].len();
    (0..k).step_by(4096).fold(zero, |total, leaf| {
        let mut lanes = [zero; 64];
        for block in (leaf..k.min(leaf + 4096)).step_by(512) {
            for terms in passes {
                for (t, &(x, y)) in terms[block..k.min(block + 512)].iter().enumerate() {
                    lanes[t % 64] = fma(x, y, lanes[t % 64]);
                }
            }
        }
        let mut half = 32;
        while half > 0 {
            for i in 0..half {
                lanes[i] = lanes[i] + lanes[i + half];
            }
            half /= 2;
        }
        total + lanes[0]
    })
}

macro_rules! float_rules {
    ($($s:ty, $t:ty, $blocks:ident;)*) => { $(
        impl Rule for $s {
            fn sum(terms: &[(Self, Self)], dealt: bool, alpha: f64, start: Option<(f64, Self)>, bias: Option<Self>) -> Self {
                let terms: Vec<($t, $t)> = terms.iter().map(|&(x, y)| (x.cast(), y.cast())).collect();
                let total = if dealt {
                    lanes(&[terms], 0.0, |x, y, z| x.mul_add(y, z))
                } else {
                    $blocks(terms.into_iter())
                };
                let bias: Option<$t> = bias.map(|b| b.cast());
                let start = match (start, bias) {
                    (Some((beta, y)), Some(bias)) => Some((beta as $t).mul_add(y.cast(), bias)),
                    (Some((beta, y)), None) => { let y: $t = y.cast(); Some(beta as $t * y) }
                    (None, bias) => bias,
                };
                let alpha = alpha as $t;
                start.map_or(alpha * total, |start| alpha.mul_add(total, start)).cast()
            }
        }
    )* };
}
float_rules! { f32, f32, blocks32; f64, f64, blocks64; f16, f32, blocks32; bf16, f32, blocks32; }

macro_rules! int_rules {
    ($($t:ty)*) => { $(
        impl Rule for $t {
            fn sum(terms: &[(Self, Self)], dealt: bool, alpha: f64, start: Option<(f64, Self)>, bias: Option<Self>) -> Self {
                let _any_order = dealt;
                let total = terms.iter().fold(0 as $t, |sum, (x, y)| sum.wrapping_add(x.wrapping_mul(*y)));
                let total = total.wrapping_mul(alpha as i64 as $t);
                let total = start.map_or(total, |(beta, y)| total.wrapping_add(y.wrapping_mul(beta as i64 as $t)));
                total.wrapping_add(bias.unwrap_or(0))
            }
        }
    )* };
}
int_rules! { u8 i8 u16 i16 u32 i32 u64 i64 }

macro_rules! complex_rules {
    ($($s:ident, $t:ty, $blocks:ident;)*) => { $(
        impl Rule for $s {
            fn sum(terms: &[(Self, Self)], dealt: bool, alpha: f64, start: Option<(f64, Self)>, bias: Option<Self>) -> Self {
                let re = |i: usize| terms.iter().map(move |(x, y)| [(x.re, y.re), (-x.im, y.im)][i]);
                let im = |i: usize| terms.iter().map(move |(x, y)| [(x.re, y.im), (x.im, y.re)][i]);
                let (re, im) = if dealt {
                    let sum = |passes: [Vec<_>; 2]| lanes(&passes, 0.0 as $t, |x: $t, y, z| x.mul_add(y, z));
                    (sum([re(0).collect(), re(1).collect()]), sum([im(0).collect(), im(1).collect()]))
                } else {
                    ($blocks(re(0).zip(re(1)).flat_map(|(a, b)| [a, b])), $blocks(im(0).zip(im(1)).flat_map(|(a, b)| [a, b])))
                };
                let mut value = $s::new(re, im);
                if alpha != 1.0 { value = $s::from_scalar(Scalar::Float(alpha)) * value }
                if let Some((beta, y)) = start {
                    value = value + if beta == 1.0 { y } else { $s::from_scalar(Scalar::Float(beta)) * y };
                }
                bias.map_or(value, |bias| value + bias)
            }
        }
    )* };
}
complex_rules! { c64, f32, blocks32; c128, f64, blocks64; }

/// A matrix batch in a buffer with gaps, in one of several layouts.
struct Array<T> {
    data: Vec<T>,
    sizes: Vec<i64>,
    strides: Vec<i64>,
    offset: i64,
}

impl<T: Element> Array<T> {
    fn new(rng: &mut Rng, sizes: &[i64], layout: i64, shared_batch: bool) -> Self {
        let (batch, m, n) = match *sizes {
            [m, n] => (1, m, n),
            [b, m, n] => (b, m, n),
            _ => unreachable!(),
        };
        let (row, column) = match layout {
            0 => (n, 1),
            1 => (1, m),
            2 => (n + 3, 1),
            3 => (1, m + 5),
            4 => (2 * n + 1, 2),
            _ => (-n, 1),
        };
        let extent = (m - 1).max(0) * row.abs() + (n - 1).max(0) * column + 1;
        let step = if shared_batch { 0 } else { extent };
        let offset = if row < 0 { (m - 1).max(0) * n } else { 0 };
        let len = step * (batch - 1).max(0) + extent;
        let data = (0..len).map(|_| rng.scalar().to()).collect();
        let strides = if sizes.len() == 3 { vec![step, row, column] } else { vec![row, column] };
        Array { data, sizes: sizes.to_vec(), strides, offset }
    }
    fn operand(&mut self) -> Operand<'_> {
        Operand::new(Memory::from_slice(&mut self.data), T::DTYPE, self.offset, &self.sizes, &self.strides).unwrap()
    }
    fn at(&self, b: i64, i: i64, j: i64) -> usize {
        let s = &self.strides;
        let batch = if s.len() == 3 { b * s[0] } else { 0 };
        (self.offset + batch + i * s[s.len() - 2] + j * s[s.len() - 1]) as usize
    }
}

fn check<T: Rule + std::fmt::Debug>(rng: &mut Rng, [batch, m, n, k]: [i64; 4]) {
    let three = batch != 1 || rng.below(4) == 0;
    let sizes = |r, c| if three { vec![batch, r, c] } else { vec![r, c] };
    let (la, lb, lc) = (rng.below(6), rng.below(6), rng.below(6));
    let (sa, sb) = (rng.below(3) == 0, rng.below(3) == 0);
    let mut a = Array::<T>::new(rng, &sizes(m, k), la, sa);
    let mut b = Array::<T>::new(rng, &sizes(k, n), lb, sb);
    let mut out = Array::<T>::new(rng, &sizes(m, n), lc, false);
    let mut bias: Vec<T> = (0..2 * n + 1).map(|_| rng.scalar().to()).collect();
    let bias_step = 1 + rng.below(2);
    let (with_bias, relu) = (rng.below(2) == 0, !T::DTYPE.is_complex() && rng.below(2) == 0);
    let (alpha, beta) = [(1.0, 0.0), (1.0, 1.0), (2.0, 0.0), (-3.0, 2.0)][rng.below(4) as usize];
    let before = out.data.clone();
    let mut expected = before.clone();
    for p in 0..batch {
        for i in 0..m {
            for j in 0..n {
                let mut terms: Vec<(T, T)> = (0..k).map(|t| (a.data[a.at(p, i, t)], b.data[b.at(p, t, j)])).collect();
                if n == 1 && m > 1 {
                    // Computed as its transpose, which a complex product can tell.
                    terms = terms.into_iter().map(|(x, y)| (y, x)).collect();
                }
                let at = out.at(p, i, j);
                let start = (beta != 0.0).then(|| (beta, before[at]));
                let bias = with_bias.then(|| bias[(j * bias_step) as usize]);
                let dealt = (m == 1 && n == 1) || (!T::DTYPE.is_complex() && (m == 1 || n == 1));
                expected[at] = T::sum(&terms, dealt, alpha, start, bias);
                if relu && expected[at].to_scalar().to_f64() < 0.0 {
                    expected[at] = T::default();
                }
            }
        }
    }
    for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Neon] {
        if !force(isa) {
            continue; // this machine lacks it
        }
        out.data.copy_from_slice(&before);
        let (bias_sizes, bias_strides) = ([n], [bias_step]);
        let bias = Operand::new(Memory::from_slice(&mut bias), T::DTYPE, 0, &bias_sizes, &bias_strides).unwrap();
        let epilogue =
            Epilogue { alpha: Scalar::Float(alpha), beta: Scalar::Float(beta), bias: with_bias.then_some(bias), relu };
        gemm(out.operand(), a.operand(), b.operand(), epilogue).unwrap();
        let bad = (0..expected.len()).find(|&i| out.data[i] != expected[i]);
        if let Some(i) = bad {
            panic!(
                "{:?} {isa:?} batch {batch} m {m} n {n} k {k} layouts {la} {lb} {lc} alpha {alpha} beta {beta} bias \
                 {with_bias}: element {i} is {:?}, not {:?}",
                T::DTYPE,
                out.data[i],
                expected[i]
            );
        }
    }
}

fn many<T: Rule + std::fmt::Debug>(seed: u64, rounds: usize) {
    let mut rng = Rng(seed);
    const SIZES: [i64; 12] = [0, 1, 2, 3, 5, 7, 8, 13, 16, 17, 33, 70];
    const DEPTHS: [i64; 10] = [0, 1, 2, 3, 8, 17, 64, 511, 513, 1100];
    for _ in 0..rounds {
        let pick = |rng: &mut Rng, of: &[i64]| of[rng.below(of.len() as i64) as usize];
        let (m, n, k) = (pick(&mut rng, &SIZES), pick(&mut rng, &SIZES), pick(&mut rng, &DEPTHS));
        let batch = pick(&mut rng, &[1, 1, 1, 2, 3, 0]);
        check::<T>(&mut rng, [batch, m, n, k]);
    }
}

#[test]
fn halves() {
    many::<f16>(0x1234_5678_9abc, 60);
    many::<bf16>(0x1234_5678_9abd, 60);
}

#[test]
fn complex_numbers() {
    many::<c64>(0x1234_5678_9abc, 60);
    many::<c128>(0x1234_5678_9abd, 60);
}

#[test]
fn floats() {
    many::<f32>(0x77_1234_5678, 200);
}

#[test]
fn doubles() {
    many::<f64>(0x99_1234_5678, 60);
}

#[test]
fn integers() {
    many::<u8>(1, 60);
    many::<i8>(2, 60);
    many::<u16>(3, 60);
    many::<i16>(4, 60);
    many::<u32>(5, 60);
    many::<i32>(6, 60);
    many::<u64>(7, 60);
    many::<i64>(8, 60);
}

#[test]
fn regions_and_packing() {
    let mut rng = Rng(42);
    for sizes in [
        [1, 1100, 40, 600],
        [1, 40, 1100, 700],
        [1, 200, 300, 520],
        [1, 64, 100, 1000],
        [1, 100, 49, 1030],
        [1, 1, 1500, 900],
        [1, 1, 2500, 130],
        [1, 1300, 1, 530],
        [1, 1, 200, 9000],
        [1, 90, 1, 5000],
    ] {
        for _ in 0..2 {
            check::<f32>(&mut rng, sizes);
        }
        check::<c64>(&mut rng, sizes);
        check::<f16>(&mut rng, sizes);
        check::<i16>(&mut rng, sizes);
    }
}

#[test]
fn dot_of_strided_vectors() {
    let mut rng = Rng(5);
    for k in [0, 1, 63, 64, 65, 700, 5000, 9001] {
        let mut x: Vec<f32> = (0..2 * k + 1).map(|_| rng.scalar().to()).collect();
        let mut y: Vec<f32> = (0..3 * k + 1).map(|_| rng.scalar().to()).collect();
        let terms: Vec<_> = (0..k).map(|i| (x[2 * i], y[3 * i])).collect();
        let (mut out, sizes) = ([0f32], [k as i64]);
        let x = Operand::new(Memory::from_slice(&mut x), f32::DTYPE, 0, &sizes, &[2]).unwrap();
        let y = Operand::new(Memory::from_slice(&mut y), f32::DTYPE, 0, &sizes, &[3]).unwrap();
        dot(Operand::new(Memory::from_slice(&mut out), f32::DTYPE, 0, &[], &[]).unwrap(), x, y).unwrap();
        assert_eq!(out[0], f32::sum(&terms, true, 1.0, None, None), "{k}");
    }
}

#[test]
fn refusals() {
    let (mut x, mut y) = (vec![0f32; 64], vec![0f64; 64]);
    let (mx, my) = (Memory::from_slice(&mut x), Memory::from_slice(&mut y));
    let op = |sizes, strides| Operand::new(mx, f32::DTYPE, 0, sizes, strides).unwrap();
    let a = op(&[2, 3], &[3, 1]);
    let b = op(&[3, 4], &[4, 1]);
    assert!(gemm(op(&[2, 4], &[4, 1]), a, a, Epilogue::NONE).is_err());
    assert!(gemm(op(&[2, 4], &[0, 1]), a, b, Epilogue::NONE).is_err());
    assert!(gemm(op(&[2, 4], &[4, 1]), a, b, Epilogue { bias: Some(op(&[3], &[1])), ..Epilogue::NONE }).is_err());
    let doubles = Operand::new(my, f64::DTYPE, 0, &[3, 4], &[4, 1]).unwrap();
    assert!(gemm(op(&[2, 4], &[4, 1]), a, doubles, Epilogue::NONE).is_err());
    assert!(gemm(op(&[2, 4], &[4, 1]), a, b, Epilogue::NONE).is_ok());
}
