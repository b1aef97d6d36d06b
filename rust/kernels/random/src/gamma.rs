//! Gamma-distributed numbers.

use crate::fill::{check_float, map};
use crate::generator::Generator;
use corten_base::{DType, Operand, Result};

/// Gamma-distributed numbers of the shapes `alpha` (of `out`'s sizes) and the scale 1; at least the dtype's smallest normal
/// number.
pub fn standard_gamma(out: Operand, alpha: Operand, generator: &mut Generator) -> Result<()> {
    check_float("gamma_cpu", alpha.dtype())?;
    let dtype = alpha.dtype();
    let least = match dtype {
        DType::F64 => f64::MIN_POSITIVE,
        DType::F16 => 6.103_515_625e-5,
        _ => f32::MIN_POSITIVE as f64,
    };
    // PyTorch computes with the shape in its own dtype, and with the rest in double precision.
    let own = |x: f64| if dtype == DType::F64 { x } else { x as f32 as f64 };
    map(&out, &alpha, |alpha| Ok(one(alpha, own, generator).max(least)))
}

/// Marsaglia and Tsang (2000).
fn one(mut alpha: f64, own: impl Fn(f64) -> f64, generator: &mut Generator) -> f64 {
    let mut scale = 1.0;
    if alpha < 1.0 {
        if alpha == 0.0 {
            return 0.0;
        }
        scale = libm::pow(1.0 - generator.uniform(), own(1.0 / alpha));
        alpha = own(alpha + 1.0);
    }
    if alpha.is_nan() {
        return alpha;
    }
    let d = own(alpha - (1.0f32 / 3.0) as f64);
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let (mut x, mut y);
        loop {
            x = generator.normal();
            y = 1.0 + c * x;
            if y > 0.0 {
                break;
            }
        }
        let v = y * y * y;
        let u = 1.0 - generator.uniform();
        let xx = x * x;
        if u < 1.0 - 0.0331f32 as f64 * xx * xx || libm::log(u) < 0.5 * xx + d * (1.0 - v + libm::log(v)) {
            return scale * d * v;
        }
    }
}
