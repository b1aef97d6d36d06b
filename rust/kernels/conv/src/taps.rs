//! Which elements a resampled one is made of, and with which weights: PyTorch's rules for each mode, along one dimension.

use corten_base::alloc::room;
use corten_base::{Result, fail};

/// How positions between elements are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The element whose cell begins last before the position.
    Nearest,
    /// The element whose centre is nearest.
    NearestExact,
    /// A line between two elements.
    Linear,
    /// A cubic curve through four elements (Keys 1981, with a = -0.75).
    Cubic,
    /// A triangle that widens as the result shrinks.
    SmoothLinear,
    /// A cubic window that widens as the result shrinks (with a = -0.5).
    SmoothCubic,
}

/// Resampling along one dimension.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// How positions are read.
    pub mode: Mode,
    /// Elements of the input.
    pub input: usize,
    /// Elements of the result.
    pub output: usize,
    /// The factor that was asked for, where sizes alone do not say it.
    pub scale: Option<f64>,
    /// The first and last elements stay in place; otherwise the edges of their cells do.
    pub corners: bool,
    /// Positions are computed in float32, as for an input of that dtype or of a half.
    pub single: bool,
}

/// A sparse matrix: element `j` is the sum of `weights[t] * x[places[t]]` for `t` in `bounds[j]..bounds[j + 1]`.
#[derive(Debug)]
pub struct Taps {
    pub(crate) bounds: Vec<usize>,
    pub(crate) places: Vec<usize>,
    pub(crate) weights: Vec<f64>,
    pub(crate) input: usize,
}

impl Sampling {
    /// Rounds to the precision of positions.
    fn round(&self, x: f64) -> f64 {
        if self.single { x as f32 as f64 } else { x }
    }

    /// The distance in the input between neighbours of the result.
    fn step(&self) -> f64 {
        let size = |n: usize| self.round(n as f64);
        match self.scale {
            _ if self.corners && self.output > 1 => self.round(size(self.input - 1) / size(self.output - 1)),
            _ if self.corners => 0.0,
            Some(scale) if scale > 0.0 => self.round(1.0 / scale),
            _ => self.round(size(self.input) / size(self.output)),
        }
    }

    /// Where element `j` of the result lies in the input.
    fn position(&self, step: f64, j: usize) -> f64 {
        match self.mode {
            _ if self.corners => self.round(step * j as f64),
            Mode::Nearest => self.round(step * j as f64),
            _ => self.round(self.round(step * (j as f64 + 0.5)) - 0.5),
        }
    }

    /// Calls with the place and weight of each element that element `j` of the result is made of.
    fn each(&self, step: f64, j: usize, mut tap: impl FnMut(usize, f64)) {
        let last = self.input - 1;
        // PyTorch rounds positions down in float32, whatever their own precision.
        let floor = |x: f64| (x as f32).floor() as i64;
        match self.mode {
            Mode::Nearest => tap((floor(self.position(step, j)).max(0) as usize).min(last), 1.0),
            Mode::NearestExact => {
                let centre = self.round(self.position(step, j).max(0.0) + 0.5);
                tap((floor(centre).max(0) as usize).min(last), 1.0);
            }
            Mode::Linear if self.input == self.output => tap(j, 1.0),
            Mode::Linear => {
                let at = self.position(step, j).max(0.0);
                let first = (floor(at) as usize).min(last);
                let share = self.round(at - first as f64).clamp(0.0, 1.0);
                tap(first, self.round(1.0 - share));
                tap((first + 1).min(last), share);
            }
            Mode::Cubic => {
                let at = self.position(step, j);
                let first = floor(at).min(last as i64);
                let share = self.round(at - first as f64).clamp(0.0, 1.0);
                for (k, weight) in cubic_weights(share, -0.75).into_iter().enumerate() {
                    tap((first + k as i64 - 1).clamp(0, last as i64) as usize, self.round(weight));
                }
            }
            Mode::SmoothLinear => self.window(step, j, 1.0, |x| if x.abs() < 1.0 { 1.0 - x.abs() } else { 0.0 }, tap),
            Mode::SmoothCubic => self.window(step, j, 2.0, |x| cubic(x.abs(), -0.5), tap),
        }
    }

    /// A window of `half` widths on either side, widened by the step where that is above one, with weights of sum one.
    fn window(&self, step: f64, j: usize, half: f64, weight: impl Fn(f64) -> f64, mut tap: impl FnMut(usize, f64)) {
        let stretch = step.max(1.0);
        let (centre, reach) = (self.round(step * (j as f64 + 0.5)), self.round(half * stretch));
        let first = ((self.round(centre - reach) + 0.5) as usize).min(self.input);
        let end = ((self.round(centre + reach) + 0.5) as usize).min(self.input).max(first);
        let shrink = self.round(1.0 / stretch);
        let at = |i: usize| self.round(weight(self.round((self.round(i as f64 - centre) + 0.5) * shrink)));
        let total = (first..end).fold(0.0, |total, i| self.round(total + at(i)));
        let factor = if total == 0.0 { 1.0 } else { self.round(1.0 / total) };
        (first..end).for_each(|i| tap(i, self.round(at(i) * factor)));
    }

    /// The weights of all elements.
    ///
    /// # Errors
    /// An empty input, and too little memory.
    pub fn taps(&self) -> Result<Taps> {
        if self.input == 0 {
            fail!(Runtime, "cannot resample from no elements");
        }
        let step = self.step();
        let mut bounds = room(self.output.saturating_add(1))?;
        let mut count = 0usize;
        bounds.push(0);
        for j in 0..self.output {
            self.each(step, j, |_, _| count = count.saturating_add(1));
            bounds.push(count);
        }
        let (mut places, mut weights) = (room(count)?, room(count)?);
        for j in 0..self.output {
            self.each(step, j, |place, weight| {
                places.push(place);
                weights.push(weight);
            });
        }
        Ok(Taps { bounds, places, weights, input: self.input })
    }
}

/// The curve between two elements at the distance `x` (not negative) from one of them.
fn cubic(x: f64, a: f64) -> f64 {
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

/// The weights of the four elements around a position, which lies the share `t` behind the second.
pub fn cubic_weights(t: f64, a: f64) -> [f64; 4] {
    // The outer ones by their own branch: at a share of 0 or 1 the distance is 2, where the curve has come to zero.
    [cubic(t + 1.0, a), cubic(t, a), cubic(1.0 - t, a), cubic(2.0 - t, a)]
}

impl Taps {
    /// Elements of the result.
    pub fn output(&self) -> usize {
        self.bounds.len() - 1
    }

    /// The matrix transposed: how the input's gradient is made of that of the result.
    ///
    /// # Errors
    /// Too little memory.
    pub fn transposed(&self) -> Result<Taps> {
        let (mut bounds, mut places, mut weights) =
            (room(self.input.saturating_add(2))?, room(self.places.len())?, room(self.places.len())?);
        // Counts two places further, so that filling leaves the bounds one place further, where they belong.
        bounds.resize(self.input + 2, 0usize);
        self.places.iter().for_each(|&place| bounds[place + 2] += 1);
        (2..bounds.len()).for_each(|i| bounds[i] += bounds[i - 1]);
        places.resize(self.places.len(), 0);
        weights.resize(self.places.len(), 0.0);
        for j in 0..self.output() {
            for t in self.bounds[j]..self.bounds[j + 1] {
                let at = &mut bounds[self.places[t] + 1];
                (places[*at], weights[*at]) = (j, self.weights[t]);
                *at += 1;
            }
        }
        bounds.pop();
        Ok(Taps { bounds, places, weights, input: self.output() })
    }
}
