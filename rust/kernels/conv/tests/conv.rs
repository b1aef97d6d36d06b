//! Convolutions against the definition written plainly, bit for bit where the sums are exact, on every instruction set.

use corten_base::isa::{Isa, force};
use corten_base::{Element, Memory, Operand, Scalar, bf16, c64, c128, f16};
use corten_conv::{conv_backward_input, conv_backward_weight, conv_forward};

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
    fn pick(&mut self, of: &[usize]) -> usize {
        of[self.below(of.len())]
    }
    /// Small integers, whose sums are exact in every dtype.
    fn small(&mut self) -> Scalar {
        Scalar::Complex(self.below(5) as f64 - 2.0, self.below(3) as f64 - 1.0)
    }
    fn rough(&mut self) -> Scalar {
        Scalar::Complex(self.below(2001) as f64 / 777.0 - 1.2, self.below(2001) as f64 / 777.0 - 1.2)
    }
}

/// A contiguous or permuted array of any number of dimensions.
#[derive(Clone)]
struct Array<T> {
    data: Vec<T>,
    sizes: Vec<i64>,
    strides: Vec<i64>,
}

impl<T: Element> Array<T> {
    /// Layouts: row-major, channels last, row-major with gaps.
    fn new(sizes: &[usize], layout: usize, mut value: impl FnMut() -> Scalar) -> Self {
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        if layout == 1 {
            order.remove(1);
            order.push(1);
        }
        let mut strides = vec![0; sizes.len()];
        let mut step = if layout == 2 { 2 } else { 1 };
        for &d in order.iter().rev() {
            strides[d] = step as i64;
            step *= sizes[d] + if layout == 2 { d % 2 } else { 0 };
        }
        let data = (0..step).map(|_| value().to()).collect();
        Array { data, sizes: sizes.iter().map(|&s| s as i64).collect(), strides }
    }
    fn operand(&mut self) -> Operand<'_> {
        Operand::new(Memory::from_slice(&mut self.data), T::DTYPE, 0, &self.sizes, &self.strides).unwrap()
    }
    fn at(&self, index: &[usize]) -> usize {
        index.iter().zip(&self.strides).map(|(&i, &s)| i * s as usize).sum()
    }
    /// Calls with every index.
    fn each(sizes: &[usize], f: &mut dyn FnMut(&[usize])) {
        let mut index = vec![0; sizes.len()];
        for flat in 0..sizes.iter().product() {
            let mut rest: usize = flat;
            for d in (0..sizes.len()).rev() {
                index[d] = rest % sizes[d];
                rest /= sizes[d];
            }
            f(&index);
        }
    }
}

#[derive(Clone, Debug)]
struct Case {
    x: Vec<usize>,
    w: Vec<usize>,
    y: Vec<usize>,
    stride: Vec<i64>,
    padding: Vec<i64>,
    dilation: Vec<i64>,
    groups: usize,
}

