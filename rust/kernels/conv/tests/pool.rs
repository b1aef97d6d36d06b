//! Pooling against windows written plainly, and against PyTorch's numbers for the rules at the borders.

use corten_base::{Element, Memory, Operand, Scalar, bf16, f16};
use corten_conv::*;

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

/// Row-major or channels last, four dimensions.
struct Array<T> {
    data: Vec<T>,
    sizes: [i64; 4],
    strides: [i64; 4],
}

impl<T: Element> Array<T> {
    fn new(sizes: [usize; 4], last: bool, mut value: impl FnMut(usize) -> f64) -> Self {
        let [n, b, c, d] = sizes.map(|s| s as i64);
        let strides = if last { [b * c * d, 1, d * b, b] } else { [b * c * d, c * d, d, 1] };
        let mut array = Array { data: vec![T::default(); (n * b * c * d) as usize], sizes: [n, b, c, d], strides };
        for flat in 0..array.data.len() {
            let at = array.at(flat);
            array.data[at] = T::from_scalar(Scalar::Float(value(flat)));
        }
        array
    }
    /// Where the element lies that is `flat` in row-major order.
    fn at(&self, flat: usize) -> usize {
        let [_, b, c, d] = self.sizes.map(|s| s as usize);
        let index = [flat / (b * c * d), flat / (c * d) % b, flat / d % c, flat % d];
        index.iter().zip(self.strides).map(|(&i, s)| i * s as usize).sum()
    }
    fn values(&self) -> Vec<f64> {
        (0..self.data.len()).map(|flat| self.data[self.at(flat)].to_scalar().to_f64()).collect()
    }
    fn operand(&mut self) -> Operand<'_> {
        Operand::new(Memory::from_slice(&mut self.data), T::DTYPE, 0, &self.sizes, &self.strides).unwrap()
    }
}

fn pattern(flat: usize) -> f64 {
    (flat * 37 % 29) as f64
}

fn close(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    assert!(got.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-4), "{got:?} is not {expected:?}");
}

#[test]
fn averages_at_the_borders_are_those_of_pytorch() {
    for last in [false, true] {
        let mut x = Array::<f32>::new([1, 2, 7, 6], last, pattern);
        for (include, expected) in [(true, WITH_PADDING), (false, WITHOUT_PADDING)] {
            let mut y = Array::<f32>::new([1, 2, 4, 4], last, |_| 9.0);
            avg_pool(y.operand(), x.operand(), &[3, 3], &[2, 2], &[1, 1], include, None).unwrap();
            close(&y.values(), &expected);
        }
        let mut y = Array::<f32>::new([1, 2, 3, 4], !last, |_| 9.0);
        adaptive_avg_pool(y.operand(), x.operand()).unwrap();
        close(&y.values(), &ADAPTIVE);
    }
}

const WITH_PADDING: [f64; 32] = [
    6.0, 10.555555, 8.333333, 2.0, 11.888889, 15.333333, 12.0, 5.166667, 11.444445, 14.666667, 11.333333, 4.833333,
    6.333333, 9.444445, 7.222222, 4.666667, 7.111111, 9.0, 10.0, 7.666667, 10.333333, 13.0, 12.888889, 8.833333,
    9.888889, 12.333333, 15.444445, 8.5, 7.444445, 7.888889, 12.111111, 5.5,
];
const WITHOUT_PADDING: [f64; 32] = [
    13.5, 15.833333, 12.5, 6.0, 17.833334, 15.333333, 12.0, 10.333333, 17.166666, 14.666667, 11.333333, 9.666667,
    14.25, 14.166667, 10.833333, 14.0, 16.0, 13.5, 15.0, 23.0, 15.5, 13.0, 12.888889, 17.666666, 14.833333, 12.333333,
    15.444445, 17.0, 16.75, 11.833333, 18.166666, 16.5,
];
const ADAPTIVE: [f64; 24] = [
    13.333333, 16.5, 13.166667, 11.5, 17.5, 15.833333, 12.5, 10.833333, 16.833334, 15.166667, 11.833333, 10.166667,
    15.833333, 14.166667, 10.833333, 14.0, 15.166667, 13.5, 10.166667, 13.333333, 14.5, 12.833333, 14.333333, 17.5,
];

