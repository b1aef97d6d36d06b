//! Indexing against naive loops: every dtype, layouts, duplicates, bounds, the same bits on every number of threads.

mod common;

use common::{Array, random, sample};
use corten_base::{DType, Kind, Scalar, dtype, pool};
use corten_index::*;

/// Random int64 indices of [low, high).
fn indices(sizes: &[i64], low: i64, high: i64, seed: u64) -> Array {
    let mut next = random(seed);
    let count = sizes.iter().product::<i64>() as usize;
    let values: Vec<f64> = (0..count).map(|_| (low + next() as i64 % (high - low)) as f64).collect();
    Array::of(DType::I64, sizes, &values)
}

/// Row-major coordinates of every element.
fn coordinates(sizes: &[i64]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &size in sizes {
        all = all.iter().flat_map(|c: &Vec<usize>| (0..size as usize).map(move |i| [&c[..], &[i]].concat())).collect();
    }
    all
}

fn flat(at: &[usize], sizes: &[i64]) -> usize {
    at.iter().zip(sizes).fold(0, |f, (&i, &s)| f * s as usize + i)
}

#[test]
fn advanced_indexing() {
    for d in dtype::ALL {
        let x = sample(d, &[5, 4, 3], &[2, 0, 1], 1);
        let (i, j) = (indices(&[2, 6], -5, 5, 2), indices(&[2, 6], -4, 4, 3));
        let out = Array::zeros(d, &[2, 6, 3]);
        gather_nd(out.op(), x.op(), &[i.op(), j.op()]).unwrap();
        let (xv, iv, jv) = (x.values(), i.values(), j.values());
        let wrap = |v: f64, n: i64| (if v < 0.0 { v as i64 + n } else { v as i64 }) as usize;
        let place = |k: usize| (wrap(iv[k / 3], 5) * 4 + wrap(jv[k / 3], 4)) * 3 + k % 3;
        assert_eq!(out.values(), (0..36).map(|k| xv[place(k)]).collect::<Vec<_>>());
        let values = sample(d, &[2, 6, 3], &[0, 1, 2], 4);
        for accumulate in [false, true] {
            let y = x.clone();
            scatter_nd(y.op(), values.op(), &[i.op(), j.op()], accumulate).unwrap();
            let mut expected = xv.clone();
            for (k, v) in values.values().into_iter().enumerate() {
                let at = &mut expected[place(k)];
                *at = if !accumulate {
                    v
                } else if d == DType::Bool {
                    f64::from(*at + v > 0.0)
                } else {
                    *at + v
                };
            }
            let tolerance = if d == DType::BF16 {
                0.05
            } else if d == DType::F16 {
                5e-3
            } else {
                1e-6
            };
            common::assert_close(&y.values(), &expected, tolerance, "scatter_nd");
        }
        let single = Array::zeros(d, &[2, 6, 4, 3]);
        gather_nd(single.op(), x.op(), &[i.op()]).unwrap();
        assert_eq!(single.values()[7], xv[wrap(iv[0], 5) * 12 + 7]);
    }
    let x = sample(DType::F32, &[3], &[0], 1);
    let out = Array::zeros(DType::F32, &[1]);
    for bad in [5.0, -4.0] {
        let error = gather_nd(out.op(), x.op(), &[Array::of(DType::I64, &[1], &[bad]).op()]).unwrap_err();
        assert_eq!(error.kind(), Kind::Index);
        assert_eq!(error.message(), format!("index {bad} is out of bounds for dimension 0 with size 3"));
    }
    assert!(gather_nd(out.op(), x.op(), &[]).is_err());
    assert!(gather_nd(Array::zeros(DType::F32, &[2]).op(), x.op(), &[indices(&[1], 0, 3, 1).op()]).is_err());
}

