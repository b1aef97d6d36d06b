//! Values of every kind of operator, special points among them, as PyTorch has them.

use corten_base::element::b8;
use corten_base::{DType, Element, Memory, Operand, Scalar, c64, f16};
use corten_elementwise::{Binary, Quaternary, Ternary, Unary, binary, quaternary, ternary, unary};

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;

/// Runs `call` with a result of `n` elements and an operand over each slice.
fn with<R: Element, const N: usize>(inputs: [&mut dyn Data; N], call: impl FnOnce(Operand, [Operand; N])) -> Vec<R> {
    let sizes = [inputs.iter().map(|x| x.len()).max().unwrap() as i64];
    let strides = [1];
    let mut out = vec![R::default(); sizes[0] as usize];
    let operands = inputs.map(|x| {
        let dtype = x.dtype();
        Operand::new(x.memory(), dtype, 0, &sizes, &strides).unwrap()
    });
    call(Operand::new(Memory::from_slice(&mut out), R::DTYPE, 0, &sizes, &strides).unwrap(), operands);
    out
}

trait Data {
    fn len(&self) -> usize;
    fn dtype(&self) -> DType;
    fn memory(&mut self) -> Memory<'_>;
}

impl<T: Element> Data for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }
    fn dtype(&self) -> DType {
        T::DTYPE
    }
    fn memory(&mut self) -> Memory<'_> {
        Memory::from_slice(self)
    }
}

fn one<T: Element, R: Element>(op: Unary, x: &[T]) -> Vec<R> {
    with([&mut x.to_vec()], |out, [x]| unary(op, T::DTYPE.compute(), out, x).unwrap())
}

fn two<T: Element, R: Element>(op: Binary, x: &[T], y: &[T]) -> Vec<R> {
    with([&mut x.to_vec(), &mut y.to_vec()], |out, [x, y]| {
        binary(op, T::DTYPE.compute(), out, x.into(), y.into()).unwrap();
    })
}

fn one32(op: Unary, x: &[f32]) -> Vec<f32> {
    one(op, x)
}

fn two32(op: Binary, x: &[f32], y: &[f32]) -> Vec<f32> {
    two(op, x, y)
}

/// Equality in which NaNs are equal and zeros have signs.
fn assert_same(got: &[f32], expected: &[f32]) {
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    assert!(got.len() == expected.len() && got.iter().zip(expected).all(|(&a, &b)| same(a, b)), "{got:?} {expected:?}");
}

#[test]
fn integer_division_rounds_as_asked() {
    let (x, y) = ([7i32, -7, 7, -7, i32::MIN], [2i32, 2, -2, -2, -1]);
    assert_eq!(two::<_, i32>(Binary::div_floor, &x, &y), [3, -4, -4, 3, i32::MIN]);
    assert_eq!(two::<_, i32>(Binary::div_trunc, &x, &y), [3, -3, -3, 3, i32::MIN]);
    assert_eq!(two::<_, i32>(Binary::remainder, &x, &y), [1, 1, -1, -1, 0]);
    assert_eq!(two::<_, i32>(Binary::fmod, &x, &y), [1, -1, 1, -1, 0]);
    let (x, y) = ([-128i8, 127, -128], [-1i8, -2, 3]);
    assert_eq!(two::<_, i8>(Binary::div_floor, &x, &y), [-128, -64, -43]);
}

#[test]
fn narrow_integers_are_those_of_int32_wrapped() {
    fn check<T: Element + TryFrom<i64>>() {
        let values: Vec<i64> = (-32768..32768).step_by(if T::DTYPE.size() == 1 { 1 } else { 331 }).collect();
        let own: Vec<T> = values.iter().filter_map(|&v| T::try_from(v).ok()).collect();
        let x: Vec<T> = own.iter().flat_map(|&v| own.iter().map(move |_| v)).collect();
        let y: Vec<T> = own.iter().flat_map(|_| own.iter().copied()).collect();
        let wide = |v: &[T]| v.iter().map(|v| v.to_scalar().to::<i32>()).collect::<Vec<_>>();
        use Binary::*;
        for op in [add, sub, mul, bitwise_and, bitwise_or, bitwise_xor] {
            let exact: Vec<i32> = two(op, &wide(&x), &wide(&y));
            let expected: Vec<T> = exact.into_iter().map(|v| Scalar::Int(v as i64).to()).collect();
            assert!(two::<T, T>(op, &x, &y) == expected, "{} of {}", op.name(), T::DTYPE);
        }
        for op in [eq, ne, lt, le, gt, ge] {
            let expected: Vec<b8> = two(op, &wide(&x), &wide(&y));
            assert!(two::<T, b8>(op, &x, &y) == expected, "{} of {}", op.name(), T::DTYPE);
        }
        // Numbers outside the type compare as they are.
        for number in [-70_000, -3, 3, 200, 70_000] {
            let below: Vec<b8> = with([&mut x.clone()], |out, [x]| {
                binary(lt, DType::I32, out, x.into(), Scalar::Int(number).into()).unwrap();
            });
            let expected: Vec<b8> = wide(&x).into_iter().map(|v| b8(((v as i64) < number) as u8)).collect();
            assert!(below == expected, "{} below {number}", T::DTYPE);
        }
    }
    check::<u8>();
    check::<i8>();
    check::<i16>();
}

