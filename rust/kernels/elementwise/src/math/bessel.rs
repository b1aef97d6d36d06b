//! Bessel functions, and Airy's, which are Bessel functions of order ±1/3. All in float64.

#![allow(clippy::excessive_precision, reason = "constants as they are tabulated")]

use std::f64::consts::{FRAC_PI_4, PI};

/// K₀(x) eˣ and K₁(x) eˣ, the modified functions of the second kind.
fn second_kind(x: f64) -> (f64, f64) {
    if x == 0.0 {
        return (f64::INFINITY, f64::INFINITY);
    }
    if x < 0.0 || x.is_nan() {
        return (f64::NAN, f64::NAN);
    }
    if x > 2.0 {
        return by_fraction(x, 0.0);
    }
    // The power series (DLMF 10.31.1 and 10.31.2).
    const EULER: f64 = 0.577_215_664_901_532_86;
    let (quarter, log) = (x * x / 4.0, libm::log(x / 2.0) + EULER);
    let (mut term, mut harmonic, mut k) = (1.0, 0.0, 0.0);
    let (mut zero, mut one) = (-log, 0.5 - log);
    while k < 20.0 {
        k += 1.0;
        term *= quarter / (k * k);
        harmonic += 1.0 / k;
        zero += term * (harmonic - log);
        one += term / (k + 1.0) * (harmonic + 0.5 / (k + 1.0) - log);
    }
    let scale = libm::exp(x);
    (zero * scale, (1.0 / x - x / 2.0 * one) * scale)
}

/// K of this order and of the next, times eˣ, for x of at least 2: Steed's fraction with Temme's sum (Temme 1975, "On the
/// numerical evaluation of the modified Bessel function of the third kind").
fn by_fraction(x: f64, order: f64) -> (f64, f64) {
    let root = (PI / (2.0 * x)).sqrt();
    if x > 1e17 {
        return (root, root);
    }
    let first = 0.25 - order * order;
    let mut b = 2.0 * (1.0 + x);
    let (mut d, mut a) = (1.0 / b, -first);
    let (mut h, mut step) = (d, d);
    let (mut q0, mut q1, mut q, mut c) = (0.0, 1.0, first, first);
    let mut sum = 1.0 + q * step;
    for i in 2..500 {
        let i = f64::from(i);
        a -= 2.0 * (i - 1.0);
        c *= -a / i;
        let next = (q0 - b * q1) / a;
        (q0, q1) = (q1, next);
        q += c * next;
        b += 2.0;
        d = 1.0 / (b + a * d);
        step *= b * d - 1.0;
        h += step;
        let term = q * step;
        sum += term;
        if term.abs() <= sum.abs() * 1e-17 {
            break;
        }
    }
    let value = root / sum;
    (value, value * (order + x + 0.5 - first * h) / x)
}

/// K₀(x).
#[inline(never)]
pub(crate) fn k0(x: f64) -> f64 {
    second_kind(x).0 * libm::exp(-x)
}

/// K₁(x).
#[inline(never)]
pub(crate) fn k1(x: f64) -> f64 {
    second_kind(x).1 * libm::exp(-x)
}

/// K₀(x) eˣ.
#[inline(never)]
pub(crate) fn k0e(x: f64) -> f64 {
    second_kind(x).0
}

/// K₁(x) eˣ.
#[inline(never)]
pub(crate) fn k1e(x: f64) -> f64 {
    second_kind(x).1
}

/// sin(x) / x, the spherical function of order 0.
#[inline(never)]
pub(crate) fn spherical(x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    if x.abs() < 1e-4 {
        return 1.0 - x * x / 6.0;
    }
    libm::sin(x) / x
}

/// Ai(x): by K of order 1/3 (DLMF 9.6.2) for large x, by an asymptotic series for x far below zero, between them by steps
/// along the differential equation y'' = x y.
#[inline(never)]
pub(crate) fn airy(x: f64) -> f64 {
    if x.is_nan() || x.is_infinite() {
        return f64::NAN;
    }
    if x > 2.2 {
        let zeta = x * x.sqrt() * (2.0 / 3.0);
        return (x / 3.0).sqrt() / PI * by_fraction(zeta, 1.0 / 3.0).0 * libm::exp(-zeta);
    }
    if x < -8.0 {
        return far_below(-x);
    }
    // Ai(0) and Ai'(0) (DLMF 9.2.3 and 9.2.4).
    let (mut at, mut y, mut slope) = (0.0, 0.355_028_053_887_817_24, -0.258_819_403_792_806_80);
    while x < at - 1.0 {
        (y, slope) = along(at, y, slope, -1.0);
        at -= 1.0;
    }
    along(at, y, slope, x - at).0
}

/// A solution of y'' = x y and its slope, `h` further on, from those at `x`: its Taylor series.
fn along(x: f64, y: f64, slope: f64, h: f64) -> (f64, f64) {
    // The terms cₖ hᵏ; from the equation (k + 2)(k + 1) cₖ₊₂ = x cₖ + cₖ₋₁.
    let (mut before, mut term, mut next) = (0.0, y, slope * h);
    let (mut value, mut derivative, mut k) = (y + next, next, 0.0);
    while k < 60.0 {
        let following = (x * term + h * before) * h * h / ((k + 1.0) * (k + 2.0));
        (before, term, next) = (term, next, following);
        k += 1.0;
        value += next;
        derivative += (k + 1.0) * next;
    }
    (value, if h == 0.0 { slope } else { derivative / h })
}

/// Ai(-z) for large z (DLMF 9.7.9).
fn far_below(z: f64) -> f64 {
    let zeta = z * z.sqrt() * (2.0 / 3.0);
    let (mut term, mut even, mut odd) = (1.0, 1.0, 0.0);
    // Its least term, the last, is at 2ζ, which is 30 or more.
    for k in 1..30 {
        let x = f64::from(k);
        term *= (6.0 * x - 5.0) * (6.0 * x - 3.0) * (6.0 * x - 1.0) / (216.0 * x * (2.0 * x - 1.0) * zeta);
        match k % 4 {
            1 => odd += term,
            2 => even -= term,
            3 => odd -= term,
            _ => even += term,
        }
    }
    let angle = zeta - FRAC_PI_4;
    (libm::cos(angle) * even + libm::sin(angle) * odd) / (PI.sqrt() * z.sqrt().sqrt())
}