impl Case {
    fn new(n: usize, c: usize, o: usize, groups: usize, dims: &[[usize; 5]]) -> Self {
        let column = |i: usize| dims.iter().map(move |d| d[i]);
        let out = dims.iter().map(|&[s, k, t, p, d]| {
            let room = s as i64 + 2 * p as i64 - d as i64 * (k as i64 - 1) - 1;
            if room < 0 { 0 } else { room as usize / t + 1 }
        });
        Case {
            x: [n, c].into_iter().chain(column(0)).collect(),
            w: [o, c / groups].into_iter().chain(column(1)).collect(),
            y: [n, o].into_iter().chain(out).collect(),
            stride: column(2).map(|v| v as i64).collect(),
            padding: column(3).map(|v| v as i64).collect(),
            dilation: column(4).map(|v| v as i64).collect(),
            groups,
        }
    }
    fn random(rng: &mut Rng, dims: usize) -> Self {
        let groups = rng.pick(&[1, 1, 2, 3]);
        let depthwise = rng.below(4) == 0;
        let c = groups * if depthwise { 1 } else { rng.pick(&[1, 2, 5, 17]) };
        let o = groups * rng.pick(&[1, 2, 3, 18]);
        let dims: Vec<_> = (0..dims)
            .map(|_| {
                let largest = if dims == 3 { 5 } else { 13 };
                [
                    rng.below(largest) + 1,
                    rng.pick(&[1, 2, 3]),
                    rng.pick(&[1, 1, 2, 3]),
                    rng.below(3),
                    rng.pick(&[1, 1, 2]),
                ]
            })
            .collect();
        let n = rng.pick(&[0, 1, 2, 3]);
        Case::new(n, c, o, groups, &dims)
    }
    /// Calls with the indices of every x, w and y that meet.
    fn terms(&self, mut f: impl FnMut(&[usize], &[usize], &[usize])) {
        let (per, outs) = (self.w[1], self.w[0] / self.groups);
        Array::<f32>::each(&self.y.clone(), &mut |y| {
            Array::<f32>::each(&self.w[1..], &mut |k| {
                let w: Vec<usize> = [y[1]].into_iter().chain(k.iter().copied()).collect();
                let mut x = vec![y[0], y[1] / outs * per + k[0]];
                for d in 0..self.stride.len() {
                    let at = y[d + 2] as i64 * self.stride[d] + k[d + 1] as i64 * self.dilation[d] - self.padding[d];
                    if at < 0 || at >= self.x[d + 2] as i64 {
                        return;
                    }
                    x.push(at as usize);
                }
                f(&x, &w, y);
            });
        });
    }
}

trait Number: Element + std::fmt::Debug {
    fn wide(self) -> c128;
    fn narrow(x: c128) -> Self;
}

macro_rules! number {
    ($($t:ty)*) => { $(
        impl Number for $t {
            fn wide(self) -> c128 { c128::from_scalar(self.to_scalar()) }
            fn narrow(x: c128) -> Self { Self::from_scalar(Scalar::Complex(x.re, x.im)) }
        }
    )* };
}
number! { u8 i8 u16 i16 u32 i32 i64 f16 bf16 f32 f64 c64 c128 }

impl Number for u64 {
    fn wide(self) -> c128 {
        c128::new(self as i64 as f64, 0.0)
    }
    fn narrow(x: c128) -> Self {
        x.re as i64 as u64
    }
}

fn compare<T: Number>(what: &str, case: &Case, got: &Array<T>, expected: &Array<c128>, tolerance: f64) {
    let sizes: Vec<usize> = got.sizes.iter().map(|&s| s as usize).collect();
    Array::<T>::each(&sizes, &mut |index| {
        let (x, y) = (got.data[got.at(index)], expected.data[expected.at(index)]);
        if tolerance == 0.0 {
            assert_eq!(x, T::narrow(y), "{what} {:?} at {index:?} of {case:?}", T::DTYPE);
        } else {
            let (d, y) = (x.wide() - y, y.re.abs() + y.im.abs());
            assert!(
                d.re.abs() + d.im.abs() <= tolerance * (y + 10.0),
                "{what} {:?} at {index:?} of {case:?}",
                T::DTYPE
            );
        }
    });
}