#[test]
fn float_division_rounds_as_asked() {
    let (x, y) = ([7.0, -7.0, 1.0, -0.0, 1.0, INF, 1.0], [2.0, 2.0, 0.0, 1.0, INF, 1.0, 0.1]);
    assert_same(&two32(Binary::div_floor, &x, &y), &[3.0, -4.0, INF, -0.0, 0.0, NAN, 9.0]);
    assert_same(&two32(Binary::remainder, &x, &y), &[1.0, 1.0, NAN, -0.0, 1.0, NAN, 0.099_999_99]);
    assert_same(&two32(Binary::fmod, &x, &y), &[1.0, -1.0, NAN, -0.0, 1.0, NAN, 0.099_999_99]);
}

#[test]
fn integers_wrap_and_shift() {
    assert_eq!(one::<_, u8>(Unary::neg, &[0u8, 1, 255]), [0, 255, 1]);
    assert_eq!(one::<_, i64>(Unary::abs, &[i64::MIN, -5]), [i64::MIN, 5]);
    assert_eq!(two::<_, i8>(Binary::mul, &[100i8, -128], &[2, -1]), [-56, -128]);
    assert_eq!(two::<_, i64>(Binary::add, &[i64::MAX], &[1]), [i64::MIN]);
    let (x, y) = ([1i32, 1, 1, -8, -8, -8, 5], [31i32, 32, -1, 1, 40, -1, 64]);
    assert_eq!(two::<_, i32>(Binary::shift_left, &x, &y), [i32::MIN, 0, 0, -16, 0, 0, 0]);
    assert_eq!(two::<_, i32>(Binary::shift_right, &x, &y), [0, 0, 0, -4, -1, -1, 0]);
    let (x, y) = ([2i64, -1, -1, 1, 2, 0, 3], [10i64, -3, -2, -9, -1, 0, 45]);
    assert_eq!(two::<_, i64>(Binary::pow, &x, &y), [1024, -1, 1, 1, 0, 1, 2954312706550833698643u128 as i64]);
    assert_eq!(two::<_, u64>(Binary::maximum, &[u64::MAX, 3], &[1, 5]), [u64::MAX, 5]);
    assert_eq!(two::<_, i64>(Binary::gcd, &[-12, 0, 7], &[18, 5, 0]), [6, 5, 7]);
    assert_eq!(two::<_, i64>(Binary::lcm, &[-4, 0, 7], &[6, 5, 7]), [12, 0, 7]);
}

