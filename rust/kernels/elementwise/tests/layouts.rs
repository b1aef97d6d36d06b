//! Operands of every dtype and layout reach the loops, whatever the threads and the instruction set.

use corten_base::{DType, Memory, Operand, Result, Scalar, dtype, with_dtype};
use corten_elementwise::{Binary, Ternary, Unary, binary, copy, fill, ternary, unary};

fn operand<'a, T: corten_base::Element>(
    data: &'a mut [T],
    offset: i64,
    sizes: &'a [i64],
    strides: &'a [i64],
) -> Operand<'a> {
    Operand::new(Memory::from_slice(data), T::DTYPE, offset, sizes, strides).unwrap()
}

#[test]
fn adds_contiguous_arrays() -> Result<()> {
    let (mut x, mut y, mut out) = (vec![1f32, 2.0, 3.0], vec![10f32, 20.0, 30.0], vec![0f32; 3]);
    let (sizes, strides) = ([3], [1]);
    let out_operand = operand(&mut out, 0, &sizes, &strides);
    let (a, b) = (operand(&mut x, 0, &sizes, &strides), operand(&mut y, 0, &sizes, &strides));
    binary(Binary::add, DType::F32, out_operand, a.into(), b.into())?;
    assert_eq!(out, [11.0, 22.0, 33.0]);
    Ok(())
}

/// Sizes and strides to walk: transposed, reversed, expanded, sliced, 0-d, empty, long rows.
const LAYOUTS: [(&[i64], &[i64], i64); 10] = [
    (&[], &[], 5),
    (&[7], &[1], 0),
    (&[7], &[-1], 6),
    (&[7], &[0], 2),
    (&[0, 3], &[3, 1], 0),
    (&[3, 5], &[1, 3], 1),
    (&[2, 3, 4], &[4, 8, 1], 0),
    (&[2, 3, 4], &[-12, 0, 2], 30),
    (&[40, 33], &[1, 40], 0),
    (&[3, 1500], &[1500, -1], 1499),
];

/// Every element's offset, in row-major order.
fn offsets(sizes: &[i64], strides: &[i64], offset: i64) -> Vec<usize> {
    let mut all = vec![offset];
    for (&size, &stride) in sizes.iter().zip(strides) {
        all = all.iter().flat_map(|&o| (0..size).map(move |i| o + i * stride)).collect();
    }
    all.into_iter().map(|o| o as usize).collect()
}

fn contiguous(sizes: &[i64]) -> Vec<i64> {
    let mut strides = vec![1; sizes.len()];
    for i in (1..sizes.len()).rev() {
        strides[i - 1] = strides[i] * sizes[i];
    }
    strides
}

#[test]
fn adds_any_layout() -> Result<()> {
    for (sizes, strides, offset) in LAYOUTS {
        let at = offsets(sizes, strides, offset);
        let mut x: Vec<i32> = (0..6000).collect();
        let mut y: Vec<f64> = (0..at.len()).map(|i| i as f64 * 0.5).collect();
        let expected: Vec<f32> = at.iter().zip(&y).map(|(&a, y)| (x[a] as f64 + y) as f32).collect();
        let dense = contiguous(sizes);
        let mut out = vec![-1f32; at.len() + 1];
        let out_operand = operand(&mut out, 0, sizes, &dense);
        let (a, b) = (operand(&mut x, offset, sizes, strides), operand(&mut y, 0, sizes, &dense));
        binary(Binary::add, DType::F64, out_operand, a.into(), b.into())?;
        assert_eq!(out[..at.len()], expected, "{sizes:?} {strides:?}");
        assert_eq!(out[at.len()], -1.0);
        // The same into a strided result.
        if strides.contains(&0) {
            continue;
        }
        let mut out = vec![-1f64; 6000];
        binary(
            Binary::mul,
            DType::F64,
            operand(&mut out, offset, sizes, strides),
            Scalar::Int(2).into(),
            operand(&mut y, 0, sizes, &dense).into(),
        )?;
        for (&a, y) in at.iter().zip(&y) {
            assert_eq!(out[a], 2.0 * y);
        }
        assert_eq!(out.iter().filter(|&&v| v != -1.0).count(), at.len());
    }
    Ok(())
}

