//! Convolutions of 3 by 3 positions by minimal filtering, beside the same ones computed directly and in float64.

use corten_base::isa::{Isa, force};
use corten_base::pool::set_num_threads;
use corten_base::{DType, Element, Memory, Operand};
use corten_conv::{conv_backward_input, conv_backward_weight, conv_forward};

/// Sizes of one convolution: images, input and output channels, height, width, padding, groups.
#[derive(Clone, Copy, Debug)]
struct Case {
    n: usize,
    c: usize,
    o: usize,
    size: [usize; 2],
    padding: [usize; 2],
    groups: usize,
    /// Rows and columns at the end that the output lacks.
    short: [usize; 2],
}

const CASES: [Case; 9] = [
    Case { n: 2, c: 32, o: 32, size: [16, 16], padding: [1, 1], groups: 1, short: [0, 0] },
    Case { n: 3, c: 40, o: 27, size: [13, 15], padding: [1, 1], groups: 1, short: [0, 0] },
    Case { n: 5, c: 25, o: 50, size: [9, 7], padding: [0, 4], groups: 1, short: [0, 0] },
    Case { n: 1, c: 24, o: 36, size: [3, 190], padding: [2, 3], groups: 1, short: [0, 0] },
    Case { n: 2, c: 60, o: 120, size: [12, 17], padding: [3, 0], groups: 2, short: [0, 0] },
    Case { n: 8, c: 530, o: 24, size: [6, 5], padding: [1, 1], groups: 1, short: [0, 0] },
    Case { n: 6, c: 24, o: 300, size: [7, 7], padding: [1, 1], groups: 1, short: [0, 0] },
    Case { n: 2, c: 32, o: 32, size: [16, 16], padding: [1, 1], groups: 1, short: [1, 2] },
    Case { n: 2, c: 40, o: 28, size: [15, 18], padding: [2, 0], groups: 1, short: [3, 5] },
];

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Plain,
    ChannelsLast,
    /// Pairs of images as two layers of one, which only the direct way computes.
    Layers,
}

struct Data {
    case: Case,
    x: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
    g: Vec<f32>,
}

/// Results of a forward call and both gradients.
type Results<T> = [Vec<T>; 3];

impl Case {
    fn out(&self) -> [usize; 2] {
        [0, 1].map(|d| self.size[d] + 2 * self.padding[d] - 2 - self.short[d])
    }
    fn data(self, mut value: impl FnMut() -> f32) -> Data {
        let [h, v] = self.out();
        let mut many = |count: usize| (0..count).map(|_| value()).collect::<Vec<f32>>();
        let x = many(self.n * self.c * self.size[0] * self.size[1]);
        let w = many(self.o * self.c / self.groups * 9);
        Data { case: self, x, w, bias: many(self.o), g: many(self.n * self.o * h * v) }
    }
}

fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    }
}

fn rough(seed: u64) -> impl FnMut() -> f32 {
    let mut next = random(seed);
    move || (next() % 20001) as f32 / 7777.0 - 1.2
}

/// Calls with the places of every output, input and weight that meet.
fn terms(case: &Case, mut f: impl FnMut(usize, usize, usize)) {
    let (per, outs, [h, v]) = (case.c / case.groups, case.o / case.groups, case.out());
    for (n, o) in (0..case.n).flat_map(|n| (0..case.o).map(move |o| (n, o))) {
        for (i, j) in (0..h).flat_map(|i| (0..v).map(move |j| (i, j))) {
            for (a, b) in (0..3).flat_map(|a| (0..3).map(move |b| (a, b))) {
                let row = (i + a).wrapping_sub(case.padding[0]);
                let column = (j + b).wrapping_sub(case.padding[1]);
                if row >= case.size[0] || column >= case.size[1] {
                    continue;
                }
                for c in 0..per {
                    let x = ((n * case.c + o / outs * per + c) * case.size[0] + row) * case.size[1] + column;
                    f(((n * case.o + o) * h + i) * v + j, x, (o * per + c) * 9 + 3 * a + b);
                }
            }
        }
    }
}

impl Data {
    /// The results by their definition, with `sign` applied to every factor.
    fn plain(&self, sign: fn(f64) -> f64) -> Results<f64> {
        let of = |x: f32| sign(x as f64);
        let pixels = self.g.len() / self.case.n / self.case.o;
        let mut y: Vec<f64> = (0..self.g.len()).map(|i| of(self.bias[i / pixels % self.case.o])).collect();
        let (mut gx, mut gw) = (vec![0.0; self.x.len()], vec![0.0; self.w.len()]);
        terms(&self.case, |i, j, k| {
            y[i] += of(self.x[j]) * of(self.w[k]);
            gx[j] += of(self.g[i]) * of(self.w[k]);
            gw[k] += of(self.g[i]) * of(self.x[j]);
        });
        [y, gx, gw]
    }

