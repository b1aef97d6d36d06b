//! Derivatives of random numbers: what they overwrite gets no gradient.

use crate::rules::neural;
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
uniform_(x): zero { x: zeros_like(g) }
normal_(x): zero { x: zeros_like(g) }
random_(x): zero "RandomBackward2" { x: zeros_like(g) }
random_.to(x): zero "RandomBackward1" { x: zeros_like(g) }
random_.from(x): zero { x: zeros_like(g) }
exponential_(x): zero { x: zeros_like(g) }
geometric_(x): zero { x: zeros_like(g) }
cauchy_(x): zero { x: zeros_like(g) }
log_normal_(x): zero { x: zeros_like(g) }
bernoulli_(x, p: Tensor): zero "BernoulliBackward1" { x: zeros_like(g) }
bernoulli(x): zero { x: zeros_like(g) }
bernoulli.p(x): zero { x: zeros_like(g) }
poisson(x): zero { x: zeros_like(g) }
normal(mean, std): zero "NormalBackward3" { mean: zeros_like(g), std: zeros_like(g) }
normal.tensor_float(mean): zero "NormalBackward1" { mean: zeros_like(g) }
normal.float_tensor(mean: float, std): zero "NormalBackward2" { std: zeros_like(g) }
bernoulli_.float(x): zero "BernoulliBackward2" { x: zeros_like(g) }
_standard_gamma(x) -> out: pointwise "StandardGammaBackward0" { x: g * _standard_gamma_grad(x, out) }
native_dropout(x, p: float, train: bool?) -> (out, mask): linear { x: neural::kept(g, mask, p, train) }
}
