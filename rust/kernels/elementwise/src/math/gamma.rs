//! The regularised incomplete gamma functions, in float64.

use super::special;
use std::f64::consts::PI;

/// P(a, x), the share of Γ(a) that lies below x.
#[inline(never)]
pub(crate) fn igamma(a: f64, x: f64) -> f64 {
    shares(a, x).0
}

/// Q(a, x), the share of Γ(a) that lies above x.
#[inline(never)]
pub(crate) fn igammac(a: f64, x: f64) -> f64 {
    shares(a, x).1
}

/// From where the expansion in 1/a is as exact as series and fraction, whose lengths grow with √a.
const LARGE: f64 = 1e4;

/// P and Q, with PyTorch's values where a or x is zero or infinite.
fn shares(a: f64, x: f64) -> (f64, f64) {
    if a < 0.0 || x < 0.0 || (a == 0.0 && (x == 0.0 || x.is_nan())) {
        return (f64::NAN, f64::NAN);
    }
    if a == 0.0 {
        return (1.0, 0.0);
    }
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if a.is_infinite() {
        return if x.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, 1.0) };
    }
    if x.is_infinite() {
        return (1.0, 0.0);
    }
    if a.is_nan() || x.is_nan() {
        return (f64::NAN, f64::NAN);
    }
    if a > LARGE {
        return uniform(a, x);
    }
    if x < a + 1.0 {
        let below = power(a, x) * series(a, x);
        return (below, if a < 1.0 { complement(a, x) } else { 1.0 - below });
    }
    let above = a * power(a, x) * fraction(a, x);
    (1.0 - above, above)
}

/// dx/da at a constant P(a, x), which is -∂P/∂a / ∂P/∂x: term by term from the series of P (DLMF 8.7.1), whose n-th term
/// has the logarithmic derivative log x - ψ(a + n + 1).
#[inline(never)]
pub(crate) fn moved(a: f64, x: f64) -> f64 {
    if !(a > 0.0 && x >= 0.0 && x.is_finite()) {
        return f64::NAN;
    }
    if x == 0.0 {
        return 0.0;
    }
    if a > 1e5 {
        // Normal by then: (x - a) / √a does not move.
        return (x + a) / (2.0 * a);
    }
    let log = libm::log(x);
    if x > a + 10.0 * a.sqrt() + 40.0 {
        // Where next to nothing lies above x, the terms cancel: from Q ~ xᵃ⁻¹ e⁻ˣ / Γ(a) (DLMF 8.11.2).
        return (log - special::psi(a)) / (1.0 - (a - 1.0) / x);
    }
    let (mut term, mut psi, mut z) = (x / a, special::psi(a + 1.0), a + 1.0);
    let (mut sum, mut size) = (0.0, 0.0);
    // Terms grow up to z = x, where ψ - log x changes its sign, and fall from there on.
    while z <= x + 2.0 || term * (psi - log).abs() > size * 1e-17 {
        let part = term * (psi - log);
        (sum, size) = (sum + part, size + part.abs());
        term *= x / z;
        psi += 1.0 / z;
        z += 1.0;
    }
    sum
}

/// xᵃ e⁻ˣ / Γ(a + 1), for large a through Stirling's series (DLMF 5.11.1), in which the large terms cancel.
fn power(a: f64, x: f64) -> f64 {
    if a < 20.0 {
        return libm::exp(a * libm::log(x) - x - libm::lgamma(a + 1.0));
    }
    let mu = (x - a) / a;
    let log = if mu.abs() < 0.5 { libm::log1p(mu) } else { libm::log(x / a) };
    let z = 1.0 / (a * a);
    let rest = (1.0 / 12.0 - z * (1.0 / 360.0 - z * (1.0 / 1260.0 - z * (1.0 / 1680.0 - z / 1188.0)))) / a;
    libm::exp(a * (log - mu) - rest) / (2.0 * PI * a).sqrt()
}

/// Σ xⁿ / ((a + 1) ⋯ (a + n)) (DLMF 8.7.1).
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= x / (a + n);
        sum += term;
        n += 1.0;
    }
    sum
}

/// Q of a below 1, without the subtraction from one (DLMF 8.7.1): 1 - xᵃ/Γ(a + 1) · (1 + a Σ (-x)ⁿ / (n! (a + n))).
fn complement(a: f64, x: f64) -> f64 {
    let log = a * libm::log(x) - lgamma_of_one_more(a);
    let (mut factor, mut sum, mut n) = (1.0, 0.0, 1.0);
    while n < 40.0 {
        factor *= -x / n;
        sum += factor / (a + n);
        n += 1.0;
    }
    -libm::expm1(log) - a * libm::exp(log) * sum
}

/// log Γ(1 + a), of small a by its power series (DLMF 5.7.3), since 1 + a rounds.
fn lgamma_of_one_more(a: f64) -> f64 {
    if a > 1e-3 {
        return libm::lgamma(1.0 + a);
    }
    // Euler's constant, then ζ(k) / k.
    const TERMS: [f64; 5] = [
        -0.577_215_664_901_532_9,
        0.822_467_033_424_113_2,
        -0.400_685_634_386_531_4,
        0.270_580_808_427_784_5,
        -0.207_385_551_028_674,
    ];
    TERMS.iter().rev().fold(0.0, |sum, c| sum * a + c) * a
}

/// The continued fraction 1/(x + 1 - a - 1(1 - a)/(x + 3 - a - …)) (DLMF 8.9.2), by the method of Lentz.
fn fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut value = d;
    for i in 1..10_000 {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        let away = |x: f64| if x.abs() < 1e-300 { 1e-300 } else { x };
        b += 2.0;
        d = 1.0 / away(numerator * d + b);
        c = away(b + numerator / c);
        let step = c * d;
        value *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

/// Temme's uniform expansion for large a (DLMF 8.12.3 to 8.12.8), with its first coefficients as power series in η.
fn uniform(a: f64, x: f64) -> (f64, f64) {
    const C0: [f64; 9] = [
        -1.0 / 3.0,
        1.0 / 12.0,
        -2.0 / 135.0,
        1.0 / 864.0,
        1.0 / 2835.0,
        -139.0 / 777_600.0,
        1.0 / 25_515.0,
        -571.0 / 261_273_600.0,
        -281.0 / 151_559_100.0,
    ];
    const C1: [f64; 5] = [-1.0 / 540.0, -1.0 / 288.0, 1.0 / 378.0, -77.0 / 77_760.0, 1.0 / 4860.0];
    const C2: [f64; 2] = [25.0 / 6048.0, -139.0 / 51_840.0];
    let mu = (x - a) / a;
    // μ - log(1 + μ) = η² / 2
    let half = if mu.abs() < 0.1 {
        (2..24).rev().fold(0.0, |sum, k| 1.0 / f64::from(k) - mu * sum) * mu * mu
    } else if mu < 0.0 {
        mu - libm::log(x / a)
    } else {
        mu - libm::log1p(mu)
    };
    if a * half > 700.0 {
        return if mu < 0.0 { (0.0, 1.0) } else { (1.0, 0.0) };
    }
    let eta = (2.0 * half).sqrt().copysign(mu);
    let at = |coefficients: &[f64]| coefficients.iter().rev().fold(0.0, |sum, c| sum * eta + c);
    let rest = (at(&C0) + (at(&C1) + at(&C2) / a) / a) * libm::exp(-a * half) / (2.0 * PI * a).sqrt();
    let y = eta * (a / 2.0).sqrt();
    (libm::erfc(-y) / 2.0 - rest, libm::erfc(y) / 2.0 + rest)
}
