//! Prints how fast the kernels are: `cargo run --release --example speed`.

use corten_base::{DType, Element, Memory, Operand, Result, alloc::Block, pool};
use corten_elementwise::{Binary, Unary, binary, copy, unary};
use std::time::Instant;

/// The best of some runs of `body`, in seconds a call.
fn time(calls: usize, mut body: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let start = Instant::now();
        for _ in 0..calls {
            body()?;
        }
        best = best.min(start.elapsed().as_secs_f64() / calls as f64);
    }
    Ok(best)
}

fn operand<'a, T: Element>(data: &'a mut [T], sizes: &'a [i64], strides: &'a [i64]) -> Result<Operand<'a>> {
    Operand::new(Memory::from_slice(data), T::DTYPE, 0, sizes, strides)
}

fn main() -> Result<()> {
    let (small, one) = ([4], [1]);
    let (mut x, mut y, mut z) = (vec![1f32; 4], vec![2f32; 4], vec![0f32; 4]);
    let (x, y, z) = (operand(&mut x, &small, &one)?, operand(&mut y, &small, &one)?, operand(&mut z, &small, &one)?);
    let seconds = time(10_000, || binary(Binary::add, DType::F32, z, x.into(), y.into()))?;
    println!("add of 4 elements: {:.1} ns", seconds * 1e9);
    let seconds = time(10_000, || binary(Binary::add, DType::F32, x, x.into(), y.into()))?;
    println!("add of 4 elements in place: {:.1} ns", seconds * 1e9);
    let two = corten_base::Scalar::Float(2.0);
    let seconds = time(10_000, || binary(Binary::mul, DType::F32, z, x.into(), two.into()))?;
    println!("mul of 4 elements by a number: {:.1} ns", seconds * 1e9);
    let sizes = [4, 4];
    let (mut rows, mut sums) = (vec![1f32; 16], vec![0f32; 16]);
    let matrix = operand(&mut rows, &sizes, &[4, 1])?;
    let sums = operand(&mut sums, &sizes, &[4, 1])?;
    let mut row = vec![2f32; 4];
    let row = operand(&mut row, &sizes, &[0, 1])?;
    let seconds = time(10_000, || binary(Binary::add, DType::F32, sums, matrix.into(), row.into()))?;
    println!("add of a row to 4 x 4: {:.1} ns", seconds * 1e9);
    let transposed = Operand::new(Memory::from_slice(&mut rows), DType::F32, 0, &sizes, &[1, 4])?;
    let seconds = time(10_000, || copy(sums, transposed))?;
    println!("transposed copy of 4 x 4: {:.1} ns", seconds * 1e9);
    let seconds = time(10_000, || Block::new(1000).map(drop))?;
    println!("allocate and free 1000 bytes: {:.1} ns", seconds * 1e9);

    for threads in [1, 2] {
        pool::set_num_threads(threads);
        println!("{threads} threads");
        let seconds = time(1000, || {
            pool::parallel_for(2, 1, &|_| ());
            Ok(())
        })?;
        println!("  fork and join: {:.0} ns", seconds * 1e9);
        let (million, square) = ([1_000_000], [1000, 1000]);
        let (mut x, mut y, mut z) = (vec![0.7f32; 1_000_000], vec![0.3f32; 1_000_000], vec![0f32; 1_000_000]);
        for (i, v) in x.iter_mut().enumerate() {
            *v = (i % 1999) as f32 * 0.01 - 10.0;
        }
        let t = operand(&mut y, &square, &[1, 1000])?;
        let u = operand(&mut z, &square, &[1000, 1])?;
        let seconds = time(5, || copy(u, t))?;
        println!("  transpose of 1000 x 1000: {:.2} GB/s", 8e6 / seconds / 1e9);
        let seconds = time(5, || binary(Binary::add, DType::F32, u, t.into(), u.into()))?;
        println!("  add of a transpose: {:.2} GB/s", 12e6 / seconds / 1e9);
        let x = operand(&mut x, &million, &one)?;
        let (y, z) = (operand(&mut y, &million, &one)?, operand(&mut z, &million, &one)?);
        let seconds = time(5, || binary(Binary::add, DType::F32, z, x.into(), y.into()))?;
        println!("  add of 1e6 float32: {:.1} GB/s", 12e6 / seconds / 1e9);
        let seconds = time(5, || binary(Binary::add, DType::F32, y, y.into(), x.into()))?;
        println!("  the same in place: {:.1} GB/s", 12e6 / seconds / 1e9);
        // Small enough for the second-level cache.
        let few = [20_000];
        let mut numbers: Vec<f32> = (0..20_000).map(|i| (i % 1999) as f32 * 0.01 - 10.0).collect();
        let mut wide_numbers: Vec<f64> = numbers.iter().map(|&v| v as f64).collect();
        let (mut results, mut wide_results) = (vec![0f32; 20_000], vec![0f64; 20_000]);
        let (x, z) = (operand(&mut numbers, &few, &one)?, operand(&mut results, &few, &one)?);
        let (wide, wide_z) = (operand(&mut wide_numbers, &few, &one)?, operand(&mut wide_results, &few, &one)?);
        for &op in Unary::ALL.iter().filter(|op| threads == 1 && op.supports(DType::F32)) {
            let seconds = time(5, || unary(op, DType::F32, z, x))?;
            let wider = if op.result(DType::F64) == Some(DType::F64) {
                time(5, || unary(op, DType::F64, wide_z, wide))?
            } else {
                0.0
            };
            println!("  {}: {:.0} ps/element; float64 {:.0}", op.name(), seconds * 5e7, wider * 5e7);
        }
        for op in [Binary::pow, Binary::fmod, Binary::atan2, Binary::hypot, Binary::maximum, Binary::div_floor] {
            let seconds = time(5, || binary(op, DType::F32, z, x.into(), x.into()))?;
            println!("  {}: {:.0} ps/element", op.name(), seconds * 5e7);
        }
    }
    Ok(())
}
