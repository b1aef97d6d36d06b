//! Softmax, scans, searches, sorting, normalisation and class losses against naive ones.

mod common;

use common::{Array, assert_close, sample};
use corten_base::isa::{self, Isa};
use corten_base::{DType, pool};
use corten_reduce::*;

const FLOATS: [(DType, f64); 4] = [(DType::F32, 2e-6), (DType::F64, 1e-14), (DType::F16, 2e-3), (DType::BF16, 2e-2)];
const SHAPES: [(&[i64], &[usize]); 5] =
    [(&[7], &[0]), (&[5, 40], &[0, 1]), (&[33, 20], &[1, 0]), (&[3, 65, 19], &[0, 1, 2]), (&[2, 0, 3], &[0, 1, 2])];
/// Long lines side by side.
const DEEP: (&[i64], &[usize]) = (&[4200, 2, 35], &[1, 0, 2]);

/// More lines side by side than are taken at once, and a line of several parts.
const WIDE: [(&[i64], &[usize]); 2] = [(&[3, 300], &[0, 1]), (&[9001], &[0])];

/// Applies `f` to each line of `x` along `dim`; `f` may change the length, to the same for all.
fn along(x: &Array, dim: usize, mut f: impl FnMut(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let n = x.sizes[dim] as usize;
    let inner: usize = x.sizes[dim + 1..].iter().product::<i64>() as usize;
    let outer: usize = x.sizes[..dim].iter().product::<i64>() as usize;
    let values = x.values();
    let mut results = vec![Vec::new(); outer * inner];
    for (i, result) in results.iter_mut().enumerate() {
        let line: Vec<f64> = (0..n).map(|j| values[(i / inner * n + j) * inner + i % inner]).collect();
        *result = f(&line);
    }
    let m = results.first().map_or(0, Vec::len);
    (0..outer * m * inner).map(|k| results[k / (m * inner) * inner + k % inner][k / inner % m]).collect()
}

#[test]
fn softmax_and_its_gradient() {
    for (sizes, order) in SHAPES.into_iter().chain([DEEP]) {
        for (d, tol) in FLOATS {
            let (x, g) = (sample(d, sizes, order, 1), sample(d, sizes, order, 2));
            for dim in 0..sizes.len() {
                for log in [false, true] {
                    let y = Array::zeros(d, sizes);
                    softmax(y.op(), x.op(), dim, log).unwrap();
                    let expected = along(&x, dim, |line| {
                        let sum: f64 = line.iter().map(|v| v.exp()).sum();
                        line.iter().map(|v| if log { v - sum.ln() } else { v.exp() / sum }).collect()
                    });
                    assert_close(&y.values(), &expected, tol, "softmax");
                    let gx = Array::zeros(d, sizes);
                    softmax_backward(gx.op(), g.op(), y.op(), dim, log).unwrap();
                    let (gs, ys) = (g.values(), y.values());
                    let products: Vec<f64> = ys.iter().zip(&gs).map(|(y, g)| y * g).collect();
                    let of = |v: &[f64]| Array::of(DType::F64, sizes, v);
                    let sums = along(&of(if log { &gs } else { &products }), dim, |l| vec![l.iter().sum(); l.len()]);
                    let expected: Vec<f64> = (0..gs.len())
                        .map(|i| if log { gs[i] - ys[i].exp() * sums[i] } else { ys[i] * (gs[i] - sums[i]) })
                        .collect();
                    assert_close(&gx.values(), &expected, 4.0 * tol, "softmax_backward");
                }
            }
        }
    }
}

#[test]
fn softmax_of_a_line_is_the_same_among_others() {
    for n in [1i64, 3, 8, 9, 16, 21, 31, 32] {
        for d in [DType::F32, DType::F64] {
            let (x, g) = (sample(d, &[21, n], &[0, 1], 1), sample(d, &[21, n], &[0, 1], 2));
            for log in [false, true] {
                let both = |x: &Array, g: &Array| {
                    let (y, gx) = (Array::zeros(d, &x.sizes), Array::zeros(d, &x.sizes));
                    softmax(y.op(), x.op(), 1, log).unwrap();
                    softmax_backward(gx.op(), g.op(), y.op(), 1, log).unwrap();
                    [y.values(), gx.values()]
                };
                let (together, (xs, gs)) = (both(&x, &g), (x.values(), g.values()));
                for at in (0..21).map(|i| i * n as usize..(i + 1) * n as usize) {
                    let line = |v: &[f64]| Array::of(d, &[1, n], &v[at.clone()]);
                    let alone = both(&line(&xs), &line(&gs));
                    assert_eq!(alone, together.clone().map(|v| v[at.clone()].to_vec()), "{d} {n} {log}");
                }
            }
        }
    }
}

#[test]
fn scans() {
    for (sizes, order) in SHAPES.into_iter().chain([WIDE[0]]) {
        for d in [DType::F32, DType::F64, DType::I16, DType::U8, DType::Bool, DType::I64] {
            let x = sample(d, sizes, order, 5);
            let (compute, tol) = if d.is_float() { (d, 2e-5) } else { (DType::I64, 0.0) };
            for dim in 0..sizes.len() {
                let out = Array::zeros(compute, sizes);
                cumulate(Scan::CumSum, compute, out.op(), x.op(), dim).unwrap();
                let scan = |l: &[f64]| {
                    l.iter()
                        .scan(0.0, |a, v| {
                            *a += v;
                            Some(*a)
                        })
                        .collect()
                };
                assert_close(&out.values(), &along(&x, dim, scan), tol, "cumsum");
                let (values, indices) = (Array::zeros(d, sizes), Array::zeros(DType::I64, sizes));
                cum_extreme(true, values.op(), indices.op(), x.op(), dim).unwrap();
                let best =
                    |l: &[f64], i: usize| (0..=i).rev().max_by(|&a, &b| l[a].total_cmp(&l[b]).then(a.cmp(&b))).unwrap();
                assert_close(
                    &values.values(),
                    &along(&x, dim, |l| (0..l.len()).map(|i| l[best(l, i)]).collect()),
                    0.0,
                    "cummax",
                );
                assert_close(
                    &indices.values(),
                    &along(&x, dim, |l| (0..l.len()).map(|i| best(l, i) as f64).collect()),
                    0.0,
                    "at",
                );
                if d.is_float() {
                    cumulate(Scan::LogCumSumExp, compute, out.op(), x.op(), dim).unwrap();
                    let scan = |l: &[f64]| {
                        l.iter()
                            .scan(0.0, |a, v| {
                                *a += v.exp();
                                Some(a.ln())
                            })
                            .collect()
                    };
                    assert_close(&out.values(), &along(&x, dim, scan), tol, "logcumsumexp");
                }
            }
        }
    }
}

#[test]
fn running_totals_keep_twice_the_precision() {
    for sizes in [[100_000, 1], [20_000, 40]] {
        let mut x = Array::zeros(DType::F32, &sizes);
        x.fill(|_| 0.1);
        let out = Array::zeros(DType::F32, &sizes);
        cumulate(Scan::CumSum, DType::F32, out.op(), x.op(), 0).unwrap();
        let exact = sizes[0] as f64 * 0.1f32 as f64;
        assert_eq!(out.values().last().copied(), Some(exact as f32 as f64));
    }
}

/// Places of a line in ascending order, NaN last, equal elements by place.
fn ascending(l: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..l.len()).collect();
    order.sort_by(|&a, &b| {
        l[a].is_nan().cmp(&l[b].is_nan()).then(l[a].partial_cmp(&l[b]).unwrap_or(std::cmp::Ordering::Equal))
    });
    order
}