#[test]
fn gather_and_scatter() {
    for dim in 0..2 {
        for d in [DType::F32, DType::I16, DType::F64, DType::BF16, DType::C128] {
            let x = sample(d, &[6, 7], &[1, 0], 1);
            let index = indices(&[4, 5], 0, 6, 2);
            let (out, source) = (Array::zeros(d, &[4, 5]), sample(d, &[4, 5], &[0, 1], 3));
            gather(out.op(), x.op(), dim, index.op()).unwrap();
            let (xv, iv, sv) = (x.values(), index.values(), source.values());
            let place = |k: usize| if dim == 0 { iv[k] as usize * 7 + k % 5 } else { k / 5 * 7 + iv[k] as usize };
            assert_eq!(out.values(), (0..20).map(|k| xv[place(k)]).collect::<Vec<_>>());
            for join in [Join::Replace, Join::Add, Join::Mul, Join::Mean, Join::Amax, Join::Amin] {
                for include in [true, false] {
                    if d.is_complex() && join != Join::Replace {
                        continue;
                    }
                    let y = x.clone();
                    scatter(y.op(), dim, index.op(), Source::Operand(source.op()), join, include).unwrap();
                    let mut lists: Vec<Vec<f64>> = vec![vec![]; 42];
                    (0..20).for_each(|k| lists[place(k)].push(sv[k]));
                    let expected: Vec<f64> = lists
                        .iter()
                        .zip(&xv)
                        .map(|(list, &old)| {
                            if list.is_empty() {
                                return old;
                            }
                            let all: Vec<f64> = if include { [&[old], &list[..]].concat() } else { list.clone() };
                            let n = all.len() as f64;
                            match join {
                                Join::Replace => list[list.len() - 1],
                                Join::Add => all.iter().sum(),
                                Join::Mul => all.iter().product(),
                                Join::Mean if d == DType::I16 => (all.iter().sum::<f64>() / n).floor(),
                                Join::Mean => all.iter().sum::<f64>() / n,
                                Join::Amax => all.iter().copied().fold(f64::MIN, f64::max),
                                Join::Amin => all.iter().copied().fold(f64::MAX, f64::min),
                            }
                        })
                        .collect();
                    common::assert_close(
                        &y.values(),
                        &expected,
                        if d == DType::BF16 { 0.05 } else { 1e-6 },
                        &format!("{join:?}"),
                    );
                }
            }
            let y = x.clone();
            scatter(y.op(), dim, index.op(), Source::Scalar(Scalar::Int(2)), Join::Replace, true).unwrap();
            assert!((0..20).all(|k| y.values()[place(k)] == 2.0));
        }
    }
    let x = sample(DType::F32, &[3, 3], &[0, 1], 1);
    let bad = Array::of(DType::I64, &[1, 1], &[3.0]);
    assert!(gather(Array::zeros(DType::F32, &[1, 1]).op(), x.op(), 0, bad.op()).is_err());
    assert!(scatter(x.op(), 0, bad.op(), Source::Scalar(Scalar::Int(0)), Join::Add, true).is_err());
}