fn check<T: Number>(rng: &mut Rng, case: &Case, tolerance: f64) {
    let layouts: [usize; 4] = std::array::from_fn(|_| rng.below(3));
    let mut value = || if tolerance > 0.0 { rng.rough() } else { rng.small() };
    let mut x = Array::<T>::new(&case.x, layouts[0], &mut value);
    let mut w = Array::<T>::new(&case.w, layouts[1], &mut value);
    let mut g = Array::<T>::new(&case.y, layouts[2], &mut value);
    let mut bias = Array::<T>::new(&[case.w[0]], 0, &mut value);
    let zeros = |sizes: &[usize]| Array::<c128>::new(sizes, 0, || Scalar::Int(0));
    let (mut y, mut gx, mut gw) = (zeros(&case.y), zeros(&case.x), zeros(&case.w));
    Array::<T>::each(&case.y, &mut |at| {
        let i = y.at(at);
        y.data[i] = bias.data[at[1]].wide();
    });
    case.terms(|xi, wi, yi| {
        let (a, b, c) = (x.data[x.at(xi)].wide(), w.data[w.at(wi)].wide(), g.data[g.at(yi)].wide());
        let (i, j, k) = (y.at(yi), gx.at(xi), gw.at(wi));
        y.data[i] = y.data[i] + a * b;
        gx.data[j] = gx.data[j] + c * b;
        gw.data[k] = gw.data[k] + c * a;
    });
    let mut first: Option<[Vec<T>; 3]> = None;
    for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Neon] {
        if !force(isa) {
            continue; // this machine lacks it
        }
        let junk = || Scalar::Int(77);
        let mut out = Array::<T>::new(&case.y, layouts[3], junk);
        let mut gx_out = Array::<T>::new(&case.x, layouts[3], junk);
        let mut gw_out = Array::<T>::new(&case.w, layouts[3], junk);
        let (s, p, d, n) = (&case.stride, &case.padding, &case.dilation, case.groups as i64);
        conv_forward(out.operand(), x.operand(), w.operand(), Some(bias.operand()), s, p, d, n).unwrap();
        conv_backward_input(gx_out.operand(), g.operand(), w.operand(), s, p, d, n).unwrap();
        conv_backward_weight(gw_out.operand(), g.operand(), x.operand(), s, p, d, n).unwrap();
        compare("forward", case, &out, &y, tolerance);
        compare("input gradient", case, &gx_out, &gx, tolerance);
        compare("weight gradient", case, &gw_out, &gw, tolerance);
        let bits = [out.data, gx_out.data, gw_out.data];
        match &first {
            Some(first) => assert!(*first == bits, "{isa:?} gives other bits for {case:?}"),
            None => first = Some(bits),
        }
    }
}

fn exact<T: Number>(seed: u64, rounds: usize) {
    let mut rng = Rng(seed);
    for round in 0..rounds {
        let case = Case::random(&mut rng, round % 3 + 1);
        check::<T>(&mut rng, &case, 0.0);
    }
}

#[test]
fn floats() {
    exact::<f32>(11, 150);
    exact::<f64>(12, 60);
}

#[test]
fn halves() {
    // Products of the largest cases stay exact in float16; bfloat16 has eight bits, so its sums are compared loosely.
    exact::<f16>(13, 45);
    let mut rng = Rng(14);
    for round in 0..45 {
        let case = Case::random(&mut rng, round % 3 + 1);
        check::<bf16>(&mut rng, &case, 0.02);
    }
}

#[test]
fn complex_numbers() {
    exact::<c64>(15, 60);
    exact::<c128>(16, 45);
}

#[test]
fn integers() {
    exact::<i8>(17, 30);
    exact::<i16>(18, 30);
    exact::<i32>(19, 30);
    exact::<i64>(20, 45);
    exact::<u64>(21, 30);
}

#[test]
fn rough_numbers_round_alike() {
    let mut rng = Rng(31);
    for round in 0..90 {
        let case = Case::random(&mut rng, round % 3 + 1);
        check::<f32>(&mut rng, &case, 1e-5);
        check::<c64>(&mut rng, &case, 1e-5);
    }
}