#[test]
fn searches_and_sorting() {
    for (sizes, order) in SHAPES.into_iter().chain(WIDE) {
        for d in [DType::F32, DType::F64, DType::BF16, DType::I32, DType::U8, DType::U64, DType::Bool] {
            let mut x = sample(d, sizes, order, 6);
            if d == DType::F32 {
                let values = x.values();
                x.fill(|i| if i % 11 == 3 { f64::NAN } else { (values[i] * 4.0).round() });
            }
            for dim in 0..sizes.len() {
                let n = sizes[dim] as usize;
                let with = |k: usize| {
                    let mut sizes = sizes.to_vec();
                    sizes[dim] = k as i64;
                    (Array::zeros(d, &sizes), Array::zeros(DType::I64, &sizes))
                };
                for descending in [false, true] {
                    let (values, indices) = with(n);
                    sort(values.op(), indices.op(), x.op(), dim, descending).unwrap();
                    let places = |l: &[f64]| {
                        let mut order = ascending(l);
                        if descending {
                            order.sort_by(|&a, &b| {
                                l[b].is_nan()
                                    .cmp(&l[a].is_nan())
                                    .then(l[b].partial_cmp(&l[a]).unwrap_or(std::cmp::Ordering::Equal))
                                    .then(a.cmp(&b))
                            });
                        }
                        order
                    };
                    assert_close(
                        &values.values(),
                        &along(&x, dim, |l| places(l).iter().map(|&i| l[i]).collect()),
                        0.0,
                        "sort",
                    );
                    assert_close(
                        &indices.values(),
                        &along(&x, dim, |l| places(l).iter().map(|&i| i as f64).collect()),
                        0.0,
                        "places",
                    );
                    let k = n / 2;
                    let (values, indices) = with(k);
                    topk(values.op(), indices.op(), x.op(), k, dim, descending, true).unwrap();
                    assert_close(
                        &indices.values(),
                        &along(&x, dim, |l| places(l)[..k].iter().map(|&i| i as f64).collect()),
                        0.0,
                        "topk",
                    );
                }
                if n == 0 {
                    continue;
                }
                let first = |l: &[f64], want: fn(f64, f64) -> bool| {
                    l.iter()
                        .position(|v| v.is_nan())
                        .unwrap_or_else(|| (0..l.len()).fold(0, |b, i| if want(l[i], l[b]) { i } else { b }))
                };
                for (op, f) in [
                    (Seek::Max, &(|l: &[f64]| first(l, |a, b| a > b)) as &dyn Fn(&[f64]) -> usize),
                    (Seek::Min, &|l| first(l, |a, b| a < b)),
                    (Seek::Kth(n), &|l| ascending(l)[n - 1]),
                    (Seek::Median, &|l| l.iter().position(|v| v.is_nan()).unwrap_or_else(|| ascending(l)[(n - 1) / 2])),
                    (Seek::NanMedian, &|l| {
                        ascending(l)[l.iter().filter(|v| !v.is_nan()).count().max(1).div_ceil(2) - 1]
                    }),
                ] {
                    let (values, indices) = with(1);
                    arg_reduce(op, Some(values.op()), indices.op(), x.op(), dim).unwrap();
                    assert_close(
                        &indices.values(),
                        &along(&x, dim, |l| vec![f(l) as f64]),
                        0.0,
                        &format!("{op:?} {d}"),
                    );
                    assert_close(&values.values(), &along(&x, dim, |l| vec![l[f(l)]]), 0.0, "value");
                }
            }
        }
    }
    let x = Array::of(DType::I64, &[7], &[3.0, 1.0, 2.0, 1.0, 3.0, 0.0, 0.0]);
    let (value, index) = (Array::zeros(DType::I64, &[1]), Array::zeros(DType::I64, &[1]));
    arg_reduce(Seek::Mode, Some(value.op()), index.op(), x.op(), 0).unwrap();
    assert_eq!((value.values(), index.values()), (vec![0.0], vec![6.0]));
    assert!(arg_reduce(Seek::Kth(8), None, index.op(), x.op(), 0).is_err());
    assert!(arg_reduce(Seek::Max, None, index.op(), x.op(), 1).is_err());
}