#[test]
fn works_in_place() -> Result<()> {
    for n in [1i64, 5, 700, 100_000] {
        let (sizes, strides) = ([n], [1]);
        let mut x: Vec<f32> = (0..n).map(|i| i as f32).collect();
        let memory = operand(&mut x, 0, &sizes, &strides);
        binary(Binary::mul, DType::F32, memory, memory.into(), memory.into())?;
        unary(Unary::neg, DType::F64, memory, memory)?;
        assert!(x.iter().enumerate().all(|(i, &v)| v == -(i as f32 * i as f32)));
    }
    Ok(())
}

#[test]
fn copies_between_all_dtypes() -> Result<()> {
    for from in dtype::ALL {
        for to in dtype::ALL {
            with_dtype!(from, S => with_dtype!(to, T => {
                let values = [0.0, 1.0, 2.0, -1.0, 100.75, -3.5, 300.0, 65504.0];
                let mut x: Vec<S> = (0..1030).map(|i| Scalar::Float(values[i % 8]).to::<S>()).collect();
                let expected: Vec<T> = x.iter().map(|v| corten_base::Element::to_scalar(*v).to::<T>()).collect();
                let mut out = vec![T::default(); 1030];
                copy(operand(&mut out, 0, &[1030], &[1]), operand(&mut x, 0, &[1030], &[1]))?;
                assert!(out == expected, "{from} to {to}");
                let mut out = vec![T::default(); 2060];
                copy(operand(&mut out, 2059, &[103, 10], &[-20, -2]), operand(&mut x, 0, &[103, 10], &[1, 103]))?;
                for i in 0..103 {
                    for j in 0..10 {
                        assert!(out[2059 - 20 * i - 2 * j] == expected[i + 103 * j], "{from} to {to} at {i}, {j}");
                    }
                }
            }));
        }
    }
    Ok(())
}

#[test]
fn copies_transposed() -> Result<()> {
    with_dtype!(DType::C64, T => transposed::<T>(70, 45, 3))?;
    with_dtype!(DType::C128, T => transposed::<T>(5, 200, 1))?;
    transposed::<u8>(300, 300, 2)?;
    transposed::<i16>(33, 4, 7)?;
    transposed::<f32>(1000, 70, 1)
}

/// `planes` matrices of `rows` x `columns`, each from column-major order.
fn transposed<T: corten_base::Element + std::fmt::Debug>(rows: i64, columns: i64, planes: i64) -> Result<()> {
    let n = rows * columns * planes;
    let mut x: Vec<T> = (0..n).map(|i| Scalar::Int(i).to::<T>()).collect();
    let mut out = vec![T::default(); n as usize];
    let sizes = [planes, rows, columns];
    let a = [rows * columns, 1, rows];
    copy(operand(&mut out, 0, &sizes, &contiguous(&sizes)), operand(&mut x, 0, &sizes, &a))?;
    let expected: Vec<T> = offsets(&sizes, &a, 0).into_iter().map(|at| x[at]).collect();
    assert_eq!(out, expected);
    Ok(())
}

#[test]
fn fills_and_selects() -> Result<()> {
    let mut out = vec![0u8; 3000];
    fill(operand(&mut out, 0, &[1000], &[3]), Scalar::Int(-1))?;
    assert!(out.iter().enumerate().all(|(i, &v)| v == if i % 3 == 0 { 255 } else { 0 }));
    let mut condition = vec![0.5f32, 0.0, f32::NAN, -0.0];
    let mut chosen = vec![0i64; 4];
    let x = operand(&mut condition, 0, &[4], &[1]);
    ternary(
        Ternary::select,
        DType::I64,
        operand(&mut chosen, 0, &[4], &[1]),
        x.into(),
        Scalar::Int(1).into(),
        Scalar::Int(2).into(),
    )?;
    assert_eq!(chosen, [1, 2, 1, 2]);
    Ok(())
}

#[test]
fn refuses_what_has_no_answer() {
    let (mut x, mut out) = (vec![1i32, 2], vec![0i32; 2]);
    let a = operand(&mut x, 0, &[2], &[1]);
    let o = operand(&mut out, 0, &[2], &[1]);
    let error = binary(Binary::div_floor, DType::I32, o, a.into(), Scalar::Int(0).into()).unwrap_err();
    assert_eq!(error.message(), "ZeroDivisionError");
    assert!(binary(Binary::pow, DType::I32, o, a.into(), Scalar::Int(-1).into()).is_err());
    assert!(unary(Unary::exp, DType::I32, o, a).is_err());
    let short = operand(&mut x, 0, &[1], &[1]);
    assert!(copy(o, short).is_err());
    let mut single = vec![0i32];
    assert!(fill(operand(&mut single, 0, &[2], &[0]), Scalar::Int(1)).is_err());
}
