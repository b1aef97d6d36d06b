//! Every operator gives the same bits on every instruction set and any number of threads.
//!
//! One test, since both are chosen for the whole process.

use corten_base::element::{b8, c64, c128};
use corten_base::isa::{Isa, force};
use corten_base::{DType, Element, Memory, Operand, Scalar, pool, with_dtype};
use corten_elementwise::{Binary, Quaternary, Src, Ternary, Unary, binary, quaternary, ternary, unary};

/// Numbers of all magnitudes, special ones among them.
fn value(i: usize) -> f64 {
    const SPECIAL: [f64; 16] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        0.5,
        -3.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        1e30,
        -1e-40,
        1e13,
        88.8,
        -104.0,
        31.0,
    ];
    if i.is_multiple_of(5) {
        return SPECIAL[i / 5 % 16];
    }
    // A multiplicative generator, its top bits as mantissa and exponent.
    let bits = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let mantissa = (bits % 100_003) as f64 / 50_000.0 - 1.0;
    mantissa * 2f64.powi((bits / 100_003 % 16) as i32 - 8)
}

fn values<T: Element>(n: usize, seed: usize) -> Vec<T> {
    (0..n).map(|i| Scalar::Complex(value(i * 7 + seed), value(i * 11 + seed + 3)).to::<T>()).collect()
}

/// An element's bits, all NaNs alike.
fn canonical(x: Scalar) -> (u64, u64) {
    let bits = |x: f64| if x.is_nan() { u64::MAX } else { x.to_bits() };
    match x {
        Scalar::Bool(x) => (x as u64, 0),
        Scalar::Int(x) => (x as u64, 0),
        Scalar::UInt(x) => (x, 0),
        Scalar::Float(x) => (bits(x), 0),
        Scalar::Complex(re, im) => (bits(re), bits(im)),
    }
}

/// The bits of every operator's results in one type, with the operator's name.
fn results<T: Element>(n: usize) -> Vec<(&'static str, Vec<(u64, u64)>)> {
    let compute = T::DTYPE;
    let (sizes, strides) = ([n as i64], [1]);
    let mut inputs = [values::<T>(n, 1), values::<T>(n, 2), values::<T>(n, 5)];
    // No integer is divided by zero.
    for y in &mut inputs[1] {
        if compute.is_integral(false) && *y == T::default() {
            *y = Scalar::Int(3).to();
        }
    }
    let [x, y, z] = inputs
        .each_mut()
        .map(|v| Src::Operand(Operand::new(Memory::from_slice(v), compute, 0, &sizes, &strides).unwrap()));
    let Src::Operand(x_operand) = x else { unreachable!() };
    let mut all = Vec::new();
    let mut run = |name, result: Option<DType>, call: &dyn Fn(Operand) -> corten_base::Result<()>| {
        let Some(dtype) = result else { return };
        with_dtype!(dtype, R => {
            let mut out = vec![R::default(); n];
            call(Operand::new(Memory::from_slice(&mut out), dtype, 0, &sizes, &strides).unwrap()).unwrap();
            all.push((name, out.iter().map(|v| canonical(v.to_scalar())).collect()));
        });
    };
    for &op in Unary::ALL {
        run(op.name(), op.result(compute), &|out| unary(op, compute, out, x_operand));
    }
    for &op in Binary::ALL {
        // The degree of a polynomial is a small number.
        let y = if op.name().contains("polynomial") { Scalar::Int(7).into() } else { y };
        run(op.name(), op.result(compute), &|out| binary(op, compute, out, x, y));
    }
    for &op in Ternary::ALL {
        run(op.name(), op.result(compute), &|out| ternary(op, compute, out, x, y, z));
    }
    let two = Scalar::Int(2).into();
    for &op in Quaternary::ALL {
        run(op.name(), op.result(compute), &|out| quaternary(op, compute, out, x, y, z, two));
    }
    all
}

#[test]
fn on_every_path_and_any_threads() {
    fn check<T: Element>() {
        let n = 1003;
        assert!(force(Isa::Portable) || force(Isa::Neon));
        let expected = results::<T>(n);
        for isa in [Isa::Avx2, Isa::Avx512] {
            if force(isa) {
                assert_equal(&expected, &results::<T>(n), T::DTYPE, isa);
            }
        }
        let n = 70_001;
        pool::set_num_threads(1);
        let expected = results::<T>(n);
        for threads in [2, 7] {
            pool::set_num_threads(threads);
            assert_equal(&expected, &results::<T>(n), T::DTYPE, threads);
        }
    }
    fn assert_equal<W: std::fmt::Debug>(
        expected: &[(&str, Vec<(u64, u64)>)],
        got: &[(&str, Vec<(u64, u64)>)],
        dtype: DType,
        with: W,
    ) {
        for ((name, expected), (_, got)) in expected.iter().zip(got) {
            let first = expected.iter().zip(got).position(|(a, b)| a != b);
            assert!(first.is_none(), "{name} of {dtype} differs with {with:?} at {first:?}");
        }
    }
    check::<b8>();
    check::<i32>();
    check::<i64>();
    check::<u64>();
    check::<f32>();
    check::<f64>();
    check::<c64>();
    check::<c128>();
}