    fn results<T: Element>(&self, layout: Layout, to: fn(f32) -> T, from: fn(T) -> f32) -> Results<f32> {
        let Case { n, c, o, size, padding, groups, .. } = self.case;
        let out = self.case.out();
        let image = |channels: usize, [h, v]: [usize; 2]| match layout {
            Layout::Plain => (vec![n, channels, h, v], vec![channels * h * v, h * v, v, 1]),
            Layout::ChannelsLast => (vec![n, channels, h, v], vec![channels * h * v, 1, v * channels, channels]),
            Layout::Layers => {
                (vec![n / 2, channels, 2, h, v], vec![2 * channels * h * v, h * v, channels * h * v, v, 1])
            }
        };
        let signed = |x: Vec<usize>| x.into_iter().map(|x| x as i64).collect::<Vec<i64>>();
        let both = |(a, b): (Vec<usize>, Vec<usize>)| (signed(a), signed(b));
        let (xs, ys) = (both(image(c, size)), both(image(o, out)));
        let per = c / groups;
        let ws = both(match layout {
            Layout::Plain => (vec![o, per, 3, 3], vec![per * 9, 9, 3, 1]),
            Layout::ChannelsLast => (vec![o, per, 3, 3], vec![per * 9, 1, 3 * per, per]),
            Layout::Layers => (vec![o, per, 1, 3, 3], vec![per * 9, 9, 9, 3, 1]),
        });
        // Data in NCHW order to and from the memory of a layout.
        let arrange = |data: &[f32], channels: usize, back: bool| -> Vec<f32> {
            if layout != Layout::ChannelsLast {
                return data.to_vec();
            }
            let pixels = data.len() / channels / if channels == per && data.len() == self.w.len() { o } else { n };
            let mut all = vec![0.0; data.len()];
            for i in 0..data.len() {
                let (image, channel, pixel) = (i / pixels / channels, i / pixels % channels, i % pixels);
                let last = (image * pixels + pixel) * channels + channel;
                let (to, from) = if back { (i, last) } else { (last, i) };
                all[to] = data[from];
            }
            all
        };
        let typed = |data: Vec<f32>| data.into_iter().map(to).collect::<Vec<T>>();
        let (mut x, mut w) = (typed(arrange(&self.x, c, false)), typed(arrange(&self.w, per, false)));
        let (mut g, mut bias) = (typed(arrange(&self.g, o, false)), typed(self.bias.clone()));
        let junk = |count: usize| vec![to(77.0); count];
        let (mut y, mut gx, mut gw) = (junk(g.len()), junk(x.len()), junk(w.len()));
        let mut settings = [vec![1; 2], padding.map(|p| p as i64).to_vec(), vec![1; 2]];
        if layout == Layout::Layers {
            settings.iter_mut().zip([1, 0, 1]).for_each(|(setting, value)| setting.insert(0, value));
        }
        let [stride, padding, dilation] = &settings;
        fn operand<'a, T: Element>(data: &'a mut [T], (sizes, strides): &'a (Vec<i64>, Vec<i64>)) -> Operand<'a> {
            Operand::new(Memory::from_slice(data), T::DTYPE, 0, sizes, strides).unwrap()
        }
        let bs = (vec![o as i64], vec![1]);
        let groups = groups as i64;
        let (xo, wo, go) = (operand(&mut x, &xs), operand(&mut w, &ws), operand(&mut g, &ys));
        let bias = Some(operand(&mut bias, &bs));
        conv_forward(operand(&mut y, &ys), xo, wo, bias, stride, padding, dilation, groups).unwrap();
        conv_backward_input(operand(&mut gx, &xs), go, wo, stride, padding, dilation, groups).unwrap();
        conv_backward_weight(operand(&mut gw, &ws), go, xo, stride, padding, dilation, groups).unwrap();
        let plain = |data: Vec<T>, channels| arrange(&data.into_iter().map(from).collect::<Vec<f32>>(), channels, true);
        [plain(y, o), plain(gx, c), plain(gw, per)]
    }

    fn floats(&self, layout: Layout) -> Results<f32> {
        self.results(layout, |x| x, |x| x)
    }
}

