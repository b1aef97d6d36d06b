//! GF/s of float32 convolutions on one thread, forward and both gradients: `conv_speed [peak GF/s]`.

use corten_base::{Element, Memory, Operand, Result};
use corten_conv::{conv_backward_input, conv_backward_weight, conv_forward};
use std::time::Instant;

fn best(mut f: impl FnMut() -> Result<()>) -> f64 {
    f().unwrap();
    let (mut least, begin) = (f64::MAX, Instant::now());
    while begin.elapsed().as_secs_f64() < 0.25 {
        let start = Instant::now();
        f().unwrap();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least
}

fn run(peak: f64, [n, c, o, size, k, stride, groups]: [i64; 7], last: bool) {
    let padding = k / 2;
    let out = (size + 2 * padding - k) / stride + 1;
    let (xs, ws, ys) = ([n, c, size, size], [o, c / groups, k, k], [n, o, out, out]);
    let data = |sizes: &[i64; 4]| -> Vec<f32> {
        (0..sizes.iter().product()).map(|i: i64| (i * 7 % 13) as f32 - 6.0).collect()
    };
    let plain = |[_, b, c, d]: [i64; 4]| [b * c * d, c * d, d, 1];
    let image = |s: [i64; 4]| if last { [s[1] * s[2] * s[3], 1, s[3] * s[1], s[1]] } else { plain(s) };
    let (mut x, mut w, mut y) = (data(&xs), data(&ws), data(&ys));
    let (xt, wt, yt) = (image(xs), plain(ws), image(ys));
    let x = Operand::new(Memory::from_slice(&mut x), f32::DTYPE, 0, &xs, &xt).unwrap();
    let w = Operand::new(Memory::from_slice(&mut w), f32::DTYPE, 0, &ws, &wt).unwrap();
    let y = Operand::new(Memory::from_slice(&mut y), f32::DTYPE, 0, &ys, &yt).unwrap();
    let (s, p, d) = ([stride; 2], [padding; 2], [1; 2]);
    let work = 2 * ys.iter().product::<i64>() * ws[1] * k * k;
    let times = [
        best(|| conv_forward(y, x, w, None, &s, &p, &d, groups)),
        best(|| conv_backward_input(x, y, w, &s, &p, &d, groups)),
        best(|| conv_backward_weight(w, y, x, &s, &p, &d, groups)),
    ];
    print!("{xs:?} * {ws:?} / {stride}{}", if last { " last" } else { "" });
    for t in times {
        let rate = work as f64 / t / 1e9;
        print!("  {:.3} ms {rate:.0} GF/s {:.0} %", t * 1e3, 100.0 * rate / peak);
    }
    println!();
}

fn main() {
    let peak = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(100.0);
    for shape in [
        [8, 64, 64, 56, 3, 1, 1],
        [8, 128, 128, 28, 3, 1, 1],
        [8, 256, 256, 14, 3, 1, 1],
        [8, 512, 512, 7, 3, 1, 1],
        [1, 64, 64, 56, 3, 1, 1],
        [1, 512, 512, 7, 3, 1, 1],
        [8, 3, 64, 224, 7, 2, 1],
        [8, 128, 256, 28, 3, 2, 1],
        [8, 64, 256, 56, 1, 1, 1],
        [8, 512, 2048, 7, 1, 1, 1],
        [8, 256, 512, 28, 1, 2, 1],
        [32, 1, 32, 28, 3, 1, 1],
        [8, 64, 64, 56, 3, 1, 64],
        [8, 64, 64, 56, 3, 2, 64],
        [8, 256, 256, 14, 3, 1, 32],
    ] {
        run(peak, shape, false);
    }
    run(peak, [8, 64, 64, 56, 3, 1, 1], true);
}