/// The derivative of Σ g·f(x) in each element of x by central differences.
fn numeric(x: &Array, g: &Array, f: impl Fn(&Array) -> Vec<f64>) -> Vec<f64> {
    let values = x.values();
    let at = |i: usize, step: f64| {
        let mut moved = Array::zeros(DType::F64, &x.sizes);
        moved.fill(|k| values[k] + if k == i { step } else { 0.0 });
        f(&moved).iter().zip(g.values()).map(|(y, g)| y * g).sum::<f64>()
    };
    (0..values.len()).map(|i| (at(i, 1e-5) - at(i, -1e-5)) / 2e-5).collect()
}

#[test]
fn normalisation() {
    for (d, tol) in FLOATS {
        let (x, g) = (sample(d, &[70, 9], &[0, 1], 1), sample(d, &[70, 9], &[0, 1], 2));
        let (w, b) = (sample(d, &[9], &[0], 3), sample(d, &[9], &[0], 4));
        let stat = |n: i64| Array::zeros(if d == DType::F64 { d } else { DType::F32 }, &[n]);
        let forward = |x: &Array, w: &Array, b: &Array| {
            let (out, mean, rstd) = (Array::zeros(x.dtype, &x.sizes), stat(70), stat(70));
            layer_norm(out.op(), mean.op(), rstd.op(), x.op(), Some(w.op()), Some(b.op()), 1e-3).unwrap();
            (out, mean, rstd)
        };
        let (out, mean, rstd) = forward(&x, &w, &b);
        let (wv, bv) = (w.values(), b.values());
        let expected = along(&x, 1, |l| {
            let m = l.iter().sum::<f64>() / 9.0;
            let v = l.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / 9.0;
            l.iter().enumerate().map(|(i, x)| (x - m) / (v + 1e-3).sqrt() * wv[i] + bv[i]).collect()
        });
        assert_close(&out.values(), &expected, 4.0 * tol, "layer_norm");
        let (gx, gw, gb) = (Array::zeros(d, &x.sizes), Array::zeros(d, &[9]), Array::zeros(d, &[9]));
        layer_norm_backward(gx.op(), Some(gw.op()), Some(gb.op()), g.op(), x.op(), mean.op(), rstd.op(), Some(w.op()))
            .unwrap();
        if d == DType::F64 {
            assert_close(&gx.values(), &numeric(&x, &g, |x| forward(x, &w, &b).0.values()), 1e-7, "gx");
            assert_close(&gw.values(), &numeric(&w, &g, |w| forward(&x, w, &b).0.values()), 1e-7, "gw");
            assert_close(&gb.values(), &numeric(&b, &g, |b| forward(&x, &w, b).0.values()), 1e-7, "gb");
        }
        for (sizes, order) in [([6, 9, 5], [0, 1, 2]), ([11, 9, 1], [0, 1, 2]), ([3, 9, 4], [0, 2, 1])] {
            let (x, g) = (sample(d, &sizes, &order, 5), sample(d, &sizes, &order, 6));
            let forward = |x: &Array, w: &Array, b: &Array| {
                let (mut mean, mut var) = (stat(9), stat(9));
                (mean.sizes, mean.strides) = (vec![1, 9, 1], vec![9, 1, 1]);
                (var.sizes, var.strides) = (mean.sizes.clone(), mean.strides.clone());
                batch_statistics(mean.op(), var.op(), x.op()).unwrap();
                let rstd = stat(9);
                for stat in [&mut mean, &mut var] {
                    (stat.sizes, stat.strides) = (vec![9], vec![1]);
                }
                reciprocal_deviation(rstd.op(), var.op(), 1e-3).unwrap();
                let out = Array::zeros(x.dtype, &sizes);
                batch_norm(out.op(), x.op(), mean.op(), rstd.op(), Some(w.op()), Some(b.op())).unwrap();
                (out, mean, rstd)
            };
            let (out, mean, rstd) = forward(&x, &w, &b);
            let (m, r) = (mean.values(), rstd.values());
            let channel = |i: usize| i / sizes[2] as usize % 9;
            let expected: Vec<f64> = x
                .values()
                .iter()
                .enumerate()
                .map(|(i, v)| (v - m[channel(i)]) * r[channel(i)] * wv[channel(i)] + bv[channel(i)])
                .collect();
            assert_close(&out.values(), &expected, 4.0 * tol, "batch_norm");
            let (gx, gw, gb) = (Array::zeros(d, &sizes), Array::zeros(d, &[9]), Array::zeros(d, &[9]));
            for training in [false, true] {
                batch_norm_backward(
                    Some(gx.op()),
                    Some(gw.op()),
                    Some(gb.op()),
                    g.op(),
                    x.op(),
                    mean.op(),
                    rstd.op(),
                    Some(w.op()),
                    training,
                )
                .unwrap();
                if d == DType::F64 {
                    let fixed = |x: &Array| {
                        let out = Array::zeros(d, &sizes);
                        batch_norm(out.op(), x.op(), mean.op(), rstd.op(), Some(w.op()), Some(b.op())).unwrap();
                        out.values()
                    };
                    let expected = if training {
                        numeric(&x, &g, |x| forward(x, &w, &b).0.values())
                    } else {
                        numeric(&x, &g, fixed)
                    };
                    assert_close(&gx.values(), &expected, 1e-7, "batch gx");
                    assert_close(&gw.values(), &numeric(&w, &g, |w| forward(&x, w, &b).0.values()), 1e-7, "batch gw");
                    assert_close(&gb.values(), &numeric(&b, &g, |b| forward(&x, &w, b).0.values()), 1e-7, "batch gb");
                }
            }
        }
    }
}

