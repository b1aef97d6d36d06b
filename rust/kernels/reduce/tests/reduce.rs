//! Reductions against naive ones: every dtype, layouts, dimensions, empty and long ones, the same bits on every path.

mod common;

use common::{Array, assert_close, sample};
use corten_base::isa::{self, Isa};
use corten_base::{DType, dtype, pool};
use corten_reduce::{Reduce, logsumexp, reduce, var};

/// Lists of the elements that each result takes in.
fn groups(x: &Array, dims: &[usize]) -> (Vec<i64>, Vec<Vec<f64>>) {
    let out_sizes: Vec<i64> = x.sizes.iter().enumerate().map(|(i, &s)| if dims.contains(&i) { 1 } else { s }).collect();
    let mut groups = vec![Vec::new(); out_sizes.iter().product::<i64>() as usize];
    for (i, value) in x.values().into_iter().enumerate() {
        let (mut rest, mut at, mut step) = (i as i64, 0, 1);
        for dim in (0..x.sizes.len()).rev() {
            if !dims.contains(&dim) {
                at += rest % x.sizes[dim] * step;
                step *= x.sizes[dim];
            }
            rest /= x.sizes[dim];
        }
        groups[at as usize].push(value);
    }
    (out_sizes, groups)
}

fn check(op: Reduce, compute: DType, out: DType, x: &Array, dims: &[usize], tolerance: f64, f: fn(&[f64]) -> f64) {
    let (sizes, groups) = groups(x, dims);
    let result = Array::zeros(out, &sizes);
    reduce(op, compute, result.op(), x.op()).unwrap();
    let expected: Vec<f64> = groups.iter().map(|g| f(g)).collect();
    assert_close(
        &result.values(),
        &expected,
        tolerance,
        &format!("{op:?} {} {:?} {:?} {dims:?}", x.dtype, x.sizes, x.strides),
    );
}

fn max(g: &[f64]) -> f64 {
    g.iter().fold(f64::NEG_INFINITY, |a, &b| if b > a || b.is_nan() { b } else { a })
}
fn min(g: &[f64]) -> f64 {
    -max(&g.iter().map(|v| -v).collect::<Vec<_>>())
}
fn sum(g: &[f64]) -> f64 {
    g.iter().sum()
}

#[test]
fn every_dtype_layout_and_dimension() {
    for d in dtype::ALL {
        for (sizes, order) in [
            (vec![], vec![]),
            (vec![5], vec![0]),
            (vec![3, 70], vec![0, 1]),
            (vec![70, 9], vec![0, 1]),
            (vec![33, 40], vec![1, 0]),
            (vec![4, 5, 30], vec![1, 2, 0]),
            (vec![2, 1300, 3], vec![0, 1, 2]),
            (vec![130, 3, 7], vec![0, 1, 2]),
            (vec![0, 4], vec![0, 1]),
        ] {
            let x = sample(d, &sizes, &order, 3);
            for mask in 0..1 << sizes.len() {
                let dims: Vec<usize> = (0..sizes.len()).filter(|i| mask >> i & 1 == 1).collect();
                let (compute, out) = match d {
                    DType::F16 | DType::BF16 => (DType::F32, DType::F32),
                    _ if d.is_integral(true) => (DType::I64, DType::I64),
                    _ => (d, d),
                };
                let tol = if d == DType::F64 || d == DType::C128 { 1e-13 } else { 2e-5 };
                check(Reduce::Sum, compute, out, &x, &dims, tol, sum);
                check(Reduce::Any, compute, DType::Bool, &x, &dims, 0.0, |g| g.iter().any(|&v| v != 0.0) as u8 as f64);
                check(Reduce::All, compute, DType::Bool, &x, &dims, 0.0, |g| g.iter().all(|&v| v != 0.0) as u8 as f64);
                check(Reduce::CountNonzero, compute, DType::I64, &x, &dims, 0.0, |g| {
                    g.iter().filter(|&&v| v != 0.0).count() as f64
                });
                if !d.is_integral(true) {
                    check(Reduce::Mean, compute, out, &x, &dims, tol, |g| sum(g) / g.len() as f64);
                    check(Reduce::NanSum, compute, out, &x, &dims, tol, sum);
                }
                if d.is_float() {
                    check(Reduce::Norm(2.0), compute, out, &x, &dims, tol, |g| {
                        sum(&g.iter().map(|v| v * v).collect::<Vec<_>>()).sqrt()
                    });
                    check(Reduce::Norm(1.0), compute, out, &x, &dims, tol, |g| g.iter().map(|v| v.abs()).sum());
                    check(Reduce::Norm(3.0), compute, out, &x, &dims, tol, |g| {
                        g.iter().map(|v| v.abs().powi(3)).sum::<f64>().powf(1.0 / 3.0)
                    });
                    check(Reduce::Norm(f64::INFINITY), compute, out, &x, &dims, tol, |g| {
                        g.iter().fold(0.0, |a, b| b.abs().max(a))
                    });
                }
                if !d.is_complex() && sizes != [0, 4] {
                    check(Reduce::Amax, compute, d, &x, &dims, 0.0, max);
                    check(Reduce::Amin, compute, d, &x, &dims, 0.0, min);
                }
            }
        }
    }
}