#[test]
fn largest_at_the_borders_are_those_of_pytorch() {
    fn check<T: Element>(last: bool) {
        let mut x = Array::<T>::new([1, 2, 7, 6], last, pattern);
        let mut y = Array::<T>::new([1, 2, 4, 3], last, |_| 99.0);
        let mut places = Array::<i64>::new([1, 2, 4, 3], !last, |_| 99.0);
        let settings = ([2, 3], [2, 2], [1, 1], [1, 2]);
        let (k, s, p, d) = (&settings.0, &settings.1, &settings.2, &settings.3);
        max_pool(y.operand(), Some(places.operand()), x.operand(), k, s, p, d).unwrap();
        let largest = [24, 24, 24, 27, 27, 20, 26, 26, 23, 22, 22, 22, 25, 28, 28, 21, 21, 21, 24, 27, 27, 23, 26, 26];
        let at = [3, 3, 3, 7, 7, 17, 25, 25, 21, 39, 39, 39, 1, 5, 5, 15, 15, 15, 19, 23, 23, 37, 41, 41];
        close(&y.values(), &largest.map(f64::from));
        close(&places.values(), &at.map(f64::from));
        let mut y = Array::<T>::new([1, 2, 3, 4], last, |_| 99.0);
        let mut places = Array::<i64>::new([1, 2, 3, 4], last, |_| 99.0);
        adaptive_max_pool(y.operand(), Some(places.operand()), x.operand()).unwrap();
        let largest = [27, 27, 24, 22, 28, 26, 23, 21, 27, 26, 22, 21, 26, 25, 21, 28, 26, 24, 21, 27, 25, 23, 28, 28];
        let at = [7, 7, 3, 10, 18, 25, 21, 28, 36, 25, 39, 28, 12, 1, 15, 5, 12, 19, 15, 23, 30, 37, 34, 34];
        close(&y.values(), &largest.map(f64::from));
        close(&places.values(), &at.map(f64::from));
    }
    for last in [false, true] {
        check::<f32>(last);
        check::<f64>(last);
        check::<f16>(last);
        check::<bf16>(last);
        check::<u8>(last);
        check::<i8>(last);
        check::<i32>(last);
        check::<i64>(last);
    }
}

