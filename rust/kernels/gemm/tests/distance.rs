//! Distances against plain sums, with the same bits on every instruction set.

use corten_base::isa::{Isa, force};
use corten_base::{Element, Memory, Operand};
use corten_gemm::distances;

fn operand<'a, T: Element>(values: &'a mut [T], sizes: &'a [i64; 3], strides: &'a [i64; 3]) -> Operand<'a> {
    Operand::new(Memory::from_slice(values), T::DTYPE, 0, sizes, strides).unwrap()
}

fn strides([_, rows, columns]: [i64; 3]) -> [i64; 3] {
    [rows * columns, columns, 1]
}

/// The distances of numbers between -1 and 1.
fn of([b, p, r, m]: [usize; 4]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let numbers = |count: usize, seed: usize| -> Vec<f64> {
        (0..count).map(|i| ((i * 7919 + seed) % 2003) as f64 / 1001.0 - 1.0).collect()
    };
    let (mut x, mut y, mut out) = (numbers(b * p * m, 1), numbers(b * r * m, 77), vec![0.0; b * p * r]);
    let sizes = [[b, p, m], [b, r, m], [b, p, r]].map(|sizes| sizes.map(|n| n as i64));
    let steps = sizes.map(strides);
    let (from, to) = (operand(&mut x, &sizes[0], &steps[0]), operand(&mut y, &sizes[1], &steps[1]));
    distances(operand(&mut out, &sizes[2], &steps[2]), from, to).unwrap();
    (x, y, out)
}

#[test]
fn euclidean() {
    for sizes @ [_, p, r, m] in [[1, 1, 1, 1], [2, 5, 9, 3], [1, 13, 17, 300], [1, 3, 2, 0], [2, 0, 3, 4]] {
        let (x, y, out) = of(sizes);
        for (at, distance) in out.iter().enumerate() {
            let (batch, i, j) = (at / (p * r), at / r % p, at % r);
            let row = |x: &[f64], rows: usize, row: usize| x[(batch * rows + row) * m..][..m].to_vec();
            let squares = row(&x, p, i).into_iter().zip(row(&y, r, j)).map(|(x, y)| (x - y) * (x - y));
            let expected = squares.sum::<f64>().sqrt();
            assert!((distance - expected).abs() <= 1e-12 * (1.0 + expected), "{sizes:?} {at}");
        }
        let best = corten_base::isa::isa();
        assert!(force(Isa::Portable));
        assert_eq!(of(sizes).2, out);
        assert!(force(best));
    }
}
