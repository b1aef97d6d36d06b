//! Errors in units in the last place: float32 against float64, float64 against the `libm` crate.

use corten_base::{DType, Element, Memory, Operand, Scalar};
use corten_elementwise::{Binary, Quaternary, Src, Ternary, Unary, binary, quaternary, ternary, unary};

fn map<T: Element, R: Element>(n: usize, x: &mut [T], call: impl FnOnce(Operand, Operand)) -> Vec<R> {
    let (sizes, strides) = ([n as i64], [1]);
    let mut out = vec![R::default(); n];
    call(
        Operand::new(Memory::from_slice(&mut out), R::DTYPE, 0, &sizes, &strides).unwrap(),
        Operand::new(Memory::from_slice(x), T::DTYPE, 0, &sizes, &strides).unwrap(),
    );
    out
}

fn apply<T: Element>(op: Unary, x: &[T]) -> Vec<T> {
    map(x.len(), &mut x.to_vec(), |out, x| unary(op, T::DTYPE, out, x).unwrap())
}

/// `n` numbers from `low` to `high`, unevenly.
fn between(low: f64, high: f64, n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| low + (high - low) * ((i as f64 * 0.618_033_988_749_894_9) % 1.0))
}

/// Some of every magnitude, both signs, and a denser range about zero.
fn everywhere() -> Vec<f64> {
    let wide = between(-149.0, 128.0, 20_000).flat_map(|e| [e.exp2(), -e.exp2()]);
    wide.chain(between(-12.0, 12.0, 60_000)).chain(between(-100.0, 100.0, 30_000)).collect()
}

/// The largest error of float32 results, in ulp of the exact ones.
fn worst(got: &[f32], exact: &[f64]) -> (f64, usize) {
    let mut worst = (0.0, 0);
    for (i, (&got, &exact)) in got.iter().zip(exact).enumerate() {
        let rounded = exact as f32;
        let error = if got == rounded || (got.is_nan() && rounded.is_nan()) {
            0.0
        } else if !got.is_finite() || !rounded.is_finite() {
            // One past the largest number, rounded the other way, is no error of more than an ulp.
            if got.abs() == f32::MAX || rounded.abs() == f32::MAX { 1.0 } else { f64::INFINITY }
        } else {
            let ulp = f32::from_bits(rounded.abs().to_bits() + 1) as f64 - rounded.abs() as f64;
            (got as f64 - exact).abs() / ulp
        };
        if error > worst.0 {
            worst = (error, i);
        }
    }
    worst
}

/// A function of one number, and its other arguments.
enum Function {
    Plain(Unary),
    /// alpha, scale and slope.
    Elu(f64, f64, f64),
    /// beta, and the line above 20.
    Softplus(f64),
}

impl Function {
    fn of<T: Element>(&self, x: &[T]) -> Vec<T> {
        let number = |value| Src::Scalar(Scalar::Float(value));
        map(x.len(), &mut x.to_vec(), |out, x| {
            match *self {
                Function::Plain(op) => unary(op, T::DTYPE, out, x),
                Function::Elu(alpha, scale, slope) => {
                    quaternary(Quaternary::elu, T::DTYPE, out, x.into(), number(alpha), number(scale), number(slope))
                }
                Function::Softplus(beta) => {
                    ternary(Ternary::softplus, T::DTYPE, out, x.into(), number(beta), number(20.0))
                }
            }
            .unwrap();
        })
    }

    fn name(&self) -> String {
        match self {
            Function::Plain(op) => op.name().to_owned(),
            Function::Elu(alpha, ..) => format!("elu of alpha {alpha}"),
            Function::Softplus(beta) => format!("softplus of beta {beta}"),
        }
    }
}

/// How far float32 functions may be from the exact ones, in ulp.
const BOUNDS: [(Function, f64); 41] = {
    use Unary::*;
    const fn plain(op: Unary, bound: f64) -> (Function, f64) {
        (Function::Plain(op), bound)
    }
    [
        plain(exp, 1.1),
        plain(exp2, 1.1),
        plain(expm1, 1.6),
        plain(log, 1.0),
        plain(log2, 1.0),
        plain(log10, 1.0),
        plain(log1p, 1.1),
        plain(sin, 0.51),
        plain(cos, 0.51),
        plain(tan, 0.51),
        plain(asin, 0.51),
        plain(acos, 0.51),
        plain(atan, 0.51),
        plain(sinh, 0.51),
        plain(cosh, 0.51),
        plain(tanh, 1.6),
        plain(asinh, 0.51),
        plain(acosh, 0.51),
        plain(atanh, 0.51),
        plain(erf, 1.3),
        plain(erfc, 0.51),
        plain(ndtr, 0.51),
        plain(lgamma, 0.51),
        plain(digamma, 0.51),
        plain(i0, 0.51),
        plain(erfinv, 0.51),
        plain(sqrt, 0.5),
        plain(rsqrt, 1.5),
        plain(reciprocal, 0.5),
        plain(sigmoid, 2.0),
        plain(silu, 2.0),
        plain(logsigmoid, 1.8),
        plain(logit, 1.6),
        plain(gelu, 2.0),
        plain(gelu_tanh, 0.51),
        plain(mish, 0.51),
        (Function::Elu(1.0, 1.0, 1.0), 1.1),
        (Function::Elu(1.673_263_242_354_377_2, 1.050_700_987_355_480_5, 1.0), 1.9),
        (Function::Elu(2.0, 1.0, 0.5), 1.1),
        (Function::Softplus(1.0), 1.8),
        (Function::Softplus(2.0), 1.8),
    ]
};