#[test]
fn nan_and_infinity_are_found_as_pytorch_finds_them() {
    let values = [1.0, f64::NAN, 3.0, f64::NAN, 2.0, 2.0, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for (kernel, expected) in [(4, vec![3.0, 3.0, 4.0]), (2, vec![1.0, 3.0, 4.0, 6.0])] {
        let mut x = Array::<f32>::new([1, 1, 1, 8], false, |i| values[i]);
        let mut y = Array::<f32>::new([1, 1, 1, expected.len()], false, |_| 0.0);
        let mut places = Array::<i64>::new([1, 1, 1, expected.len()], false, |_| 0.0);
        let call = max_pool(y.operand(), Some(places.operand()), x.operand(), &[1, kernel], &[1, 2], &[0, 0], &[1, 1]);
        call.unwrap();
        assert_eq!(places.values(), expected);
        assert!(y.data[0].is_nan() && y.data[1].is_nan() && y.data[2] == 2.0);
    }
}

#[test]
fn largest_are_those_of_windows_written_plainly() {
    let mut rng = Rng(11);
    for round in 0..400 {
        let [n, c, h, w] = [1 + rng.below(2), 1 + rng.below(3), 1 + rng.below(40), 1 + rng.below(70)];
        let (k, s, d) = ([0; 2].map(|_| 1 + rng.below(4)), [0; 2].map(|_| 1 + rng.below(4)), 1 + rng.below(2));
        let p = k.map(|k| rng.below((d * (k - 1)).div_ceil(2) + 1));
        let Some(sizes) = [h, w]
            .iter()
            .zip(k)
            .zip(s)
            .zip(p)
            .map(|(((&x, k), s), p)| Some((x + 2 * p).checked_sub(d * (k - 1) + 1)? / s + 1))
            .collect::<Option<Vec<usize>>>()
        else {
            continue;
        };
        // Few different numbers, so that many are equal; now and then none.
        let mut x = Array::<f32>::new([n, c, h, w], round % 3 == 0, |_| match rng.below(40) {
            0 => f64::NAN,
            1 => f64::NEG_INFINITY,
            value => (value % 7) as f64,
        });
        let mut y = Array::<f32>::new([n, c, sizes[0], sizes[1]], round % 3 == 0, |_| 99.0);
        let mut places = Array::<i64>::new([n, c, sizes[0], sizes[1]], round % 5 == 0, |_| -9.0);
        let ints = |v: &[usize]| v.iter().map(|&v| v as i64).collect::<Vec<_>>();
        let (ki, si, pi) = (ints(&k), ints(&s), ints(&p));
        max_pool(y.operand(), Some(places.operand()), x.operand(), &ki, &si, &pi, &[d as i64; 2]).unwrap();
        let (input, found, at) = (x.values(), y.values(), places.values());
        for o in 0..found.len() {
            let (plane, i, j) = (o / sizes[1] / sizes[0], o / sizes[1] % sizes[0], o % sizes[1]);
            let mut expected: Option<(f64, usize)> = None;
            for (a, b) in (0..k[0]).flat_map(|a| (0..k[1]).map(move |b| (a, b))) {
                let (row, column) = ((i * s[0] + a * d).wrapping_sub(p[0]), (j * s[1] + b * d).wrapping_sub(p[1]));
                if row < h && column < w {
                    let value = input[(plane * h + row) * w + column];
                    if expected.is_none_or(|(best, _)| value > best || value.is_nan()) {
                        expected = Some((value, row * w + column));
                    }
                }
            }
            // Where a window wholly in the padding begins, as far as the plane goes.
            let begin = |at: usize, k: usize, p: usize, size: usize| {
                let first = at + p.saturating_sub(at).div_ceil(d) * d - p;
                first.min((at + d * (k - 1) + 1).saturating_sub(p).min(size))
            };
            let nowhere = begin(i * s[0], k[0], p[0], h) * w + begin(j * s[1], k[1], p[1], w);
            let found_none = (f64::NEG_INFINITY, nowhere.min(h * w - 1) as f64);
            let (value, place) = expected.map_or(found_none, |(value, place)| (value, place as f64));
            assert_eq!((found[o].to_bits(), at[o]), (value.to_bits(), place), "{h}x{w} {k:?} {s:?} {p:?} {d} at {o}");
        }
    }
}

#[test]
fn gradients_are_the_transposes() {
    let mut rng = Rng(7);
    for round in 0..60 {
        let last = round % 2 == 0;
        let [n, c, h, w] = [rng.below(3), 1 + rng.below(20), 1 + rng.below(9), 1 + rng.below(9)];
        let (k, s) = ([1 + rng.below(h), 1 + rng.below(w)], [1 + rng.below(3), 1 + rng.below(3)]);
        let p = [rng.below(k[0] / 2 + 1), rng.below(k[1] / 2 + 1)];
        let out = [(h + 2 * p[0] - k[0]) / s[0] + 1, (w + 2 * p[1] - k[1]) / s[1] + 1];
        let (k, s, p) = (k.map(|v| v as i64), s.map(|v| v as i64), p.map(|v| v as i64));
        let mut random = |_| rng.below(100) as f64 / 7.0;
        let mut x = Array::<f64>::new([n, c, h, w], last, &mut random);
        let mut g = Array::<f64>::new([n, c, out[0], out[1]], !last, &mut random);
        let mut y = Array::<f64>::new([n, c, out[0], out[1]], last, |_| 3.0);
        let mut gx = Array::<f64>::new([n, c, h, w], last, |_| 3.0);
        let mut places = Array::<i64>::new([n, c, out[0], out[1]], last, |_| 3.0);
        let inner =
            |a: &Array<f64>, b: &Array<f64>| -> f64 { a.values().iter().zip(b.values()).map(|(x, y)| x * y).sum() };
        let include = round % 3 == 0;
        let divisor = (round % 5 == 0).then_some(7);
        avg_pool(y.operand(), x.operand(), &k, &s, &p, include, divisor).unwrap();
        avg_pool_backward(gx.operand(), g.operand(), &k, &s, &p, include, divisor).unwrap();
        assert!((inner(&y, &g) - inner(&x, &gx)).abs() < 1e-8);
        max_pool(y.operand(), Some(places.operand()), x.operand(), &k, &s, &p, &[1, 1]).unwrap();
        max_pool_backward(gx.operand(), g.operand(), places.operand()).unwrap();
        assert!((inner(&y, &g) - inner(&x, &gx)).abs() < 1e-8);
        adaptive_avg_pool(y.operand(), x.operand()).unwrap();
        adaptive_avg_pool_backward(gx.operand(), g.operand()).unwrap();
        assert!((inner(&y, &g) - inner(&x, &gx)).abs() < 1e-8);
    }
}

#[test]
fn refusals() {
    let mut x = Array::<f32>::new([1, 1, 4, 4], false, pattern);
    let mut y = Array::<f32>::new([1, 1, 2, 2], false, pattern);
    let mut bad = Array::<i64>::new([1, 1, 2, 2], false, |_| 16.0);
    assert!(max_pool_backward(x.operand(), y.operand(), bad.operand()).is_err());
    bad.data.fill(-1);
    assert!(max_pool_backward(x.operand(), y.operand(), bad.operand()).is_err());
    let mut call = |kernel: &[i64], stride: &[i64], padding: &[i64]| {
        max_pool(y.operand(), None, x.operand(), kernel, stride, padding, &[1, 1])
    };
    assert!(call(&[2, 2], &[2, 2], &[0, 0]).is_ok());
    assert!(call(&[2, 2], &[2, 2], &[2, 0]).is_err());
    assert!(call(&[2, 2], &[0, 2], &[0, 0]).is_err());
    assert!(call(&[3, 2], &[3, 2], &[0, 0]).is_ok(), "rounded up");
    assert!(call(&[3, 2], &[4, 2], &[0, 0]).is_err());
    assert!(call(&[2], &[2, 2], &[0, 0]).is_err());
    assert!(avg_pool(y.operand(), x.operand(), &[2, 2], &[2, 2], &[0, 0], true, Some(0)).is_err());
}
