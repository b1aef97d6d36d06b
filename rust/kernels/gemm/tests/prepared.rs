//! Products with a prepared factor: the bits of ordinary ones, on every instruction set.

use corten_base::isa::{Isa, force};
use corten_base::{Element, Memory, Operand, Scalar};
use corten_gemm::{Epilogue, Prepared, gemm};

fn numbers<T: Element>(count: usize, seed: usize, of: fn(f64) -> T) -> Vec<T> {
    (0..count).map(|i| of(((i + seed) * 7919 % 10007) as f64 / 3001.0 - 1.6)).collect()
}

fn matrix<'a, T: Element>(x: &'a mut [T], sizes: &'a [i64], strides: &'a [i64]) -> Operand<'a> {
    Operand::new(Memory::from_slice(x), T::DTYPE, 0, sizes, strides).unwrap()
}

fn compare<T: Element + PartialEq + std::fmt::Debug>(of: fn(f64) -> T) {
    for (m, k, n) in [(32, 128, 512), (5, 20, 37), (3, 1100, 33), (400, 7, 70), (2, 513, 16), (4, 0, 3), (0, 3, 4)] {
        for (transposed, add) in [(false, false), (true, false), (true, true)] {
            let (mut a, mut b) = (numbers(m * k, 1, of), numbers(k * n, 2, of));
            let (mut bias, start) = (numbers(n, 3, of), numbers(m * n, 4, of));
            let (m, k, n) = (m as i64, k as i64, n as i64);
            let strides = if transposed { [1, k] } else { [n, 1] };
            let (a_strides, line) = ([k, 1], [n]);
            let (b_sizes, a_sizes, c_sizes) = ([k, n], [m, k], [m, n]);
            let b = matrix(&mut b, &b_sizes, &strides);
            let a = matrix(&mut a, &a_sizes, &a_strides);
            let bias = matrix(&mut bias, &line, &[1]);
            let (mut expected, mut got) = (start.clone(), start.clone());
            // What was there is added to the chains one after the other, so only one chain compares.
            if add && k > 512 {
                continue;
            }
            let beta = Scalar::Int(add as i64);
            let bias = (!add).then_some(bias);
            let epilogue = Epilogue { beta, bias, ..Epilogue::NONE };
            gemm(matrix(&mut expected, &c_sizes, &[n, 1]), a, b, epilogue).unwrap();
            Prepared::new(b).unwrap().multiply(matrix(&mut got, &c_sizes, &[n, 1]), a, bias, add).unwrap();
            assert!(expected == got, "{} {m} {k} {n} {transposed} {add}", T::DTYPE);
        }
    }
}

#[test]
fn the_bits_of_ordinary_products() {
    for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512] {
        if force(isa) {
            compare::<f32>(|x| x as f32);
            compare::<f64>(|x| x);
        }
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let (mut x, mut y, mut z) = ([0f32; 12], [0f32; 12], [0f64; 12]);
    let (square, line) = ([3, 3], [3]);
    let b = matrix(&mut x, &square, &[3, 1]);
    assert!(Prepared::new(matrix(&mut [0i32; 9], &square, &[3, 1])).is_err());
    assert!(Prepared::new(matrix(&mut [0f32; 3], &line, &[1])).is_err());
    let prepared = Prepared::new(b).unwrap();
    assert!(
        prepared.multiply(matrix(&mut y, &[2, 3], &[3, 1]), matrix(&mut z, &[2, 3], &[3, 1]), None, false).is_err()
    );
    assert!(prepared.multiply(matrix(&mut y, &square, &[1, 3]), b, None, false).is_err());
}