#[test]
fn class_losses() {
    let x = sample(DType::F64, &[2, 4, 3], &[0, 1, 2], 1);
    let target = Array::of(DType::I64, &[2, 3], &[0.0, 3.0, -100.0, 2.0, 2.0, 1.0]);
    let w = Array::of(DType::F64, &[4], &[0.5, 1.0, 2.0, 4.0]);
    let (t, wv) = (target.values(), w.values());
    let losses = |x: &Array| -> Vec<f64> {
        let v = x.values();
        (0..6)
            .map(|i| if t[i] < 0.0 { 0.0 } else { -wv[t[i] as usize] * v[(i / 3 * 4 + t[i] as usize) * 3 + i % 3] })
            .collect()
    };
    let weight: f64 = t.iter().filter(|&&t| t >= 0.0).map(|&t| wv[t as usize]).sum();
    for (reduction, sizes) in [(Reduction::None, vec![2, 3]), (Reduction::Mean, vec![]), (Reduction::Sum, vec![])] {
        let value = |x: &Array| match reduction {
            Reduction::None => losses(x),
            Reduction::Mean => vec![losses(x).iter().sum::<f64>() / weight],
            Reduction::Sum => vec![losses(x).iter().sum()],
        };
        let (out, total) = (Array::zeros(DType::F64, &sizes), Array::zeros(DType::F64, &[]));
        nll_loss(out.op(), total.op(), x.op(), target.op(), Some(w.op()), reduction, -100).unwrap();
        assert_close(&out.values(), &value(&x), 1e-14, "nll_loss");
        assert_eq!(total.values(), [weight]);
        let (g, gx) =
            (sample(DType::F64, &sizes, &(0..sizes.len()).collect::<Vec<_>>(), 3), Array::zeros(DType::F64, &x.sizes));
        nll_loss_backward(gx.op(), g.op(), target.op(), Some(w.op()), total.op(), reduction, -100).unwrap();
        assert_close(&gx.values(), &numeric(&x, &g, value), 1e-8, "nll_loss_backward");
    }
    let bad = Array::of(DType::I64, &[2, 3], &[0.0, 7.0, 0.0, 0.0, 0.0, 0.0]);
    let out = Array::zeros(DType::F64, &[]);
    let error = nll_loss(out.op(), out.op(), x.op(), bad.op(), None, Reduction::Sum, -100).unwrap_err();
    assert_eq!(error.message(), "Target 7 is out of bounds.");
}

