//! Resampling of (N, C, *S): one sparse matrix a spatial dimension, applied to one dimension after the other.

use crate::geometry::Grid;
use crate::planes::map_planes;
use crate::taps::Taps;
use corten_base::pool::parallel_for;
use corten_base::{DType, Operand, Result, fail, multiversion};
use corten_gemm::refuse_shared;
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::simd::Real;

/// A number that is blended with others.
trait Blended: Real {
    /// True where passes may come in any order: what lies between them is not rounded.
    const EXACT: bool;
    /// Weights in this type, and by how many bits sums of them are shifted.
    fn weights(weights: &[f64]) -> (Vec<Self>, u32);
    /// A sum, shifted back.
    fn settle(self, shift: u32) -> Self;
}

macro_rules! blended_floats {
    ($($t:ty)*) => { $(
        impl Blended for $t {
            const EXACT: bool = true;
            fn weights(weights: &[f64]) -> (Vec<Self>, u32) { (weights.iter().map(|&w| w as $t).collect(), 0) }
            #[inline(always)]
            fn settle(self, _: u32) -> Self { self }
        }
    )* };
}
blended_floats! { f32 f64 }

/// Bytes, as Pillow and PyTorch blend them: weights of 16 bits with as many of them behind the point as fit.
impl Blended for i64 {
    const EXACT: bool = false;
    fn weights(weights: &[f64]) -> (Vec<Self>, u32) {
        let largest = weights.iter().fold(0.0f64, |most, &w| most.max(w));
        let fits = |shift: u32| 0.5 + largest * (1u64 << shift) as f64 >= (1u64 << 15) as f64;
        let shift = (1..=22).find(|&shift| fits(shift)).map_or(22, |shift| shift - 1);
        let scaled = |w: f64| (w * (1u64 << shift) as f64 + if w < 0.0 { -0.5 } else { 0.5 }) as i64;
        (weights.iter().map(|&w| scaled(w)).collect(), shift)
    }
    #[inline(always)]
    fn settle(self, shift: u32) -> Self {
        let half = if shift == 0 { 0 } else { 1 << (shift - 1) };
        ((self + half) >> shift).clamp(0, 255)
    }
}

/// The matrix along one dimension, with what lies before and behind it.
struct Pass<T> {
    bounds: Vec<usize>,
    places: Vec<usize>,
    weights: Vec<T>,
    shift: u32,
    input: usize,
    outer: usize,
    inner: usize,
}