#[test]
fn larger_than_a_chain() {
    let mut rng = Rng(41);
    let cases = [
        Case::new(2, 70, 40, 1, &[[9, 3, 1, 1, 1], [8, 3, 1, 1, 1]]),
        Case::new(3, 600, 20, 1, &[[3, 1, 1, 0, 1], [4, 1, 1, 0, 1]]),
        Case::new(1, 30, 300, 1, &[[12, 1, 1, 0, 1], [11, 1, 1, 0, 1]]),
        Case::new(2, 3, 20, 1, &[[30, 7, 2, 3, 1], [31, 7, 2, 3, 1]]),
        Case::new(2, 36, 36, 36, &[[30, 5, 2, 2, 1], [29, 5, 1, 2, 2]]),
        Case::new(1, 2, 2, 2, &[[40, 25, 1, 12, 1], [40, 25, 1, 12, 1]]),
        Case::new(2, 3, 3, 3, &[[6, 3, 1 << 30, 1, 1], [5, 2, 7, 1, 1]]),
        Case::new(2, 3, 3, 1, &[[6, 3, 1 << 30, 1, 1], [5, 2, 7, 1, 1]]),
        Case::new(9, 5, 40, 1, &[[7, 3, 1, 1, 1], [7, 3, 2, 1, 1]]),
    ];
    for case in &cases {
        check::<f32>(&mut rng, case, 1e-4);
        check::<i64>(&mut rng, case, 0.0);
    }
}

/// Groups of one output channel: rows in place give the bits that rows through working memory do.
#[test]
fn depthwise_rows() {
    let mut rng = Rng(51);
    for round in 0..60 {
        let groups = rng.pick(&[1, 2, 5]);
        let (inputs, kernel) = (rng.pick(&[1, 1, 1, 2, 3]), rng.pick(&[1, 2, 3, 5, 7]));
        let mut dim = |least: usize, most: usize| {
            let (stride, dilation) = (rng.pick(&[1, 1, 2, 3]), rng.pick(&[1, 1, 2, 3]));
            [
                (least + rng.below(most - least)) * stride + dilation * (kernel - 1),
                kernel,
                stride,
                rng.below(4),
                dilation,
            ]
        };
        let case = Case::new(2, groups * inputs, groups, groups, &[dim(1, 9), dim(8, 75)]);
        check::<f32>(&mut rng, &case, 1e-5);
        check::<i64>(&mut rng, &case, 0.0);
        let mut value = |special: bool| match rng.below(200) {
            0 if special => Scalar::Float(f64::NAN),
            1 if special => Scalar::Float(f64::INFINITY),
            2 if special => Scalar::Float(-0.0),
            _ => rng.rough(),
        };
        let mut x = Array::<f32>::new(&case.x, 0, || value(true));
        let mut w = Array::<f32>::new(&case.w, 0, || value(false));
        let mut results = [0, 1].map(|layout| Array::<f32>::new(&case.y, layout, || Scalar::Int(77)));
        let (s, p, d) = (&case.stride, &case.padding, &case.dilation);
        for out in &mut results {
            conv_forward(out.operand(), x.operand(), w.operand(), None, s, p, d, groups as i64).unwrap();
        }
        Array::<f32>::each(&case.y, &mut |at| {
            let [a, b] = results.each_ref().map(|out| out.data[out.at(at)]);
            assert!(
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
                "round {round} at {at:?}: {a} {b} of {case:?}"
            );
        });
    }
}

#[test]
fn refusals() {
    let mut rng = Rng(51);
    let case = Case::new(1, 4, 4, 2, &[[5, 3, 1, 0, 1]]);
    let mut array = |sizes: &[usize]| Array::<f32>::new(sizes, 0, || rng.small());
    let (mut x, mut w, mut y, mut bad) = (array(&case.x), array(&case.w), array(&case.y), array(&[1, 4, 4]));
    let mut call = |y: Operand, groups, stride: &[i64], padding: &[i64]| {
        conv_forward(y, x.operand(), w.operand(), None, stride, padding, &[1], groups)
    };
    assert!(call(y.operand(), 2, &[1], &[0]).is_ok());
    assert!(call(y.operand(), 1, &[1], &[0]).is_err());
    assert!(call(y.operand(), 0, &[1], &[0]).is_err());
    assert!(call(y.operand(), 2, &[0], &[0]).is_err());
    assert!(call(y.operand(), 2, &[1], &[-1]).is_err());
    assert!(call(y.operand(), 2, &[1], &[i64::MAX]).is_err());
    assert!(call(y.operand(), 2, &[1, 1], &[0]).is_err());
    assert!(call(bad.operand(), 2, &[1], &[0]).is_err());
}
