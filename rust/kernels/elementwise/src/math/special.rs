//! Functions too rare or too branchy for vectors, by way of float64: one loop element, one call.
//!
//! They use no fused operation, which the portable path would have to emulate.

#![allow(clippy::excessive_precision, clippy::approx_constant, reason = "constants as they were fitted")]

/// A module per function with an `f32` and an `f64` version; float32 is computed in float64.
macro_rules! specials {
    ($($(#[$meta:meta])* $name:ident($($x:ident),+) $body:expr;)*) => { $(
        $(#[$meta])*
        pub(crate) mod $name {
            #[allow(unused_imports)]
            use super::*;
            #[inline(never)]
            pub(crate) fn f64($($x: f64),+) -> f64 { $body }
            #[inline(always)]
            pub(crate) fn f32($($x: f32),+) -> f32 { f64($($x as f64),+) as f32 }
        }
    )* };
}

specials! {
    /// Of any angle.
    sin(x) libm::sin(x);
    /// Of any angle.
    cos(x) libm::cos(x);
    /// Of any angle.
    tan(x) libm::tan(x);
    /// The logarithm of |Γ(x)|.
    lgamma(x) libm::lgamma(x);
    /// The logarithmic derivative of Γ.
    digamma(x) psi(x);
    /// The modified Bessel function of the first kind and order 0.
    i0(x) bessel(x, 0.0, false);
    /// The same times exp(-|x|).
    i0e(x) bessel(x, 0.0, true);
    /// The modified Bessel function of the first kind and order 1.
    i1(x) bessel(x, 1.0, false);
    /// The same times exp(-|x|).
    i1e(x) bessel(x, 1.0, true);
    /// The n-th derivative of digamma, for an integer n of at least 0.
    polygamma(n, x) polygamma_of(n, x);
}

use std::f64::consts::PI;

/// Reflection for negative numbers, recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3).
pub(crate) fn psi(x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        if x.trunc() == x {
            return f64::NAN;
        }
        let fraction = x - x.trunc();
        return psi(1.0 - x) - PI / libm::tan(PI * fraction);
    }
    let (mut x, mut below) = (x, 0.0);
    while x < 10.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    let z = 1.0 / (x * x);
    // The Bernoulli numbers B₂ₖ / 2k, highest first.
    const SERIES: [f64; 7] =
        [1.0 / 12.0, -691.0 / 32760.0, 1.0 / 132.0, -1.0 / 240.0, 1.0 / 252.0, -1.0 / 120.0, 1.0 / 12.0];
    let tail = if x < 1e17 { SERIES.iter().fold(0.0, |sum, c| sum * z + c) * z } else { 0.0 };
    libm::log(x) - 0.5 / x - tail - below
}

/// `(-1)ⁿ⁺¹ n! ζ(n + 1, x)` (Abramowitz and Stegun 6.4.10).
fn polygamma_of(n: f64, x: f64) -> f64 {
    if n == 0.0 {
        return psi(x);
    }
    // 171! is infinite in float64.
    let factorial: f64 = (2..=n.min(171.0) as u32).map(f64::from).product();
    let size = factorial * zeta(n + 1.0, x);
    if n % 2.0 == 0.0 { -size } else { size }
}

/// Hurwitz' zeta function for any s and q, with PyTorch's values where it is not defined.
#[inline(never)]
pub(crate) fn hurwitz(s: f64, q: f64) -> f64 {
    if s == 1.0 {
        return f64::INFINITY;
    }
    if s < 1.0 {
        return f64::NAN;
    }
    if q <= 0.0 && q.trunc() == q {
        return f64::INFINITY;
    }
    if q <= 0.0 && s.trunc() != s { f64::NAN } else { zeta(s, q) }
}

/// `Σ (q + k)⁻ˢ` over k from 0, for s above 1, an integer where q is negative.
fn zeta(s: f64, q: f64) -> f64 {
    if q > 0.0 || q.is_nan() {
        return zeta_of_positive(s, q);
    }
    if q.trunc() == q {
        return f64::INFINITY;
    }
    // The sum over all integers depends on the fraction alone; what lies below q is taken away again.
    let fraction = q - q.floor();
    let below = zeta_of_positive(s, 1.0 - fraction) - zeta_of_positive(s, 1.0 - q);
    zeta_of_positive(s, fraction) + if s % 2.0 == 0.0 { below } else { -below }
}

/// The first terms, and the others by the formula of Euler and Maclaurin.
fn zeta_of_positive(s: f64, q: f64) -> f64 {
    let (mut sum, mut a) = (0.0, q);
    while a < 10.0 || a < s {
        let term = libm::pow(a, -s);
        sum += term;
        if term <= sum * 1e-17 {
            return sum;
        }
        a += 1.0;
    }
    let power = libm::pow(a, -s);
    if power == 0.0 {
        return sum;
    }
    sum += power * (a / (s - 1.0) + 0.5);
    // B₂ₖ / (2k)! as a quotient of one and these.
    const QUOTIENTS: [f64; 12] = [
        12.0,
        -720.0,
        30240.0,
        -1209600.0,
        47900160.0,
        -1.8924375803183791606e9,
        7.47242496e10,
        -2.950130727918164224e12,
        1.1646782814350067249e14,
        -4.5979787224074726105e15,
        1.8152105401943546773e17,
        -7.1661652561756670113e18,
    ];
    let (mut rising, mut power, mut k) = (1.0, power, 0.0);
    for quotient in QUOTIENTS {
        rising *= s + k;
        power /= a;
        let term = rising * power / quotient;
        sum += term;
        if term.abs() <= sum * 1e-17 {
            break;
        }
        rising *= s + k + 1.0;
        power /= a;
        k += 2.0;
    }
    sum
}

/// The modified Bessel function of the first kind, of order 0 or 1, and if `scaled` times exp(-|x|): the power series up
/// to 30, beyond it the asymptotic one (Abramowitz and Stegun 9.6.10 and 9.7.1).
fn bessel(x: f64, order: f64, scaled: bool) -> f64 {
    let a = x.abs();
    if a.is_nan() {
        return x;
    }
    let sign = if order == 1.0 { 1f64.copysign(x) } else { 1.0 };
    if a < 30.0 {
        let quarter = a * a / 4.0;
        let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
        while term > sum * 1e-17 {
            term *= quarter / (k * (k + order));
            sum += term;
            k += 1.0;
        }
        let sum = if order == 1.0 { a / 2.0 * sum } else { sum };
        return sign * if scaled { sum * libm::exp(-a) } else { sum };
    }
    if a.is_infinite() {
        return sign * if scaled { 0.0 } else { a };
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..24 {
        let odd = (2 * k - 1) as f64;
        term *= (odd * odd - 4.0 * order) / (k as f64 * 8.0 * a);
        sum += term;
    }
    let root = (2.0 * PI * a).sqrt();
    if scaled {
        return sign * sum / root;
    }
    // e^a in two factors: it overflows before the quotient does.
    let half = libm::exp(a / 2.0);
    sign * (half / root * sum * half)
}