impl<T> Pass<T> {
    fn output(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Elements of the result.
    fn volume(&self) -> usize {
        self.outer.saturating_mul(self.output()).saturating_mul(self.inner)
    }
}

/// Elements of the result that a task should have at least.
const GRAIN: usize = 16_384;

/// `y[o][j][i] = Σ weight * x[o][place][i]`, taps in order.
fn run_pass<T: Blended>(pass: &Pass<T>, x: &[T], y: &mut [T]) {
    let (lines, inner) = (pass.outer * pass.output(), pass.inner);
    let to = Ptr(y[..lines * inner].as_mut_ptr());
    parallel_for(lines, (GRAIN / inner.max(1)).max(1), &|range| {
        // SAFETY: the lines of `y` that are this task's.
        let y = unsafe { std::slice::from_raw_parts_mut(to.at(range.start * inner), range.len() * inner) };
        blend(pass, x, range.start, y);
    });
}

multiversion! {
    /// The lines of the result from number `first` on.
    fn blend<T: Blended>(pass: &Pass<T>, x: &[T], first: usize, y: &mut [T]) {
        let (m, inner) = (pass.output(), pass.inner);
        let (mut line, mut y) = (first, y);
        while !y.is_empty() {
            let (o, start) = (line / m, line % m);
            let count = (m - start).min(y.len() / inner);
            let (part, rest) = y.split_at_mut(count * inner);
            let x = &x[o * pass.input * inner..][..pass.input * inner];
            let bounds = &pass.bounds[start..start + count + 1];
            if inner == 1 {
                blend_elements(pass, bounds, x, part);
            } else {
                blend_rows(pass, bounds, x, part);
            }
            (line, y) = (line + count, rest);
        }
    }
}

/// Lines of one element.
#[inline(always)]
fn blend_elements<T: Blended>(pass: &Pass<T>, bounds: &[usize], x: &[T], y: &mut [T]) {
    for (y, bounds) in y.iter_mut().zip(bounds.windows(2)) {
        let taps = bounds[0]..bounds[1];
        let mut taps = pass.places[taps.clone()].iter().zip(&pass.weights[taps]);
        let first = taps.next().map_or(T::ZERO, |(&place, weight)| weight.times(x[place]));
        *y = taps.fold(first, |sum, (&place, weight)| weight.fma(x[place], sum)).settle(pass.shift);
    }
}

/// Lines of several elements.
#[inline(always)]
fn blend_rows<T: Blended>(pass: &Pass<T>, bounds: &[usize], x: &[T], y: &mut [T]) {
    let inner = pass.inner;
    let from = |place: usize| &x[place * inner..][..inner];
    for (row, bounds) in y.chunks_exact_mut(inner).zip(bounds.windows(2)) {
        let taps = bounds[0]..bounds[1];
        let (places, weights) = (&pass.places[taps.clone()], &pass.weights[taps]);
        let rest = match (places, weights) {
            (&[], _) | (_, &[]) => {
                row.fill(T::ZERO);
                continue;
            }
            (&[only], &[weight]) => {
                row.iter_mut().zip(from(only)).for_each(|(y, &x)| *y = weight.times(x));
                1
            }
            (&[a, b, ..], &[v, w, ..]) => {
                let both = from(a).iter().zip(from(b));
                row.iter_mut().zip(both).for_each(|(y, (&a, &b))| *y = w.fma(b, v.times(a)));
                2
            }
            _ => 0,
        };
        for (&place, &weight) in places.iter().zip(weights).skip(rest) {
            row.iter_mut().zip(from(place)).for_each(|(y, &x)| *y = weight.fma(x, *y));
        }
        row.iter_mut().for_each(|y| *y = y.settle(pass.shift));
    }
}

/// The passes: the last dimension first, or where the order is free those first that shrink most, which keeps small what
/// lies between them.
fn passes<T: Blended>(sizes: &[usize], taps: Vec<Taps>) -> Vec<Pass<T>> {
    let mut sizes = sizes.to_vec();
    let mut along: Vec<(usize, Taps)> = taps.into_iter().enumerate().rev().collect();
    let grows = |taps: &Taps| taps.output() as f64 / taps.input as f64;
    if T::EXACT {
        along.sort_by(|(_, a), (_, b)| grows(a).total_cmp(&grows(b)));
    }
    let volume = |sizes: &[usize]| sizes.iter().fold(1usize, |all, &n| all.saturating_mul(n));
    along
        .into_iter()
        .map(|(d, taps)| {
            let (outer, inner) = (volume(&sizes[..d]), volume(&sizes[d + 1..]));
            sizes[d] = taps.output();
            let (weights, shift) = T::weights(&taps.weights);
            Pass { bounds: taps.bounds, places: taps.places, weights, shift, input: taps.input, outer, inner }
        })
        .collect()
}

/// Resamples each plane of `x` (N, C, *S), one matrix a spatial dimension, to `out` (N, C, *T). The gradient of the input
/// is this with the matrices transposed.
///
/// # Errors
/// Sizes that do not fit, dtypes other than floats and uint8, an `out` whose elements share memory, too little memory.
pub fn resample(out: Operand, x: Operand, taps: Vec<Taps>) -> Result<()> {
    let spatial = taps.len();
    let fits = (1..=3).contains(&spatial)
        && x.ndim() == spatial + 2
        && out.ndim() == spatial + 2
        && x.sizes()[..2] == out.sizes()[..2]
        && taps
            .iter()
            .enumerate()
            .all(|(d, taps)| x.sizes()[d + 2] as usize == taps.input && out.sizes()[d + 2] as usize == taps.output());
    if !fits || out.dtype() != x.dtype() {
        fail!(Runtime, "resampling: {:?} does not give {:?}", x.sizes(), out.sizes());
    }
    refuse_shared(&out)?;
    match x.dtype() {
        DType::F32 => run::<f32>(out, x, taps),
        DType::F64 => run::<f64>(out, x, taps),
        DType::F16 => run::<corten_base::f16>(out, x, taps),
        DType::BF16 => run::<corten_base::bf16>(out, x, taps),
        DType::U8 => run::<u8>(out, x, taps),
        other => fail!(NotImplemented, "resampling is not implemented for {other}"),
    }
}

fn run<S: corten_gemm::storage::Storage<Compute: Blended>>(out: Operand, x: Operand, taps: Vec<Taps>) -> Result<()> {
    let (from, to) = (Grid::<S>::new(&x), Grid::<S>::new(&out));
    let sizes = &from.size[3 - taps.len()..];
    let passes = passes::<S::Compute>(sizes, taps);
    let between = passes.iter().rev().skip(1).map(Pass::volume).max().unwrap_or(0);
    // SAFETY: the operands are valid for their sizes, which fit the matrices.
    unsafe {
        map_planes((x.sizes()[0] as usize, x.sizes()[1] as usize), &from, &to, &|_, _, x, y| {
            let mut inline = [const { Inline::uninit() }; 2];
            let [first, second] = &mut inline;
            let (mut first, mut second) = (Scratch::new(first), Scratch::new(second));
            let mut target = first.filled(S::Compute::ZERO, between)?;
            let mut source = second.filled(S::Compute::ZERO, if passes.len() > 2 { between } else { 0 })?;
            for (number, pass) in passes.iter().enumerate() {
                let last = number + 1 == passes.len();
                run_pass(pass, if number == 0 { x } else { source }, if last { &mut *y } else { target });
                std::mem::swap(&mut source, &mut target);
            }
            Ok(())
        })
    }
}
