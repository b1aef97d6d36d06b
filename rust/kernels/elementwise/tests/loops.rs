//! Loops beside the general one give its bits: those of halves, and those that hold numbers.

use corten_base::element::{Cast, b8};
use corten_base::isa::{Isa, force};
use corten_base::{DType, Element, Memory, Operand, Result, Scalar, bf16, f16};
use corten_elementwise::{Binary, Src, Ternary, binary, ternary};

fn operand<'a, T: Element>(data: &'a mut [T], sizes: &'a [i64], strides: &'a [i64]) -> Operand<'a> {
    Operand::new(Memory::from_slice(data), T::DTYPE, 0, sizes, strides).unwrap()
}

const ARITHMETIC: [Binary; 4] = [Binary::add, Binary::sub, Binary::mul, Binary::div];

fn computed(op: Binary, x: f32, y: f32) -> f32 {
    match op {
        Binary::add => x + y,
        Binary::sub => x - y,
        Binary::mul => x * y,
        _ => x / y,
    }
}

/// Every half with each of a few others: zeros, a subnormal, ordinary numbers, the largest, infinities, NaN.
fn halves<T: Element + Cast<f32>>(half: fn(u16) -> T, others: [u16; 10], bits: fn(T) -> u16) -> Result<()>
where
    f32: Cast<T>,
{
    let mut x: Vec<T> = (0..=u16::MAX).map(half).collect();
    for other in others {
        let mut y = vec![half(other); x.len()];
        for n in [x.len(), 1003, 257, 7, 0] {
            let sizes = [n as i64];
            // From an odd place on, so that no vector is aligned.
            let start = (x.len() - n).min(3);
            for op in ARITHMETIC {
                let mut out = vec![half(0); n];
                let (a, b) = (operand(&mut x[start..], &sizes, &[1]), operand(&mut y, &sizes, &[1]));
                binary(op, DType::F32, operand(&mut out, &sizes, &[1]), a.into(), b.into())?;
                for (out, (&x, &y)) in out.iter().zip(x[start..].iter().zip(&y)) {
                    let exact = computed(op, x.cast(), y.cast());
                    let expected: T = exact.cast();
                    let same = bits(*out) == bits(expected) || (exact.is_nan() && Cast::<f32>::cast(*out).is_nan());
                    assert!(same, "{op:?} of {:#x} and {:#x}: {:#x}", bits(x), bits(y), bits(*out));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn every_half_on_every_path() -> Result<()> {
    for isa in [Isa::Portable, Isa::Neon, Isa::Avx2, Isa::Avx512] {
        if force(isa) {
            halves(f16, [0, 0x8000, 1, 0x83ff, 0x3c00, 0xb555, 0x5640, 0x7bff, 0xfc00, 0x7e00], |h| h.0)?;
            halves(bf16, [0, 0x8000, 1, 0x807f, 0x3f80, 0xbeab, 0x42c8, 0x7f7f, 0xff80, 0x7fc0], |h| h.0)?;
        }
    }
    Ok(())
}

#[test]
fn halves_of_any_layout() -> Result<()> {
    let (sizes, dense) = ([3, 50, 9], [450, 9, 1]);
    let mut x: Vec<f16> = (0..1350).map(|i| f16(i * 47)).collect();
    let mut y: Vec<f16> = (0..1350).map(|i| f16(i * 31)).collect();
    for strides in [[450, 9, 1], [1, 27, 3], [0, 1, 50], [9, 0, 1], [0, 0, 0]] {
        let mut out = vec![f16(0); 1350];
        let (a, b) = (operand(&mut x, &sizes, &dense), operand(&mut y, &sizes, &strides));
        binary(Binary::add, DType::F32, operand(&mut out, &sizes, &dense), a.into(), b.into())?;
        for (at, out) in out.iter().enumerate() {
            let at = at as i64;
            let from = at / 450 * strides[0] + at / 9 % 50 * strides[1] + at % 9 * strides[2];
            let sum = x[at as usize].to_f32() + y[from as usize].to_f32();
            assert!(out.0 == f16::from_f32(sum).0 || (sum.is_nan() && out.to_f32().is_nan()), "{strides:?} at {at}");
        }
    }
    // A number beside halves is not rounded to one.
    let mut out = vec![f16(0); 1350];
    let a = operand(&mut x, &[1350], &[1]);
    binary(Binary::mul, DType::F32, operand(&mut out, &[1350], &[1]), a.into(), Scalar::Float(1.0001).into())?;
    assert_eq!(out[5].0, f16::from_f32(x[5].to_f32() * 1.0001).0);
    Ok(())
}

/// Numbers, and columns that a row sees as one number, of lengths around those that are treated differently.
#[test]
fn held_numbers() -> Result<()> {
    let value = |i: usize| match i % 11 {
        0 => f32::NAN,
        1 => -0.0,
        2 => f32::INFINITY,
        _ => (i as f32 * 0.37).sin(),
    };
    for (rows, columns) in [(1, 300), (3, 127), (3, 128), (3, 1001), (40, 1000), (2, 70_001), (0, 500), (5, 0)] {
        let n = rows * columns;
        let (sizes, dense) = ([rows as i64, columns as i64], [columns as i64, 1]);
        let mut x: Vec<f32> = (0..n).map(value).collect();
        let mut column: Vec<f32> = (0..rows).map(|i| value(i + 4)).collect();
        let mut full: Vec<f32> = (0..n).map(|at| column[at / columns]).collect();
        let mut half = vec![0.5f32; n];
        let run = |op: &dyn Fn(Operand, Src, Src) -> Result<()>, x: &mut [f32], y: &mut [f32], steps: [i64; 2]| {
            let mut out = vec![7f32; n];
            let (a, b) = (operand(x, &sizes, &dense), operand(y, &sizes, &steps));
            op(operand(&mut out, &sizes, &dense), a.into(), b.into())?;
            Ok::<_, corten_base::Error>(out.into_iter().map(canonical).collect::<Vec<_>>())
        };
        for op in [Binary::add, Binary::sub, Binary::mul, Binary::div, Binary::maximum, Binary::minimum] {
            let call = |out: Operand, a: Src, b: Src| binary(op, DType::F32, out, a, b);
            let expected = run(&call, &mut x, &mut full, dense)?;
            assert_eq!(run(&call, &mut x, &mut column, [1, 0])?, expected, "{op:?}");
            let number = |out: Operand, a: Src, _: Src| binary(op, DType::F32, out, a, Scalar::Float(0.5).into());
            assert_eq!(run(&number, &mut x, &mut half, dense)?, run(&call, &mut x, &mut half, dense)?, "{op:?}");
        }
        let clamp =
            |out: Operand, a: Src, b: Src| ternary(Ternary::clamp, DType::F32, out, a, b, Scalar::Int(1).into());
        assert_eq!(run(&clamp, &mut x, &mut column, [1, 0])?, run(&clamp, &mut x, &mut full, dense)?);
        // The result takes the array's place.
        let mut place = x.clone();
        let here = operand(&mut place, &sizes, &dense);
        binary(Binary::sub, DType::F32, here, here.into(), Scalar::Float(0.5).into())?;
        assert!(place.iter().zip(&x).all(|(&a, &b)| canonical(a) == canonical(b - 0.5)));
    }
    Ok(())
}

#[test]
fn a_column_within_the_result() -> Result<()> {
    let mut all: Vec<f32> = (0..600).map(|i| i as f32).collect();
    let mut x = vec![1f32; 600];
    let memory = Memory::from_slice(&mut all);
    let out = Operand::new(memory, DType::F32, 0, &[3, 200], &[200, 1])?;
    let column = Operand::new(memory, DType::F32, 0, &[3, 200], &[200, 0])?;
    binary(Binary::mul, DType::F32, out, operand(&mut x, &[3, 200], &[200, 1]).into(), column.into())?;
    for (i, &value) in all.iter().enumerate() {
        assert_eq!(value, (i / 200 * 200) as f32);
    }
    Ok(())
}

/// `select` over arrays of three layouts, and `x - y` of two, against the same of copies in rows.
fn crossing<T: Element>(sizes: [i64; 3], strides: [i64; 3], value: fn(usize) -> T) -> Result<()> {
    let [planes, rows, columns] = sizes;
    let n = (planes * rows * columns) as usize;
    let dense = [rows * columns, columns, 1];
    let place = |at: usize| {
        let at = at as i64;
        (at / dense[0] * strides[0] + at / columns % rows * strides[1] + at % columns * strides[2]) as usize
    };
    let mut x: Vec<T> = (0..n).map(value).collect();
    let mut y: Vec<T> = (0..n).map(|i| value(i * 7 + 3)).collect();
    let mut condition: Vec<b8> = (0..n).map(|i| b8((i % 3 == 0) as u8)).collect();
    let mut row_y: Vec<T> = (0..n).map(|at| y[place(at)]).collect();
    let mut row_condition: Vec<b8> = (0..n).map(|at| condition[place(at)]).collect();
    let compute = T::DTYPE.compute();
    let select = |condition: Operand, x: Operand, y: Operand, out: &mut Vec<T>| {
        ternary(Ternary::select, compute, operand(out, &sizes, &dense), condition.into(), x.into(), y.into())
    };
    let (mut out, mut expected) = (vec![T::default(); n], vec![T::default(); n]);
    let a = operand(&mut x, &sizes, &dense);
    let column = [0, columns, 0];
    let constant = operand(&mut row_y, &sizes, &column);
    select(operand(&mut condition, &sizes, &strides), a, constant, &mut out)?;
    select(operand(&mut row_condition, &sizes, &dense), a, constant, &mut expected)?;
    assert!(out == expected, "select, {} {sizes:?}", T::DTYPE);
    let transposed = operand(&mut y, &sizes, &strides);
    binary(Binary::sub, compute, operand(&mut out, &sizes, &dense), a.into(), transposed.into())?;
    let b = operand(&mut row_y, &sizes, &dense);
    binary(Binary::sub, compute, operand(&mut expected, &sizes, &dense), a.into(), b.into())?;
    assert!(out == expected, "sub, {} {sizes:?}", T::DTYPE);
    // In the first array's place.
    binary(Binary::sub, compute, a, a.into(), transposed.into())?;
    assert!(x == expected, "in place, {} {sizes:?}", T::DTYPE);
    Ok(())
}

#[test]
fn transposed_inputs() -> Result<()> {
    for [rows, columns] in [[70, 45], [16, 1025], [4, 16], [1000, 130], [5, 2100], [3, 20], [64, 15], [4, 0]] {
        let sizes = [3, rows, columns];
        // The last two dimensions swapped, and the first two.
        for strides in [[rows * columns, 1, rows], [1, 3 * columns, 3]] {
            crossing(sizes, strides, |i| i as f32 * 0.5)?;
            crossing(sizes, strides, |i| i as f64 * 0.25)?;
            crossing(sizes, strides, |i| f16((i % 30_000) as u16))?;
            crossing(sizes, strides, |i| i as i64)?;
            crossing(sizes, strides, |i| (i % 100) as u8)?;
            crossing(sizes, strides, |i| Scalar::Int(i as i64).to::<corten_base::c128>())?;
        }
    }
    Ok(())
}

#[test]
fn a_transposed_input_that_is_refused() {
    let n = 40i64;
    let (sizes, dense, crossed) = ([n, n], [n, 1], [1, n]);
    let mut x: Vec<i64> = (0..n * n).collect();
    let mut y = vec![3i64; (n * n) as usize];
    y[700] = 0;
    let mut out = x.clone();
    let (a, b) = (operand(&mut x, &sizes, &dense), operand(&mut y, &sizes, &crossed));
    let to = operand(&mut out, &sizes, &dense);
    assert!(binary(Binary::div_floor, DType::I64, to, a.into(), b.into()).is_err());
}

fn canonical(x: f32) -> u32 {
    if x.is_nan() { u32::MAX } else { x.to_bits() }
}