#[test]
fn long_lines_are_checked_as_a_whole() {
    // Several pieces and tasks, along either dimension, and one index that is wrong, wherever it stands.
    let (rows, columns) = (150, 203);
    let count = (rows * columns) as usize;
    let (x, source) =
        (sample(DType::F32, &[rows, columns], &[0, 1], 1), sample(DType::F32, &[rows, columns], &[0, 1], 2));
    for dim in 0..2 {
        let index = indices(&[rows, columns], 0, if dim == 0 { rows } else { columns }, 3);
        let place = |k: usize, i: usize| if dim == 0 { i * 203 + k % 203 } else { k / 203 * 203 + i };
        let (chosen, xv, values) = (index.values(), x.values(), source.values());
        for threads in [1, 2] {
            pool::set_num_threads(threads);
            let out = Array::zeros(DType::F32, &[rows, columns]);
            gather(out.op(), x.op(), dim, index.op()).unwrap();
            assert_eq!(out.values(), (0..count).map(|k| xv[place(k, chosen[k] as usize)]).collect::<Vec<_>>());
            let y = x.clone();
            scatter(y.op(), dim, index.op(), Source::Operand(source.op()), Join::Add, true).unwrap();
            let mut expected: Vec<f32> = xv.iter().map(|&v| v as f32).collect();
            (0..count).for_each(|k| expected[place(k, chosen[k] as usize)] += values[k] as f32);
            assert_eq!(y.values(), expected.into_iter().map(f64::from).collect::<Vec<_>>());
            for at in [0, 63, 64, 202, 203, 16_384, count - 1] {
                for wrong in [-1.0, 203.0] {
                    let mut bad = chosen.clone();
                    bad[at] = wrong;
                    let bad = Array::of(DType::I64, &[rows, columns], &bad);
                    let error = gather(out.op(), x.op(), dim, bad.op()).unwrap_err();
                    assert!(
                        error.message().starts_with(&format!("index {wrong} is out of bounds for dimension {dim}"))
                    );
                    let y = x.clone();
                    assert!(scatter(y.op(), dim, bad.op(), Source::Operand(source.op()), Join::Add, true).is_err());
                    assert_eq!(y.bits(), x.bits());
                }
            }
        }
    }
}

#[test]
fn slices_along_a_dimension() {
    for dim in 0..3 {
        for d in [DType::F32, DType::U8, DType::F16, DType::C128] {
            let x = sample(d, &[6, 6, 6], &[0, 2, 1], 1);
            let index = indices(&[9], 0, 6, 2);
            let iv = index.values();
            let mut sizes = vec![6, 6, 6];
            sizes[dim] = 9;
            let out = Array::zeros(d, &sizes);
            index_select(out.op(), x.op(), dim, index.op()).unwrap();
            let (xv, at) = (x.values(), coordinates(&sizes));
            let place = |c: &Vec<usize>| {
                let mut c = c.clone();
                c[dim] = iv[c[dim]] as usize;
                flat(&c, &[6, 6, 6])
            };
            assert_eq!(out.values(), at.iter().map(|c| xv[place(c)]).collect::<Vec<_>>());
            let source = sample(d, &sizes, &[2, 1, 0], 3);
            let (copied, added, filled) = (x.clone(), x.clone(), x.clone());
            index_copy(copied.op(), dim, index.op(), source.op()).unwrap();
            index_add(added.op(), dim, index.op(), source.op(), Scalar::Int(2)).unwrap();
            index_fill(filled.op(), dim, index.op(), Scalar::Int(1)).unwrap();
            let (mut a, mut b, mut f) = (xv.clone(), xv.clone(), xv.clone());
            // In the index's order: coordinates sorted by their place along `dim` first.
            let mut order: Vec<usize> = (0..at.len()).collect();
            order.sort_by_key(|&k| at[k][dim]);
            for k in order {
                a[place(&at[k])] = source.values()[k];
                b[place(&at[k])] += 2.0 * source.values()[k];
                f[place(&at[k])] = 1.0;
            }
            assert_eq!(copied.values(), a);
            assert_eq!(filled.values(), f);
            common::assert_close(&added.values(), &b, if d == DType::F16 { 2e-2 } else { 1e-6 }, "index_add");
        }
    }
    let x = sample(DType::F32, &[3], &[0], 1);
    let error = index_select(Array::zeros(DType::F32, &[1]).op(), x.op(), 0, Array::of(DType::I64, &[1], &[-1.0]).op());
    assert_eq!(error.unwrap_err().message(), "index out of range in self");
}