#[test]
fn bools_are_logic() {
    let (x, y) = ([b8(0), b8(0), b8(1), b8(2)], [b8(0), b8(4), b8(0), b8(1)]);
    let bits = |v: Vec<b8>| v.iter().map(|b| (b.0 != 0) as u8).collect::<Vec<_>>();
    assert_eq!(bits(two(Binary::add, &x, &y)), [0, 1, 1, 1]);
    assert_eq!(bits(two(Binary::mul, &x, &y)), [0, 0, 0, 1]);
    assert_eq!(bits(two(Binary::eq, &x, &y)), [1, 0, 0, 1]);
    assert_eq!(bits(two(Binary::bitwise_xor, &x, &y)), [0, 1, 1, 0]);
    assert_eq!(bits(two(Binary::maximum, &x, &y)), [0, 1, 1, 1]);
    assert_eq!(bits(one(Unary::bitwise_not, &x)), [1, 1, 0, 0]);
    assert_eq!(one::<_, f32>(Unary::positive, &x), [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(bits(two(Binary::pow, &x, &y)), [1, 0, 1, 1]);
    for op in [Binary::sub, Binary::div, Binary::shift_left] {
        assert!(!op.supports(DType::Bool), "{}", op.name());
    }
    assert!(!Unary::neg.supports(DType::Bool) && !Unary::exp.supports(DType::I64));
}

#[test]
fn nan_spreads_or_not() {
    let (x, y) = ([NAN, 1.0, NAN, 1.0], [1.0, NAN, NAN, 2.0]);
    assert_same(&two32(Binary::maximum, &x, &y), &[NAN, NAN, NAN, 2.0]);
    assert_same(&two32(Binary::minimum, &x, &y), &[NAN, NAN, NAN, 1.0]);
    assert_same(&two32(Binary::fmax, &x, &y), &[1.0, 1.0, NAN, 2.0]);
    assert_same(&two32(Binary::fmin, &x, &y), &[1.0, 1.0, NAN, 1.0]);
    assert_same(&one32(Unary::relu, &[NAN, -0.0, -1.0, 2.0]), &[NAN, -0.0, 0.0, 2.0]);
    assert_same(&two32(Binary::xlogy, &[0.0, 0.0, 2.0], &[0.0, NAN, 1.0]), &[0.0, NAN, 0.0]);
    assert_same(&two32(Binary::heaviside, &[-1.0, 0.0, 3.0, -0.0], &[9.0, 9.0, 9.0, NAN]), &[0.0, 9.0, 1.0, NAN]);
    assert_same(&two32(Binary::logaddexp, &[-INF, INF, 0.0], &[-INF, INF, 0.0]), &[-INF, INF, std::f32::consts::LN_2]);
}

#[test]
fn rounding_and_signs() {
    let x = [2.5, -2.5, 0.5, -0.0, 1e30, INF];
    assert_same(&one32(Unary::round, &x), &[2.0, -2.0, 0.0, -0.0, 1e30, INF]);
    assert_same(&one32(Unary::floor, &x), &[2.0, -3.0, 0.0, -0.0, 1e30, INF]);
    assert_same(&one32(Unary::ceil, &x), &[3.0, -2.0, 1.0, -0.0, 1e30, INF]);
    assert_same(&one32(Unary::trunc, &x), &[2.0, -2.0, 0.0, -0.0, 1e30, INF]);
    assert_same(&one32(Unary::sgn, &[-3.0, 0.0, NAN, 4.0]), &[-1.0, 0.0, 0.0, 1.0]);
    assert_same(&two32(Binary::nextafter, &[0.0, 1.0, 1.0], &[-1.0, 2.0, 1.0]), &[-1e-45, 1.000_000_1, 1.0]);
    assert_same(&two32(Binary::copysign, &[3.0, -3.0], &[-0.0, 1.0]), &[-3.0, 3.0]);
    assert_same(
        &two(Binary::pow, &[-8.0, 0.0, -0.0, NAN, -1.0], &[3.0, -1.0, -3.0, 0.0, INF]),
        &[-512.0, INF, -INF, 1.0, 1.0],
    );
}

#[test]
fn complex_numbers() {
    let x = [c64::new(3.0, -4.0), c64::new(0.0, 0.0), c64::new(-1.0, 0.0)];
    assert_eq!(one::<_, f32>(Unary::abs, &x), [5.0, 0.0, 1.0]);
    assert_eq!(one::<_, f32>(Unary::angle, &x)[2], std::f32::consts::PI);
    assert_eq!(one::<_, c64>(Unary::conj, &x)[0], c64::new(3.0, 4.0));
    assert_eq!(one::<_, c64>(Unary::sgn, &x)[0], c64::new(0.6, -0.8));
    assert_eq!(one::<_, c64>(Unary::sqrt, &x), [c64::new(2.0, -1.0), c64::new(0.0, 0.0), c64::new(0.0, 1.0)]);
    assert_eq!(two::<_, c64>(Binary::complex, &[1f32, 2.0], &[3.0, 4.0]), [c64::new(1.0, 3.0), c64::new(2.0, 4.0)]);
    assert_eq!(two::<_, c64>(Binary::div, &x[..1], &x[..1]), [c64::new(1.0, 0.0)]);
}

#[test]
fn three_and_four_arguments() {
    let (mut x, mut y, mut z) = (vec![1f32, 5.0, NAN, 2.0], vec![2f32, 2.0, 2.0, NAN], vec![4f32, 4.0, 4.0, 4.0]);
    let got = with([&mut x, &mut y, &mut z], |out, [x, y, z]| {
        ternary(Ternary::clamp, DType::F32, out, x.into(), y.into(), z.into()).unwrap();
    });
    assert_same(&got, &[2.0, 4.0, NAN, NAN]);
    let got = with([&mut x, &mut z], |out, [x, z]| {
        ternary(Ternary::lerp, DType::F32, out, x.into(), z.into(), Scalar::Float(0.5).into()).unwrap();
    });
    assert_same(&got, &[2.5, 4.5, NAN, 3.0]);
    let got = with([&mut x, &mut z], |out, [x, z]| {
        ternary(Ternary::add_scaled, DType::F32, out, x.into(), z.into(), Scalar::Int(-2).into()).unwrap();
    });
    assert_same(&got, &[-7.0, -3.0, NAN, -6.0]);
    let got = with([&mut x, &mut z], |out, [x, z]| {
        let (two, half) = (Scalar::Int(2).into(), Scalar::Float(0.5).into());
        quaternary(Quaternary::addcdiv, DType::F32, out, x.into(), z.into(), two, half).unwrap();
    });
    assert_same(&got, &[2.0, 6.0, NAN, 3.0]);
}

#[test]
fn halves_are_computed_in_float32() {
    let x: Vec<f16> = [1.0f32, 2048.0, 65504.0, 6e-8].iter().map(|&v| f16::from_f32(v)).collect();
    let got: Vec<f16> = two(Binary::add, &x, &x);
    let expected: Vec<f16> = [2.0f32, 4096.0, INF, 1.2e-7].iter().map(|&v| f16::from_f32(v)).collect();
    assert_eq!(got, expected);
}
