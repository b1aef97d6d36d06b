//! Borders against a naive loop: every mode, dtypes, layouts, cuts, bounds, the same bits on every number of threads.

mod common;

use common::{Array, sample};
use corten_base::{DType, dtype, pool};
use corten_index::{Edge, border, border_backward};

const EDGES: [Edge; 3] = [Edge::Reflect, Edge::Replicate, Edge::Circular];

/// The place inside that place `i` of a dimension shows, with `before` and `after` elements around `size`.
fn shown(edge: Edge, i: i64, size: i64, before: i64, after: i64) -> i64 {
    let (mut at, first, end) = (i - before, (-before).max(0), size - (-after).max(0));
    match edge {
        Edge::Reflect if at < 0 => -at,
        Edge::Reflect if at >= size => 2 * (size - 1) - at,
        Edge::Replicate => at.clamp(0, size - 1),
        Edge::Circular => {
            while at < first {
                at += end - first;
            }
            while at >= end {
                at -= end - first;
            }
            at
        }
        Edge::Reflect => at,
    }
}

#[test]
fn shows_and_adds_up() {
    let sizes = [2i64, 3, 4, 5];
    for edge in EDGES {
        for (before, after) in
            [([0, 0, 2, 1], [0, 0, 1, 3]), ([0, 1, -1, 2], [0, 2, 2, -1]), ([0, 0, -3, 0], [0, 0, 0, -2])]
        {
            let wide: Vec<i64> = (0..4).map(|d| sizes[d] + before[d] + after[d]).collect();
            let from: Vec<usize> = (0..wide.iter().product::<i64>())
                .map(|number| {
                    let (mut rest, mut place, mut step) = (number, 0, 1);
                    for d in (0..4).rev() {
                        place += step * shown(edge, rest % wide[d], sizes[d], before[d], after[d]);
                        (rest, step) = (rest / wide[d], step * sizes[d]);
                    }
                    place as usize
                })
                .collect();
            for dtype in dtype::ALL {
                for order in [[0, 1, 2, 3], [0, 2, 3, 1], [3, 1, 0, 2]] {
                    let x = sample(dtype, &sizes, &order, 1);
                    let out = Array::ordered(dtype, &wide, &order);
                    border(out.op(), x.op(), edge, &before).unwrap();
                    let values = x.values();
                    assert_eq!(out.values(), from.iter().map(|&at| values[at]).collect::<Vec<_>>());
                }
                let g = sample(dtype, &wide, &[0, 1, 2, 3], 2);
                let out = Array::ordered(dtype, &sizes, &[0, 2, 3, 1]);
                border_backward(out.op(), g.op(), edge, &before).unwrap();
                let mut sums = vec![0.0; values_of(&sizes)];
                from.iter().zip(g.values()).for_each(|(&at, g)| sums[at] += g);
                if dtype == DType::Bool {
                    sums.iter_mut().for_each(|sum| *sum = f64::from(*sum > 0.0));
                }
                if dtype.is_float() || dtype.is_complex() || dtype == DType::Bool {
                    let tolerance = if dtype.size() == 2 { 0.1 } else { 1e-5 };
                    common::assert_close(&out.values(), &sums, tolerance, "border_backward");
                }
            }
        }
    }
}

fn values_of(sizes: &[i64]) -> usize {
    sizes.iter().product::<i64>() as usize
}

#[test]
fn same_bits_on_every_number_of_threads() {
    let (x, g) = (sample(DType::F32, &[40, 50, 60], &[0, 1, 2], 1), sample(DType::F32, &[40, 58, 70], &[0, 1, 2], 2));
    for edge in EDGES {
        let bits = [1, 2, 3].map(|threads| {
            pool::set_num_threads(threads);
            let (out, gx) = (Array::zeros(DType::F32, &[40, 58, 70]), Array::zeros(DType::F32, &[40, 50, 60]));
            border(out.op(), x.op(), edge, &[0, 3, 6]).unwrap();
            border_backward(gx.op(), g.op(), edge, &[0, 3, 6]).unwrap();
            (out.bits().to_vec(), gx.bits().to_vec())
        });
        assert!(bits[0] == bits[1] && bits[0] == bits[2]);
    }
}

#[test]
fn mistakes() {
    let x = Array::zeros(DType::F32, &[2, 3]);
    let run = |sizes: &[i64], edge, before: &[i64]| border(Array::zeros(DType::F32, sizes).op(), x.op(), edge, before);
    assert!(run(&[2, 7], Edge::Reflect, &[0, 2]).is_ok());
    // More than there is, other dimensions, too far, too many.
    assert!(run(&[2, 8], Edge::Reflect, &[0, 3]).is_err());
    assert!(run(&[2, 7, 1], Edge::Reflect, &[0, 2]).is_err());
    assert!(run(&[2, 7], Edge::Replicate, &[0]).is_err());
    assert!(run(&[2, 7], Edge::Replicate, &[0, i64::MIN]).is_err());
    let deep = Array::zeros(DType::F32, &[1; 4]);
    assert!(border(Array::zeros(DType::F32, &[2; 4]).op(), deep.op(), Edge::Replicate, &[0; 4]).is_err());
    // Nothing to show, and nothing that shows it.
    let nothing = Array::zeros(DType::F32, &[2, 0]);
    for edge in EDGES {
        assert!(border(x.op(), nothing.op(), edge, &[0, 3]).is_err());
        assert!(border(nothing.op(), x.op(), edge, &[0, 0]).is_ok());
        let gx = sample(DType::F32, &[2, 3], &[0, 1], 1);
        border_backward(gx.op(), nothing.op(), edge, &[0, 0]).unwrap();
        assert_eq!(gx.values(), [0.0; 6]);
    }
}