#[test]
fn take_put_and_embedding() {
    let x = sample(DType::F32, &[4, 5], &[1, 0], 1);
    let index = indices(&[3, 7], -20, 20, 2);
    let out = Array::zeros(DType::F32, &[3, 7]);
    take(out.op(), x.op(), index.op()).unwrap();
    let (xv, iv) = (x.values(), index.values());
    let place = |k: usize| iv[k].rem_euclid(20.0) as usize;
    assert_eq!(out.values(), (0..21).map(|k| xv[place(k)]).collect::<Vec<_>>());
    let source = sample(DType::F32, &[21], &[0], 3);
    for accumulate in [false, true] {
        let y = x.clone();
        put(y.op(), index.op(), source.op(), accumulate).unwrap();
        let mut expected = xv.clone();
        for (k, v) in source.values().into_iter().enumerate() {
            expected[place(k)] = if accumulate { expected[place(k)] + v } else { v };
        }
        common::assert_close(&y.values(), &expected, 1e-6, "put");
    }
    assert!(take(out.op(), x.op(), Array::of(DType::I64, &[3, 7], &[20.0; 21]).op()).is_err());
    let (words, g) = (indices(&[40, 10], 0, 12, 4), sample(DType::F32, &[40, 10, 300], &[0, 1, 2], 5));
    let run = |threads: usize| {
        pool::set_num_threads(threads);
        let gw = sample(DType::F32, &[12, 300], &[0, 1], 6);
        embedding_backward(gw.op(), g.op(), words.op(), Some(-3)).unwrap();
        gw
    };
    let gw = run(1);
    let mut expected = vec![0.0; 3600];
    for (k, v) in g.values().into_iter().enumerate() {
        let row = words.values()[k / 300] as usize;
        expected[row * 300 + k % 300] += if row == 9 { 0.0 } else { v };
    }
    common::assert_close(&gw.values(), &expected, 1e-5, "embedding_backward");
    assert_eq!(gw.bits(), run(2).bits());
}

#[test]
fn masks() {
    for d in dtype::ALL {
        let x = sample(d, &[7, 9], &[1, 0], 1);
        let mask = sample(DType::Bool, &[7, 9], &[0, 1], 2);
        let (xv, mv) = (x.values(), mask.values());
        let chosen = Chosen::of(&mask.op()).unwrap();
        assert_eq!(chosen.count(), mv.iter().filter(|&&m| m == 1.0).count());
        let out = Array::zeros(d, &[chosen.count() as i64]);
        masked_select(out.op(), x.op(), mask.op(), &chosen).unwrap();
        let chosen: Vec<f64> = (0..63).filter(|&i| mv[i] == 1.0).map(|i| xv[i]).collect();
        assert_eq!(out.values(), chosen);
        let y = x.clone();
        masked_fill(y.op(), mask.op(), Scalar::Int(1)).unwrap();
        assert_eq!(y.values(), (0..63).map(|i| if mv[i] == 1.0 { 1.0 } else { xv[i] }).collect::<Vec<_>>());
        let source = sample(d, &[8, 8], &[1, 0], 3);
        masked_scatter(y.op(), mask.op(), source.op()).unwrap();
        let mut next = source.values().into_iter();
        assert_eq!(
            y.values(),
            (0..63).map(|i| if mv[i] == 1.0 { next.next().unwrap() } else { xv[i] }).collect::<Vec<_>>()
        );
        let chosen = Chosen::of(&x.op()).unwrap();
        let found = Array::zeros(DType::I64, &[chosen.count() as i64, 2]);
        nonzero(found.op(), x.op(), &chosen).unwrap();
        let expected: Vec<f64> =
            (0..63).filter(|&i| xv[i] != 0.0).flat_map(|i| [(i / 9) as f64, (i % 9) as f64]).collect();
        assert_eq!(found.values(), expected);
    }
    let scalar = Array::of(DType::F32, &[], &[2.0]);
    nonzero(Array::zeros(DType::I64, &[1, 0]).op(), scalar.op(), &Chosen::of(&scalar.op()).unwrap()).unwrap();
    let x = sample(DType::F32, &[4], &[0], 1);
    assert!(masked_fill(x.op(), x.op(), Scalar::Int(0)).is_err());
    let mask = Array::of(DType::Bool, &[4], &[1.0; 4]);
    assert!(
        masked_select(Array::zeros(DType::F32, &[3]).op(), x.op(), mask.op(), &Chosen::of(&mask.op()).unwrap())
            .is_err()
    );
    assert!(masked_scatter(x.op(), mask.op(), Array::zeros(DType::F32, &[3]).op()).is_err());
}

