//! Gradients of sampling at the points of a grid.
//!
//! They have kernels; where the gradient itself is recorded, it is written out in rows instead, so that every higher
//! order follows.

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{DType, Dims, Result, Tensor, mode};

/// The numbers of the modes, and whether -1 and 1 are the centres of the first and last elements.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Reading {
    pub mode: i64,
    pub padding: i64,
    pub corners: bool,
}

/// The elements that points read along one dimension (N, P): place, weight, and how that changes with the coordinate.
struct Tap {
    place: T,
    weight: T,
    slope: T,
}

fn detached(x: &T) -> Result<T> {
    Ok(T::from(x.clone().tensor()?.detached()))
}

/// The coefficients of the cubic curve through four elements, highest power first, at the share `t` behind the second.
const CUBIC: [[f64; 4]; 4] =
    [[-0.75, 1.5, -0.75, 0.0], [1.25, -2.25, 0.0, 1.0], [-1.25, 1.5, 0.75, 0.0], [0.75, -0.75, 0.0, 0.0]];

impl Reading {
    /// Positions brought inside, and by what their slope is multiplied; neither is differentiated.
    fn inside(&self, x: &T, size: f64) -> Result<(T, T)> {
        let _below = mode::no_grad();
        let x = detached(x)?;
        let ones = ops::ones_like(&x);
        let clamped = |x: &T| -> (T, T) {
            let within = ops::logical_and(ops::gt(x, 0), ops::lt(x, size - 1.0));
            (ops::clamp_with(x, 0.0, size - 1.0), ops::where_(within, 1.0, ops::zeros_like(x)))
        };
        let (low, span) = if self.corners { (0.0, size - 1.0) } else { (-0.5, size) };
        Ok(match self.padding {
            0 => (x, ones),
            1 => clamped(&x),
            _ if span == 0.0 => (ops::zeros_like(&x), ops::zeros_like(&x)),
            _ => {
                let away = ops::abs(ops::sub(&x, low));
                let sign = ops::where_(ops::lt(&x, low), -1.0, &ones);
                let extra = ops::fmod(&away, span);
                let even = ops::eq(ops::remainder(ops::floor(ops::div(away, span)), 2.0), 0);
                let place = ops::where_(&even, ops::add(&extra, low), ops::rsub_scalar(extra, span + low));
                let (place, kept) = clamped(&place);
                (place, ops::mul(ops::where_(even, &sign, ops::neg(&sign)), kept))
            }
        })
    }

    /// A tap at positions that are whole numbers; outside it counts nothing.
    fn tap(&self, at: T, weight: T, slope: T, size: f64) -> Tap {
        let within = ops::logical_and(ops::ge(&at, 0), ops::lt(&at, size));
        let place = ops::to(ops::clamp_with(ops::where_(&within, at, 0.0), 0.0, size - 1.0), DType::I64);
        let hidden = ops::logical_not(within);
        Tap { place, weight: ops::masked_fill(weight, &hidden, 0), slope: ops::masked_fill(slope, hidden, 0) }
    }

    /// The taps at coordinates (N, P) of a dimension of `size` elements.
    fn taps(&self, x: &T, size: i64) -> Result<Vec<Tap>> {
        let size = size as f64;
        let unit = if self.corners { (size - 1.0) / 2.0 } else { size / 2.0 };
        let shift = if self.corners { unit } else { (size - 1.0) / 2.0 };
        let raw = ops::add(ops::mul(x, unit), shift);
        if self.mode == 2 {
            let first = ops::floor(detached(&raw)?);
            let t = &raw - &first;
            return (0..4)
                .map(|k| {
                    let [a, b, c, d] = CUBIC[k];
                    let at = self.inside(&ops::add(&first, k as f64 - 1.0), size)?.0;
                    let weight = ((&t * a + b) * &t + c) * &t + d;
                    let slope = ((&t * (3.0 * a) + 2.0 * b) * &t + c) * unit;
                    Ok(self.tap(at, weight, slope, size))
                })
                .collect();
        }
        let (value, kept) = self.inside(&raw, size)?;
        let at = (&raw - &detached(&raw)?) * &kept + &value;
        if self.mode == 1 {
            return Ok(vec![self.tap(ops::round(value), ops::ones_like(&kept), ops::zeros_like(&kept), size)]);
        }
        let first = ops::floor(value);
        let (share, slope) = (at - &first, kept * unit);
        let next = ops::add(&first, 1);
        Ok(vec![
            self.tap(first, ops::rsub_scalar(&share, 1), ops::neg(&slope), size),
            self.tap(next, share, slope, size),
        ])
    }
}

/// The gradients of input and grid, where they are needed.
pub fn grid_gradients(g: &T, x: &T, grid: &T, how: Reading, need: &[bool]) -> Result<Vec<T>> {
    let Reading { mode: reading, padding, corners } = how;
    let none = || T::value(Value::None);
    let sizes = x.clone().tensor()?.dims();
    if !mode::grad_enabled() {
        return Ok(vec![
            if need[0] {
                ops::_grid_sampler_backward_input(g, &sizes, grid, reading, padding, corners)
            } else {
                none()
            },
            if need[1] { ops::_grid_sampler_backward_grid(g, x, grid, reading, padding, corners) } else { none() },
        ]);
    }
    let (lead, plane) = (&sizes[..2], &sizes[2..]);
    let flat = |t: &T, lead: &[i64]| -> Result<Tensor> {
        let count = t.clone().tensor()?.sizes()[lead.len()..].iter().product();
        ops::reshape(t, [lead, &[count]].concat()).tensor()
    };
    let (x, g, shape) = (flat(x, lead)?, flat(g, lead)?, grid.clone().tensor()?.dims());
    let mut along = Vec::new();
    for (d, &size) in plane.iter().enumerate() {
        let coordinates = flat(&ops::select(grid, -1, plane.len() - 1 - d), &lead[..1])?;
        along.push(how.taps(&T::from(coordinates), size)?);
    }
    let mut to_x = ops::zeros_like(&x);
    let mut to_grid: Vec<T> = plane.iter().map(|_| ops::zeros_like(ops::select(&g, 1, 0))).collect();
    let count: usize = along.iter().map(Vec::len).product();
    for mut number in 0..count {
        let taps: Vec<&Tap> = along
            .iter()
            .map(|taps| {
                let tap = &taps[number % taps.len()];
                number /= taps.len();
                tap
            })
            .collect();
        let place = taps[1..]
            .iter()
            .zip(&plane[1..])
            .fold(taps[0].place.clone(), |at, (tap, &size)| ops::add(ops::mul(at, size), &tap.place));
        let place = ops::expand(ops::unsqueeze(place, 1), g.sizes()).tensor()?;
        // The product of the weights, the slope in place of one of them.
        let product = |sloped: Option<usize>| {
            let factors =
                taps.iter().enumerate().map(|(d, tap)| if Some(d) == sloped { &tap.slope } else { &tap.weight });
            factors.cloned().reduce(|a, b| a * &b).unwrap_or_else(none)
        };
        to_x = ops::scatter_add(to_x, 2, &place, ops::mul(&g, ops::unsqueeze(product(None), 1)));
        let shared = ops::sum_dim_with(ops::mul(&g, ops::gather(&x, 2, place)), [1], false, Value::None);
        for (d, sum) in to_grid.iter_mut().enumerate() {
            *sum = &*sum + &(&shared * &product(Some(d)));
        }
    }
    to_grid.reverse();
    let sizes: &Dims = &sizes;
    Ok(vec![ops::reshape(to_x, sizes), ops::reshape(ops::stack_with(to_grid.as_slice(), -1), shape)])
}
