//! Orthogonal polynomials of degree n at x, by their recurrences (DLMF 18.9). A fractional degree is cut off, and of a
//! negative one the polynomial is zero.

/// The degree up to which recurrences are as exact as closed forms.
const SHORT: f64 = 32.0;

/// The highest degree of polynomials that only a recurrence gives, one step a degree.
pub(crate) const HIGHEST: f64 = 1e5;

/// The polynomial of degree n, from those of degree 0 and 1 and `next(k, q, p)`: that of degree k + 1 from those of k
/// and k - 1. Not-a-number ends it, as overflow does in the end; beyond the highest degree nothing else is given.
#[inline(always)]
fn recur(n: f64, first: f64, next: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let n = n.trunc();
    if n.is_nan() || n > HIGHEST {
        return f64::NAN;
    }
    if n < 1.0 {
        return if n < 0.0 { 0.0 } else { 1.0 };
    }
    let (mut p, mut q, mut k) = (1.0, first, 1.0);
    while k < n && !q.is_nan() {
        (p, q) = (q, next(k, q, p));
        k += 1.0;
    }
    q
}

/// The sign of xⁿ.
fn sign(x: f64, n: f64) -> f64 {
    if x < 0.0 && n % 2.0 != 0.0 { -1.0 } else { 1.0 }
}

/// Chebyshev's first kind: cos(nθ) at cos θ.
#[inline(never)]
pub(crate) fn chebyshev_t(x: f64, n: f64) -> f64 {
    let n = n.trunc();
    if n <= SHORT {
        return recur(n, x, |_, q, p| 2.0 * x * q - p);
    }
    if x.abs() <= 1.0 {
        return libm::cos(n * libm::acos(x));
    }
    sign(x, n) * libm::cosh(n * libm::acosh(x.abs()))
}

/// The second kind: sin((n + 1)θ) / sin θ.
#[inline(never)]
pub(crate) fn chebyshev_u(x: f64, n: f64) -> f64 {
    let n = n.trunc();
    if n <= SHORT {
        return recur(n, 2.0 * x, |_, q, p| 2.0 * x * q - p);
    }
    sign(x, n) * sines(x.abs(), n + 1.0, 1.0)
}

/// The third kind: cos((n + 1/2)θ) / cos(θ/2).
#[inline(never)]
pub(crate) fn chebyshev_v(x: f64, n: f64) -> f64 {
    let n = n.trunc();
    if n <= SHORT {
        return recur(n, 2.0 * x - 1.0, |_, q, p| 2.0 * x * q - p);
    }
    if x < 0.0 { sign(x, n) * sines(-x, n + 0.5, 0.5) } else { cosines(x, n + 0.5) }
}

/// The fourth kind: sin((n + 1/2)θ) / sin(θ/2).
#[inline(never)]
pub(crate) fn chebyshev_w(x: f64, n: f64) -> f64 {
    let n = n.trunc();
    if n <= SHORT {
        return recur(n, 2.0 * x + 1.0, |_, q, p| 2.0 * x * q - p);
    }
    if x < 0.0 { sign(x, n) * cosines(-x, n + 0.5) } else { sines(x, n + 0.5, 0.5) }
}

/// sin(many θ) / sin(few θ) at cos θ = x of at least 0; of x above 1 the hyperbolic sines.
fn sines(x: f64, many: f64, few: f64) -> f64 {
    if x == 1.0 {
        return many / few;
    }
    if x < 1.0 {
        let angle = libm::acos(x);
        return libm::sin(many * angle) / libm::sin(few * angle);
    }
    let angle = libm::acosh(x);
    libm::sinh(many * angle) / libm::sinh(few * angle)
}

/// cos(many θ) / cos(θ/2) at cos θ = x of at least 0; of x above 1 the hyperbolic cosines.
fn cosines(x: f64, many: f64) -> f64 {
    if x <= 1.0 {
        let angle = libm::acos(x);
        return libm::cos(many * angle) / libm::cos(angle / 2.0);
    }
    let angle = libm::acosh(x);
    libm::cosh(many * angle) / libm::cosh(angle / 2.0)
}

/// Hermite's, orthogonal under exp(-x²).
#[inline(never)]
pub(crate) fn hermite_h(x: f64, n: f64) -> f64 {
    recur(n, 2.0 * x, |k, q, p| 2.0 * x * q - 2.0 * k * p)
}

/// Hermite's of probability, orthogonal under exp(-x²/2).
#[inline(never)]
pub(crate) fn hermite_he(x: f64, n: f64) -> f64 {
    recur(n, x, |k, q, p| x * q - k * p)
}

/// Laguerre's.
#[inline(never)]
pub(crate) fn laguerre(x: f64, n: f64) -> f64 {
    recur(n, 1.0 - x, |k, q, p| ((2.0 * k + 1.0 - x) * q - k * p) / (k + 1.0))
}

/// Legendre's.
#[inline(never)]
pub(crate) fn legendre(x: f64, n: f64) -> f64 {
    recur(n, x, |k, q, p| ((2.0 * k + 1.0) * x * q - k * p) / (k + 1.0))
}
