//! What a division leaves. It is a float itself, so that it can be computed exactly.

/// Quotients from which on [`near`] is not exact.
const VAST: f64 = (1u64 << 52) as f64;

/// C's `fmod`, where the quotient is not vast and `y` finite.
#[inline(always)]
fn near(x: f64, y: f64) -> f64 {
    let (a, b) = (x.abs(), y.abs());
    // The quotient may have been rounded up to the next integer; the difference is a float in either case.
    let rest = (a / b).trunc().mul_add(-b, a);
    (if rest < 0.0 { rest + b } else { rest }).copysign(x)
}

/// C's `fmod`.
#[inline(never)]
fn any(x: f64, y: f64) -> f64 {
    libm::fmod(x, y)
}

macro_rules! quotients {
    ($($t:ident)*) => { $(
        pub(super) mod $t {
            /// True where [`fmod`] is not right, and [`fmod_vast`] is.
            #[inline(always)]
            pub(in super::super) fn is_vast(x: $t, y: $t) -> bool {
                !((x as f64 / y as f64).abs() < super::VAST && y.abs() < $t::INFINITY)
            }

            /// What the truncated quotient leaves, unless that [`is_vast`].
            #[inline(always)]
            pub(in super::super) fn fmod(x: $t, y: $t) -> $t {
                super::near(x as f64, y as f64) as $t
            }

            /// What the truncated quotient leaves.
            #[inline(always)]
            pub(in super::super) fn fmod_vast(x: $t, y: $t) -> $t {
                super::any(x as f64, y as f64) as $t
            }

            /// What the rounded-down quotient leaves, where the truncated one leaves `rest`.
            #[inline(always)]
            pub(in super::super) fn remainder(y: $t, rest: $t) -> $t {
                if rest != 0.0 && (rest < 0.0) != (y < 0.0) { rest + y } else { rest }
            }

            /// The quotient rounded down, from what it leaves when truncated, so that it is not rounded up to an integer.
            #[inline(always)]
            pub(in super::super) fn floor(x: $t, y: $t, rest: $t) -> $t {
                let quotient = (x - rest) / y;
                let quotient = if rest != 0.0 && (rest < 0.0) != (y < 0.0) { quotient - 1.0 } else { quotient };
                let floor = quotient.floor();
                let near = if quotient - floor > 0.5 { floor + 1.0 } else { floor };
                let near = if quotient == 0.0 { (0.0 as $t).copysign(x / y) } else { near };
                if y == 0.0 { x / y } else { near }
            }
        }
    )* };
}

quotients! { f32 f64 }
