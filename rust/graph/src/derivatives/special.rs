//! Derivatives of special functions of mathematics.

use crate::rules::powers;
use crate::rules::special::unknown;
use corten_tables::derivatives;
use corten_tensor::ops::all::*;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

derivatives! {
special_entr(x): pointwise { x: -g * (log(x) + 1.0) }
special_erfcx(x) -> out: pointwise { x: g * (2.0 * (x * out) - FRAC_2_SQRT_PI) }
special_ndtr(x): pointwise { x: g * exp(x * x * -0.5) * (0.5 / PI).sqrt() }
special_log_ndtr(x): pointwise { x: g / special_erfcx(x * -FRAC_1_SQRT_2) * (2.0 / PI).sqrt() }
special_ndtri(x) -> out: pointwise { x: g * exp(out * out * 0.5) * (2.0 * PI).sqrt() }
special_xlog1py(x, y): pointwise "SpecialXlog1PyBackward0" { x: g * where_(logical_and(eq(powers::tensor(x, g), 0.0), le(powers::tensor(y, g), -1.0)), 0.0, log1p(powers::tensor(y, g))), y: g * x / (y + 1.0) }
special_zeta(x, y): pointwise { x: unknown("zeta"), y: -(g * x * special_zeta(powers::tensor(x, g) + 1.0, y)) }
igamma(x, y): pointwise { x: unknown("igamma: input"), y: g * exp((x - 1.0) * log(y) - y - lgamma(x)) }
igammac(x, y): pointwise { x: unknown("igammac: input"), y: -g * exp((x - 1.0) * log(y) - y - lgamma(x)) }
}