fn check_bounds(x: &[f32]) {
    let wide: Vec<f64> = x.iter().map(|&v| v as f64).collect();
    for (function, bound) in &BOUNDS {
        let (error, at) = worst(&function.of(x), &function.of(&wide));
        assert!(error <= *bound, "{} is off by {error} ulp at {}", function.name(), x[at]);
    }
}

#[test]
fn float32_functions() {
    check_bounds(&everywhere().into_iter().map(|v| v as f32).collect::<Vec<f32>>());
}

#[test]
#[ignore = "70 million numbers, two minutes"]
fn float32_functions_densely() {
    let all: Vec<u32> = (0..=u32::MAX).step_by(61).collect();
    for some in all.chunks(1 << 16) {
        check_bounds(&some.iter().map(|&bits| f32::from_bits(bits)).collect::<Vec<f32>>());
    }
}

/// How many floats further the one is than the other.
fn apart(x: f64, y: f64) -> u64 {
    if x.is_nan() && y.is_nan() { 0 } else { (x.to_bits() as i64).abs_diff(y.to_bits() as i64) }
}

#[test]
fn float64_functions() {
    type Function = fn(f64) -> f64;
    let x = everywhere();
    // The bound includes the reference's own error.
    let functions: [(Unary, Function, u64); 27] = [
        (Unary::exp, libm::exp, 2),
        (Unary::exp2, libm::exp2, 2),
        (Unary::expm1, libm::expm1, 2),
        (Unary::log, libm::log, 2),
        (Unary::log2, libm::log2, 2),
        (Unary::log10, libm::log10, 2),
        (Unary::log1p, libm::log1p, 2),
        (Unary::sin, libm::sin, 1),
        (Unary::cos, libm::cos, 1),
        (Unary::tan, libm::tan, 2),
        (Unary::asin, libm::asin, 3),
        (Unary::acos, libm::acos, 2),
        (Unary::atan, libm::atan, 2),
        (Unary::sinh, libm::sinh, 3),
        (Unary::cosh, libm::cosh, 3),
        (Unary::tanh, libm::tanh, 3),
        (Unary::asinh, libm::asinh, 3),
        (Unary::acosh, |x| if x < 1.0 { f64::NAN } else { libm::acosh(x) }, 3),
        (Unary::atanh, libm::atanh, 3),
        (Unary::erf, libm::erf, 2),
        (Unary::erfc, libm::erfc, 3),
        (Unary::sigmoid, |x| 1.0 / (1.0 + libm::exp(-x)), 2),
        (Unary::silu, |x| x / (1.0 + libm::exp(-x)), 2),
        (Unary::logsigmoid, |x| x.min(0.0) - libm::log1p(libm::exp(-x.abs())), 3),
        (Unary::logit, |x| libm::log(x / (1.0 - x)), 2),
        (Unary::gelu_tanh, |x| x / (1.0 + libm::exp((x * x * x).mul_add(0.044715, x) * -1.595_769_121_605_730_8)), 2),
        (
            Unary::mish,
            |x| {
                let growth = libm::exp(x.min(20.0));
                x * (growth * (growth + 2.0) / (growth * (growth + 2.0) + 2.0))
            },
            5,
        ),
    ];
    let special =
        [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1.0, -1.0, 1e22, -1e300, 709.9, -745.0, 710.47, 5e-324];
    let x: Vec<f64> = x.into_iter().chain(special).collect();
    for (op, function, bound) in functions {
        for (&x, y) in x.iter().zip(apply(op, &x)) {
            let expected = function(x);
            assert!(apart(y, expected) <= bound, "{}({x}) is {y}, not {expected}", op.name());
        }
    }
}