/// Lines in place, of lengths around those of lanes and leaves, more of them than are written together; the results in
/// rows, apart, and of another dtype.
#[test]
fn lines_of_any_length() {
    for length in (0..=140).step_by(3).chain([7, 8, 64, 128, 1000, 4095, 4096, 4097]) {
        for (op, f) in [(Reduce::Sum, sum as fn(&[f64]) -> f64), (Reduce::Amax, max), (Reduce::Norm(1.0), sum)] {
            if length == 0 && op == Reduce::Amax {
                continue;
            }
            let value = |i: usize| ((i * 37 + 11) % 101) as f64 / 8.0;
            for lines in [5, 70] {
                let mut x = Array::zeros(DType::F32, &[lines, length]);
                x.fill(value);
                check(op, DType::F32, DType::F32, &x, &[1], 1e-5, f);
                check(op, DType::F32, DType::BF16, &x, &[1], 1e-2, f);
            }
            let mut x = Array::ordered(DType::F64, &[3, 40, length], &[1, 0, 2]);
            x.fill(value);
            check(op, DType::F64, DType::F64, &x, &[2], 1e-12, f);
        }
    }
}

#[test]
fn products_and_nan() {
    let mut x = sample(DType::F32, &[5, 40], &[0, 1], 1);
    let values = x.values();
    x.fill(|i| if i == 77 { f64::NAN } else { 1.0 + values[i] / 8.0 });
    for dims in [vec![0], vec![1], vec![0, 1]] {
        check(Reduce::Prod, DType::F32, DType::F32, &x, &dims, 1e-5, |g| g.iter().product());
        check(Reduce::Amax, DType::F32, DType::F32, &x, &dims, 0.0, max);
        check(Reduce::Amin, DType::F32, DType::F32, &x, &dims, 0.0, min);
        check(Reduce::NanSum, DType::F32, DType::F32, &x, &dims, 1e-5, |g| g.iter().filter(|v| !v.is_nan()).sum());
    }
}

#[test]
fn variance_and_logsumexp() {
    for d in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        let x = sample(d, &[6, 50, 9], &[0, 1, 2], 4);
        let out = if d == DType::F64 { d } else { DType::F32 };
        for dims in [vec![0], vec![1], vec![2], vec![0, 2], vec![0, 1, 2], vec![]] {
            let (sizes, groups) = groups(&x, &dims);
            let (result, mean) = (Array::zeros(out, &sizes), Array::zeros(out, &sizes));
            var(result.op(), Some(mean.op()), x.op(), 1.0, false).unwrap();
            let means: Vec<f64> = groups.iter().map(|g| sum(g) / g.len() as f64).collect();
            let expected: Vec<f64> = groups
                .iter()
                .zip(&means)
                .map(|(g, m)| g.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (g.len() as f64 - 1.0))
                .collect();
            assert_close(&mean.values(), &means, 1e-5, "mean");
            assert_close(&result.values(), &expected, 1e-5, "var");
            logsumexp(result.op(), x.op()).unwrap();
            let expected: Vec<f64> = groups.iter().map(|g| g.iter().map(|v| v.exp()).sum::<f64>().ln()).collect();
            assert_close(&result.values(), &expected, 1e-5, "logsumexp");
        }
    }
    let x = Array::of(DType::F32, &[2], &[f64::NEG_INFINITY; 2]);
    let out = Array::zeros(DType::F32, &[1]);
    logsumexp(out.op(), x.op()).unwrap();
    assert_eq!(out.values(), [f64::NEG_INFINITY]);
}

#[test]
fn same_bits_on_every_path() {
    let shapes: [(&[i64], &[usize], &[usize]); 7] = [
        (&[300_001], &[0], &[0]),
        (&[9000, 37], &[0, 1], &[0]),
        (&[40, 3000], &[0, 1], &[1]),
        (&[300, 7, 130], &[2, 0, 1], &[0, 2]),
        (&[200_000, 3], &[0, 1], &[0]),
        (&[64, 33, 49], &[0, 1, 2], &[0, 2]),
        (&[9000, 5, 4], &[0, 1, 2], &[0, 2]),
    ];
    for (sizes, order, dims) in shapes {
        for d in [DType::F32, DType::F64, DType::BF16] {
            let x = sample(d, sizes, order, 9);
            let compute = d.compute();
            let (out_sizes, groups) = groups(&x, dims);
            let run = |threads: usize, path: Isa| {
                let best = isa::isa();
                pool::set_num_threads(threads);
                assert!(isa::force(path), "{path:?}");
                let (out, spread) = (Array::zeros(compute, &out_sizes), Array::zeros(compute, &out_sizes));
                reduce(Reduce::Sum, compute, out.op(), x.op()).unwrap();
                var(spread.op(), None, x.op(), 0.0, true).unwrap();
                assert!(isa::force(best));
                (out, spread)
            };
            let (a, va) = run(1, isa::isa());
            assert_close(&a.values(), &groups.iter().map(|g| sum(g)).collect::<Vec<_>>(), 1e-4, "sum");
            for (threads, path) in [(2, isa::isa()), (1, Isa::Portable)] {
                let (b, vb) = run(threads, path);
                assert!(a.bits() == b.bits() && va.bits() == vb.bits(), "{d} {sizes:?} {threads} {path:?}");
            }
        }
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let x = sample(DType::F32, &[3, 4], &[0, 1], 1);
    for sizes in [vec![3], vec![2, 1], vec![3, 4, 1]] {
        let out = Array::zeros(DType::F32, &sizes);
        assert!(reduce(Reduce::Sum, DType::F32, out.op(), x.op()).is_err());
        assert!(var(out.op(), None, x.op(), 1.0, false).is_err());
    }
    let out = Array::zeros(DType::F32, &[3, 1]);
    assert!(reduce(Reduce::Amax, DType::C64, out.op(), x.op()).is_err());
}