/// The largest error of each result, relative to the largest sum of the factors' sizes.
fn errors(got: &Results<f32>, expected: &Results<f64>, sizes: &Results<f64>) -> [f64; 3] {
    std::array::from_fn(|i| {
        let scale = sizes[i].iter().fold(0.0, |a: f64, &b| a.max(b));
        got[i].iter().zip(&expected[i]).fold(0.0, |most: f64, (&a, &b)| most.max((a as f64 - b).abs() / scale))
    })
}

#[test]
fn small_integers_are_exact() {
    for case in CASES {
        let mut next = random(3);
        let data = case.data(|| (next() % 7) as f32 - 3.0);
        let expected = data.plain(|x| x).map(|all| all.into_iter().map(|x| x as f32).collect::<Vec<f32>>());
        for layout in [Layout::Plain, Layout::ChannelsLast] {
            assert!(data.floats(layout) == expected, "{case:?}");
        }
    }
}

#[test]
fn the_same_bits_everywhere() {
    for case in CASES {
        let data = case.data(rough(5));
        let bits = |results: Results<f32>| results.map(|all| all.into_iter().map(f32::to_bits).collect::<Vec<u32>>());
        assert!(force(Isa::Portable));
        let expected = bits(data.floats(Layout::Plain));
        for (isa, threads) in [(Isa::Avx2, 1), (Isa::Avx2, 3), (Isa::Avx512, 2), (Isa::Neon, 2)] {
            if !force(isa) {
                println!("{isa:?} is not run: this machine lacks it");
                continue;
            }
            set_num_threads(threads);
            for layout in [Layout::Plain, Layout::ChannelsLast] {
                assert!(bits(data.floats(layout)) == expected, "{isa:?}, {threads} threads, {case:?}");
            }
        }
    }
}

#[test]
fn errors_stay_near_those_of_plain_sums() {
    for case in CASES.into_iter().filter(|case| case.n % 2 == 0) {
        let data = case.data(rough(7));
        let (exact, sizes) = (data.plain(|x| x), data.plain(f64::abs));
        let [quick, direct] =
            [Layout::Plain, Layout::Layers].map(|layout| errors(&data.floats(layout), &exact, &sizes));
        println!("{case:?}: {:.2?} e-7, directly {:.2?} e-7", quick.map(|e| e * 1e7), direct.map(|e| e * 1e7));
        for (quick, direct) in quick.into_iter().zip(direct) {
            assert!(quick < 4.0 * direct && quick < 4e-7, "{quick} beside {direct}, {case:?}");
        }
    }
}

#[test]
fn halves_are_rounded_once() {
    let data = CASES[0].data(|| 0.5);
    let to = |x: f32| corten_base::f16::from_f32(x);
    let expected = data.plain(|x| x).map(|all| all.into_iter().map(|x| to(x as f32).to_f32()).collect::<Vec<f32>>());
    assert_eq!(corten_base::f16::DTYPE, DType::F16);
    assert!(data.results(Layout::Plain, to, corten_base::f16::to_f32) == expected);
}

#[test]
fn infinity_and_nan_stay_where_they_are() {
    let alike = |x: f32, y: f32| if y.is_finite() { (x - y).abs() < 1e-3 } else { x.to_string() == y.to_string() };
    for value in [f32::INFINITY, f32::NAN, f32::NEG_INFINITY] {
        for part in 0..3 {
            let mut data = CASES[0].data(rough(9));
            let target = [&mut data.x, &mut data.w, &mut data.g].into_iter().nth(part).unwrap();
            let middle = target.len() / 2;
            target[middle] = value;
            for (got, expected) in data.floats(Layout::Plain).iter().zip(data.floats(Layout::Layers)) {
                assert!(got.iter().zip(expected).all(|(&x, y)| alike(x, y)), "{value} in part {part}");
            }
        }
    }
}

#[test]
fn what_only_the_transforms_overflow_is_summed_plainly() {
    let mut data = CASES[1].data(|| 1.0 / 1024.0);
    data.x.fill(f32::MAX / 1.5);
    let [y, ..] = data.floats(Layout::Plain);
    let [expected, ..] = data.plain(|x| x);
    assert!(y.iter().zip(expected).all(|(&x, y)| (x as f64 / y - 1.0).abs() < 1e-5));
    data.g.fill(f32::MAX / 1.5);
    data.x.fill(1.0 / 1024.0);
    let [_, gx, gw] = data.floats(Layout::Plain);
    let [_, x, w] = data.plain(|x| x);
    assert!(gx.iter().zip(x).chain(gw.iter().zip(w)).all(|(&x, y)| (x as f64 / y - 1.0).abs() < 1e-5));
}