#[test]
fn normal_distribution() {
    // Φ by erfc, what the rounding of its argument does made good.
    fn area(x: f64) -> f64 {
        let y = x * -std::f64::consts::FRAC_1_SQRT_2;
        let lost = x.mul_add(-std::f64::consts::FRAC_1_SQRT_2, -y) + x * 4.833_646_656_726_457e-17;
        0.5 * libm::erfc(y) - std::f64::consts::FRAC_1_PI.sqrt() * libm::exp(-y * y) * lost
    }
    fn log_area(x: f64) -> f64 {
        if x > 0.0 { libm::log1p(-area(-x)) } else { libm::log(area(x)) }
    }
    fn scaled(x: f64) -> f64 {
        let head = f64::from_bits(x.to_bits() & 0xffff_ffff_0000_0000);
        libm::exp(head * head) * libm::exp((x - head) * (x + head)) * libm::erfc(x)
    }
    type Function = fn(f64) -> f64;
    let functions: [(Unary, Function, f64); 4] = [
        (Unary::ndtr, area, 5.0),
        (Unary::gelu, |x| x * area(x), 5.0),
        (Unary::log_ndtr, log_area, 5.0),
        (Unary::erfcx, scaled, 5.0),
    ];
    let x: Vec<f64> = everywhere().into_iter().filter(|x| x.abs() < 25.0).collect();
    for (op, function, bound) in functions {
        for (&x, y) in x.iter().zip(apply(op, &x)) {
            let expected = function(x);
            assert!(apart(y, expected) <= bound as u64, "{}({x}) is {y}, not {expected}", op.name());
        }
    }
    // The inverses, by way back: Φ and erf of them are the numbers, to the accuracy that the slope there allows.
    let p: Vec<f64> = between(0.0, 1.0, 20_000).chain(between(-300.0, 0.0, 2000).map(f64::exp)).skip(1).collect();
    let x: Vec<f64> = p.iter().flat_map(|&p| [p, -p]).collect();
    for (p, y) in p.iter().zip(apply(Unary::ndtri, &p)) {
        let density = (-0.5 * y * y).exp() * 0.398_942_280_401_432_7;
        let error = (area(y) - p) / density;
        assert!(error.abs() <= 2e-15 * y.abs().max(0.1), "ndtri({p}) is {y}, off by {error}");
    }
    for (x, y) in x.iter().zip(apply(Unary::erfinv, &x)) {
        let error = if y.abs() < 0.5 { libm::erf(y) - x } else { ((1.0 - x.abs()) - libm::erfc(y.abs())).copysign(y) };
        let error = error / ((-y * y).exp() * std::f64::consts::FRAC_2_SQRT_PI);
        assert!(error.abs() <= 1e-15 * y.abs(), "erfinv({x}) is {y}, off by {error}");
    }
    let ends = [f64::NEG_INFINITY, f64::INFINITY, f64::NAN, -1e300, 1e300, 0.0];
    let same = |op, expected: [f64; 6]| {
        for ((x, y), expected) in ends.iter().zip(apply(op, &ends)).zip(expected) {
            assert!(apart(y, expected) <= 1, "{}({x}) is {y}, not {expected}", op.name());
        }
    };
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let unit = apply(Unary::erfinv, &[1.0, -1.0, 1.5, -2.0, f64::NAN, -0.0]);
    assert!(unit[0] == f64::INFINITY && unit[1] == f64::NEG_INFINITY && unit[2..5].iter().all(|y| y.is_nan()));
    assert!(unit[5] == 0.0 && unit[5].is_sign_negative());
    let unit = apply(Unary::ndtri, &[0.0, 1.0, 0.5, -1.0, 2.0, f64::NAN]);
    assert!(unit[..3] == [f64::NEG_INFINITY, f64::INFINITY, 0.0] && unit[3..].iter().all(|y| y.is_nan()));
    same(Unary::ndtr, [0.0, 1.0, nan, 0.0, 1.0, 0.5]);
    same(Unary::gelu, [nan, inf, nan, -0.0, 1e300, 0.0]);
    same(Unary::log_ndtr, [-inf, 0.0, nan, -inf, 0.0, -std::f64::consts::LN_2]);
    same(Unary::erfcx, [inf, 0.0, nan, inf, 5.641_895_835_477_563e-301, 1.0]);
}

#[test]
fn float32_powers() {
    let base: Vec<f32> = everywhere().into_iter().map(|v| v as f32).collect();
    for y in [-3.5, -3.0, -0.25, 0.0, 0.3, 1.5, 4.0, 17.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let exponent = Src::Scalar(Scalar::Float(y));
        let got = map(base.len(), &mut base.clone(), |out, x| {
            binary(Binary::pow, DType::F32, out, x.into(), exponent).unwrap();
        });
        let exact: Vec<f64> = base.iter().map(|&x| libm::pow(x as f64, y as f32 as f64)).collect();
        let (error, at) = worst(&got, &exact);
        assert!(error <= 0.51, "{} to the power {y} is off by {error} ulp", base[at]);
    }
}