#[test]
fn same_bits_on_every_path() {
    let x = sample(DType::F32, &[90, 1500], &[0, 1], 8);
    let w = sample(DType::F32, &[1500], &[0], 9);
    let run = |threads: usize, path: Isa| {
        let best = isa::isa();
        pool::set_num_threads(threads);
        assert!(isa::force(path), "{path:?}");
        let [a, b, c, d] = [0; 4].map(|_| Array::zeros(DType::F32, &[90, 1500]));
        let [mean, rstd] = [0; 2].map(|_| Array::zeros(DType::F32, &[90]));
        let [gw, gb] = [0; 2].map(|_| Array::zeros(DType::F32, &[1500]));
        softmax(a.op(), x.op(), 1, false).unwrap();
        softmax(b.op(), x.op(), 0, true).unwrap();
        layer_norm(c.op(), mean.op(), rstd.op(), x.op(), Some(w.op()), None, 1e-5).unwrap();
        layer_norm_backward(d.op(), Some(gw.op()), Some(gb.op()), c.op(), x.op(), mean.op(), rstd.op(), Some(w.op()))
            .unwrap();
        assert!(isa::force(best));
        [a, b, c, d, mean, rstd, gw, gb].map(|r| r.bits().to_vec())
    };
    let expected = run(1, isa::isa());
    assert!(expected == run(2, isa::isa()) && expected == run(1, Isa::Portable));
}