#[test]
fn rearrangements() {
    for d in [DType::F32, DType::U8, DType::BF16, DType::C128] {
        let sizes = [4, 5, 6];
        let x = sample(d, &sizes, &[1, 0, 2], 1);
        let (xv, at) = (x.values(), coordinates(&sizes));
        let check = |out: &Array, from: &dyn Fn(&[usize]) -> Option<Vec<usize>>| {
            let expected: Vec<f64> = at.iter().map(|c| from(c).map_or(0.0, |c| xv[flat(&c, &sizes)])).collect();
            assert_eq!(out.values(), expected);
        };
        let out = Array::zeros(d, &sizes);
        flip(out.op(), x.op(), &[0, 2]).unwrap();
        check(&out, &|c| Some(vec![3 - c[0], c[1], 5 - c[2]]));
        roll(out.op(), x.op(), &[-1, 7, 0]).unwrap();
        check(&out, &|c| Some(vec![(c[0] + 1) % 4, (c[1] + 3) % 5, c[2]]));
        for k in [-9, -2, 0, 1, 3, i64::MAX, i64::MIN] {
            let kept = |c: &[usize], lower: bool| {
                let diagonal = c[2] as i64 - c[1] as i64;
                if lower { diagonal <= k } else { diagonal >= k }
            };
            tril(out.op(), x.op(), k).unwrap();
            check(&out, &|c| kept(c, true).then(|| c.to_vec()));
            triu(out.op(), x.op(), k).unwrap();
            check(&out, &|c| kept(c, false).then(|| c.to_vec()));
        }
        let (y, z) = (sample(d, &[4, 12, 6], &[0, 1, 2], 2), sample(d, &[4, 15, 6], &[0, 1, 2], 3));
        let joined = Array::zeros(d, &[4, 27, 6]);
        assert!(cat(joined.op(), &[y.op(), z.op()], 1).unwrap());
        let expected: Vec<f64> = coordinates(&[4, 27, 6])
            .iter()
            .map(|c| match c[1] {
                i @ ..12 => y.values()[flat(&[c[0], i, c[2]], &[4, 12, 6])],
                i => z.values()[flat(&[c[0], i - 12, c[2]], &[4, 15, 6])],
            })
            .collect();
        assert_eq!(joined.values(), expected);
        assert!(cat(joined.op(), &[x.op()], 1).is_err() && flip(out.op(), x.op(), &[1, 1]).is_err());
    }
}