fn pairs(op: Binary, compute: DType) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let edges = [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e-40, 3e38, -0.1];
    let far: Vec<f64> = everywhere().into_iter().step_by(13).collect();
    let near = far.iter().rev().map(|y| y * 3.0);
    let grid = edges.iter().flat_map(|&x| edges.map(|y| (x, y)));
    let all = far.iter().copied().zip(near).chain(grid);
    // Quotients just below, at and above integers.
    let whole = (1..400).flat_map(|i| [-1.0, 0.0, 1.0].map(|e| (f64::from(i) * 0.3 * (1.0 + e * 1e-7), 0.3)));
    // float32 numbers, so that both computations are given the same ones.
    let (x, y): (Vec<f64>, Vec<f64>) = all.chain(whole).map(|(x, y)| (x as f32 as f64, y as f32 as f64)).unzip();
    let n = x.len();
    let other = |y: Operand, x: Operand, out: Operand| binary(op, compute, out, x.into(), y.into()).unwrap();
    let got = map(n, &mut x.clone(), |out, x| {
        let _: Vec<f64> = map(n, &mut y.clone(), |_, y| other(y, x, out));
    });
    (x, y, got)
}

#[test]
fn float32_of_two_numbers() {
    for (op, exact) in [(Binary::atan2, libm::atan2 as fn(f64, f64) -> f64), (Binary::hypot, libm::hypot)] {
        let (x, y, got) = pairs(op, DType::F32);
        let exact: Vec<f64> = x.iter().zip(&y).map(|(&x, &y)| exact(x, y)).collect();
        let got: Vec<f32> = got.iter().map(|&v| v as f32).collect();
        let (error, at) = worst(&got, &exact);
        assert!(error <= 0.51, "{} of {} and {} is off by {error} ulp", op.name(), x[at], y[at]);
        let signs = got.iter().zip(&exact).all(|(a, b)| a.is_nan() || a.is_sign_negative() == b.is_sign_negative());
        assert!(signs, "{}: a zero of the other sign", op.name());
    }
}

#[test]
fn float64_of_two_numbers() {
    let edges = [
        0.0,
        5e-324,
        1e-310,
        1e-160,
        1e-5,
        0.1,
        0.5,
        1.0,
        1.0000001,
        2.0,
        3.0,
        511.5,
        1074.0,
        9007199254740993.0,
        1e160,
        1.7e308,
        f64::INFINITY,
        f64::NAN,
    ];
    let edges: Vec<f64> = edges.into_iter().flat_map(|x| [x, -x]).collect();
    let far: Vec<f64> = everywhere().into_iter().step_by(3).collect();
    let near = far.iter().rev().map(|y| y * 3.0);
    let grid = edges.iter().flat_map(|&x| edges.iter().map(move |&y| (x, y)));
    let (x, y): (Vec<f64>, Vec<f64>) = far.iter().copied().zip(near).chain(grid).unzip();
    type Function = fn(f64, f64) -> f64;
    let functions: [(Binary, Function, u64); 3] =
        [(Binary::atan2, libm::atan2, 2), (Binary::hypot, libm::hypot, 2), (Binary::pow, libm::pow, 2)];
    for (op, function, bound) in functions {
        let mut result = vec![0.0; x.len()];
        let _: Vec<f64> = map(x.len(), &mut y.clone(), |_, y| {
            let (mut x, sizes) = (x.clone(), [result.len() as i64]);
            let x = Operand::new(Memory::from_slice(&mut x), DType::F64, 0, &sizes, &[1]).unwrap();
            let out = Operand::new(Memory::from_slice(&mut result), DType::F64, 0, &sizes, &[1]).unwrap();
            binary(op, DType::F64, out, x.into(), y.into()).unwrap();
        });
        for ((&x, &y), got) in x.iter().zip(&y).zip(result) {
            let expected = function(x, y);
            assert!(apart(got, expected) <= bound, "{} of {x} and {y} is {got}, not {expected}", op.name());
        }
    }
}

#[test]
fn remainders_are_exact() {
    for compute in [DType::F32, DType::F64] {
        let (x, y, got) = pairs(Binary::fmod, compute);
        for ((&x, &y), got) in x.iter().zip(&y).zip(got) {
            let exact = libm::fmod(x, y);
            let same = got.to_bits() == exact.to_bits() || (got.is_nan() && exact.is_nan());
            assert!(same, "fmod({x}, {y}) is {got} in {compute}, not {exact}");
        }
    }
}