#[test]
fn long_lines_in_order() {
    // Values that differ above 32 bits, below them, in a few bits, or not at all.
    let kinds: [fn(u64, usize) -> u64; 5] = [
        |r, _| r.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        |r, i| ((r % 3) << 60) | ((i as u64 * 7919) % 1000),
        |r, i| if i == 0 { u64::MAX >> 2 } else { r % 5000 },
        |r, _| r % 5,
        |_, _| 7,
    ];
    for length in [255, 300, 2000, 20_000] {
        for kind in kinds {
            let mut next = common::random(length as u64);
            let line: Vec<u64> = (0..length).map(|i| kind(next(), i)).collect();
            for (dtype, as_float) in [(DType::I64, false), (DType::F64, true)] {
                let mut x = Array::zeros(DType::I64, &[length as i64]);
                x.fill_bits(&line);
                x.dtype = dtype;
                let number = |i: usize| if as_float { f64::from_bits(line[i]) } else { 0.0 };
                let compare = |&a: &usize, &b: &usize| match as_float {
                    true => number(a)
                        .is_nan()
                        .cmp(&number(b).is_nan())
                        .then(number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal)),
                    false => (line[a] as i64).cmp(&(line[b] as i64)),
                };
                for descending in [false, true] {
                    let mut expected: Vec<usize> = (0..length).collect();
                    expected.sort_by(|a, b| if descending { compare(b, a) } else { compare(a, b) });
                    for k in [length, 3, length / 30] {
                        let sizes = [k as i64];
                        let (values, indices) = (Array::zeros(dtype, &sizes), Array::zeros(DType::I64, &sizes));
                        topk(values.op(), indices.op(), x.op(), k, 0, descending, true).unwrap();
                        assert_eq!(indices.bits()[..k], expected[..k].iter().map(|&i| i as u64).collect::<Vec<_>>());
                        assert_eq!(values.bits()[..k], expected[..k].iter().map(|&i| line[i]).collect::<Vec<_>>());
                    }
                }
            }
        }
    }
}