#[test]
fn windows_and_counts() {
    let window = Window { kernel: [3, 2], dilation: [1, 2], padding: [1, 0], stride: [2, 1] };
    let x = sample(DType::F64, &[2, 3, 5, 6], &[0, 1, 2, 3], 1);
    let [rows, across] = window.counts([5, 6]).unwrap();
    assert_eq!([rows, across], [3, 4]);
    let columns = Array::zeros(DType::F64, &[2, 18, 12]);
    unfold(columns.op(), x.op(), window).unwrap();
    // Column (c, ky, kx) of window (y, x).
    let (xv, cv) = (x.values(), columns.values());
    for at in coordinates(&[2, 3, 3, 2, 3, 4]) {
        let (y, xx) = ((at[4] * 2 + at[2]) as i64 - 1, at[5] + at[3] * 2);
        let expected = if (0..5).contains(&y) { xv[((at[0] * 3 + at[1]) * 5 + y as usize) * 6 + xx] } else { 0.0 };
        assert_eq!(cv[flat(&at, &[2, 3, 3, 2, 3, 4])], expected);
    }
    // fold is the transpose of unfold.
    let (g, back) = (sample(DType::F64, &[2, 18, 12], &[0, 1, 2], 2), Array::zeros(DType::F64, &[2, 3, 5, 6]));
    fold(back.op(), g.op(), window).unwrap();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert!((dot(&cv, &g.values()) - dot(&xv, &back.values())).abs() < 1e-12);
    assert!(Window { kernel: [9, 9], ..window }.counts([5, 6]).is_err());

    let x = Array::of(DType::I64, &[6], &[3.0, 1.0, 3.0, 0.0, 5.0, 3.0]);
    let (out, w) = (Array::zeros(DType::I64, &[7]), Array::of(DType::F32, &[6], &[0.5, 1.0, 2.0, 3.0, 4.0, 5.0]));
    assert_eq!(extent(x.op()).unwrap(), Some((0, 5)));
    bincount(out.op(), x.op(), None).unwrap();
    assert_eq!(out.values(), [1.0, 1.0, 0.0, 3.0, 0.0, 1.0, 0.0]);
    let weighed = Array::zeros(DType::F64, &[6]);
    bincount(weighed.op(), x.op(), Some(w.op())).unwrap();
    assert_eq!(weighed.values(), [3.0, 1.0, 0.0, 7.5, 0.0, 4.0]);
    assert!(bincount(Array::zeros(DType::I64, &[5]).op(), x.op(), None).is_err());
    let bins = Array::zeros(DType::F32, &[4]);
    histc(bins.op(), Array::of(DType::F32, &[6], &[0.0, 0.9, 1.0, 4.0, 4.1, f64::NAN]).op(), 0.0, 4.0).unwrap();
    assert_eq!(bins.values(), [2.0, 1.0, 0.0, 1.0]);
    let repeats = Array::of(DType::I64, &[3], &[2.0, 0.0, 3.0]);
    let places = Array::zeros(DType::I64, &[5]);
    repeat_indices(places.op(), repeats.op()).unwrap();
    assert_eq!(places.values(), [0.0, 0.0, 2.0, 2.0, 2.0]);
    assert!(repeat_indices(Array::zeros(DType::I64, &[4]).op(), repeats.op()).is_err());
}

#[test]
fn searches() {
    for dtype in [DType::I64, DType::U64, DType::F32, DType::F64] {
        let sequence = Array::of(dtype, &[5], &[1.0, 3.0, 3.0, 5.0, 9.0]);
        let x = Array::of(dtype, &[2, 4], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 9.0, 10.0]);
        let out = Array::zeros(DType::I64, &[2, 4]);
        search(out.op(), sequence.op(), x.op(), false).unwrap();
        assert_eq!(out.values(), [0.0, 0.0, 1.0, 1.0, 3.0, 3.0, 4.0, 5.0]);
        search(out.op(), sequence.op(), x.op(), true).unwrap();
        assert_eq!(out.values(), [0.0, 1.0, 1.0, 3.0, 3.0, 4.0, 5.0, 5.0]);
    }
    // A sequence a line, in another layout; not-a-number behind all; no sequence.
    let mut lines = Array::ordered(DType::F64, &[2, 3], &[1, 0]);
    lines.fill(|i| [1.0, 2.0, 3.0, 2.0, 4.0, 6.0][i]);
    let x = Array::of(DType::F64, &[2, 2], &[2.5, f64::NAN, 2.5, 7.0]);
    let out = Array::zeros(DType::I64, &[2, 2]);
    search(out.op(), lines.op(), x.op(), false).unwrap();
    assert_eq!(out.values(), [2.0, 3.0, 1.0, 3.0]);
    search(out.op(), Array::zeros(DType::F64, &[0]).op(), x.op(), false).unwrap();
    assert_eq!(out.values(), [0.0; 4]);
    assert!(search(out.op(), Array::zeros(DType::F32, &[3]).op(), x.op(), false).is_err());
    assert!(search(out.op(), Array::zeros(DType::F64, &[3, 2]).op(), x.op(), false).is_err());
}
