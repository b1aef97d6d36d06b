//! The formulas of torch.optim's single-tensor steps, in their order of operations.

use crate::engine::{Block, Float, Parts, Rule, run};
use corten_base::{Operand, Result, fail, multiversion};

/// A parameter of [`sgd`].
#[derive(Clone, Copy)]
pub struct SgdParam<'a> {
    /// The parameter.
    pub p: Operand<'a>,
    /// Its gradient.
    pub g: Operand<'a>,
    /// The momentum buffer; needed if momentum is not 0.
    pub buffer: Option<Operand<'a>>,
    /// True if the buffer is new: it becomes the gradient.
    pub first: bool,
}

/// Options of [`sgd`], as torch.optim.SGD's.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Sgd {
    pub lr: f64,
    pub momentum: f64,
    pub dampening: f64,
    pub weight_decay: f64,
    pub nesterov: bool,
    pub maximize: bool,
}

/// Gradient descent with momentum: `b = μ b + (1 - τ) g`, `p -= lr b` (or `g + μ b`, if nesterov).
pub fn sgd(params: &[SgdParam], options: &Sgd) -> Result<()> {
    if options.momentum != 0.0 && params.iter().any(|param| param.buffer.is_none()) {
        fail!(Runtime, "momentum {} needs a buffer for each parameter", options.momentum);
    }
    run(&(params, options))
}

impl Rule for (&[SgdParam<'_>], &Sgd) {
    fn parts(&self, item: usize) -> Parts<'_> {
        let param = &self.0[item];
        Parts { p: param.p, g: param.g, states: [param.buffer, None, None] }
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn block<C: Float>(&self, item: usize, block: Block<'_, C>) {
        let (options, Block { p, g, states: [buffer, ..], d }) = (self.1, block);
        let rate = C::of(-options.lr);
        let g = if direction(p, g, d, options.weight_decay, options.maximize) { d } else { g };
        if options.momentum == 0.0 {
            return add_scaled(p, g, rate);
        }
        let momentum = C::of(options.momentum);
        if self.0[item].first {
            buffer.copy_from_slice(g);
        } else {
            decay_add(buffer, g, momentum, C::of(1.0 - options.dampening));
        }
        if options.nesterov {
            look_ahead(p, g, buffer, momentum, rate);
        } else {
            add_scaled(p, buffer, rate);
        }
    }
}

/// A parameter of [`adam`].
#[derive(Clone, Copy)]
pub struct AdamParam<'a> {
    /// The parameter.
    pub p: Operand<'a>,
    /// Its gradient.
    pub g: Operand<'a>,
    /// Running mean of gradients.
    pub m: Operand<'a>,
    /// Running mean of their squares.
    pub v: Operand<'a>,
    /// The largest of those so far, if that is wanted (AMSGrad).
    pub max_v: Option<Operand<'a>>,
    /// Number of this step, from 1 on.
    pub step: f64,
}

/// Options of [`adam`], as torch.optim.Adam's; `decoupled` weight decay is AdamW's.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Adam {
    pub lr: f64,
    pub betas: (f64, f64),
    pub eps: f64,
    pub weight_decay: f64,
    pub maximize: bool,
    pub decoupled: bool,
}

/// Adam (Kingma and Ba, 2015): `p -= lr m̂ / (√v̂ + ε)`.
pub fn adam(params: &[AdamParam], options: &Adam) -> Result<()> {
    let mut corrections: Vec<(f64, f64, f64)> = Vec::with_capacity(params.len());
    for param in params {
        // Parameters mostly step together, so powers are rarely taken.
        let again = corrections.last().filter(|(step, ..)| *step == param.step).copied();
        let (beta1, beta2) = options.betas;
        corrections.push(again.unwrap_or_else(|| {
            let first = 1.0 - libm::pow(beta1, param.step);
            (param.step, options.lr / first, (1.0 - libm::pow(beta2, param.step)).sqrt())
        }));
    }
    run(&AdamRule { params, options, corrections })
}

struct AdamRule<'a> {
    params: &'a [AdamParam<'a>],
    options: &'a Adam,
    /// Of each parameter: its step, the step's size, and the root of the second moment's correction.
    corrections: Vec<(f64, f64, f64)>,
}

impl Rule for AdamRule<'_> {
    fn parts(&self, item: usize) -> Parts<'_> {
        let param = &self.params[item];
        Parts { p: param.p, g: param.g, states: [Some(param.m), Some(param.v), param.max_v] }
    }
    fn len(&self) -> usize {
        self.params.len()
    }
    fn block<C: Float>(&self, item: usize, block: Block<'_, C>) {
        let (options, Block { p, g, states: [m, v, max_v], d }) = (self.options, block);
        let (_, size, root) = self.corrections[item];
        if options.decoupled {
            scale(p, C::of(1.0 - options.lr * options.weight_decay));
        }
        let decay = if options.decoupled { 0.0 } else { options.weight_decay };
        let g = if direction(p, g, d, decay, options.maximize) { d } else { g };
        let (beta1, beta2) = options.betas;
        let decays = [1.0 - beta1, beta2, 1.0 - beta2].map(C::of);
        let step = [root, options.eps, -size].map(C::of);
        if max_v.is_empty() {
            moments_apply(p, m, v, g, decays, step);
        } else {
            moments(m, v, g, decays);
            keep_larger(max_v, v);
            apply(p, m, max_v, step);
        }
    }
}

/// A parameter of [`rmsprop`].
#[derive(Clone, Copy)]
pub struct RmspropParam<'a> {
    /// The parameter.
    pub p: Operand<'a>,
    /// Its gradient.
    pub g: Operand<'a>,
    /// Running mean of the gradients' squares.
    pub square: Operand<'a>,
    /// Running mean of the gradients, if the variance is to be centered.
    pub mean: Option<Operand<'a>>,
    /// The momentum buffer; needed if momentum is not 0.
    pub buffer: Option<Operand<'a>>,
}

/// Options of [`rmsprop`], as torch.optim.RMSprop's.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Rmsprop {
    pub lr: f64,
    pub alpha: f64,
    pub eps: f64,
    pub weight_decay: f64,
    pub momentum: f64,
    pub maximize: bool,
}

/// RMSprop: `p -= lr g / (√E[g²] + ε)`, with the variance in place of E[g²] where the mean is kept.
pub fn rmsprop(params: &[RmspropParam], options: &Rmsprop) -> Result<()> {
    if options.momentum != 0.0 && params.iter().any(|param| param.buffer.is_none()) {
        fail!(Runtime, "momentum {} needs a buffer for each parameter", options.momentum);
    }
    run(&(params, options))
}

impl Rule for (&[RmspropParam<'_>], &Rmsprop) {
    fn parts(&self, item: usize) -> Parts<'_> {
        let param = &self.0[item];
        Parts { p: param.p, g: param.g, states: [Some(param.square), param.mean, param.buffer] }
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn block<C: Float>(&self, _: usize, block: Block<'_, C>) {
        let (options, Block { p, g, states: [square, mean, buffer], d }) = (self.1, block);
        if !direction(p, g, d, options.weight_decay, options.maximize) {
            d.copy_from_slice(g);
        }
        decay_squares(square, d, C::of(options.alpha), C::of(1.0 - options.alpha));
        let eps = C::of(options.eps);
        if mean.is_empty() {
            over_root(d, square, eps);
        } else {
            lerp(mean, d, C::of(1.0 - options.alpha));
            over_deviation(d, square, mean, eps);
        }
        let rate = C::of(-options.lr);
        if options.momentum != 0.0 {
            decay_add(buffer, d, C::of(options.momentum), C::of(1.0));
            add_scaled(p, buffer, rate);
        } else {
            add_scaled(p, d, rate);
        }
    }
}

/// A parameter of [`adagrad`].
#[derive(Clone, Copy)]
pub struct AdagradParam<'a> {
    /// The parameter.
    pub p: Operand<'a>,
    /// Its gradient.
    pub g: Operand<'a>,
    /// Sum of the gradients' squares.
    pub sum: Operand<'a>,
    /// Number of this step, from 1 on.
    pub step: f64,
}

/// Options of [`adagrad`], as torch.optim.Adagrad's.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Adagrad {
    pub lr: f64,
    pub lr_decay: f64,
    pub eps: f64,
    pub weight_decay: f64,
    pub maximize: bool,
}

/// Adagrad (Duchi et al., 2011): `p -= lr g / (√Σg² + ε)`.
pub fn adagrad(params: &[AdagradParam], options: &Adagrad) -> Result<()> {
    run(&(params, options))
}

impl Rule for (&[AdagradParam<'_>], &Adagrad) {
    fn parts(&self, item: usize) -> Parts<'_> {
        let param = &self.0[item];
        Parts { p: param.p, g: param.g, states: [Some(param.sum), None, None] }
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn block<C: Float>(&self, item: usize, block: Block<'_, C>) {
        let (options, Block { p, g, states: [sum, ..], d }) = (self.1, block);
        if !direction(p, g, d, options.weight_decay, options.maximize) {
            d.copy_from_slice(g);
        }
        decay_squares(sum, d, C::of(1.0), C::of(1.0));
        let rate = options.lr / (1.0 + (self.0[item].step - 1.0) * options.lr_decay);
        over_root(d, sum, C::of(options.eps));
        add_scaled(p, d, C::of(-rate));
    }
}

/// A parameter of [`adadelta`].
#[derive(Clone, Copy)]
pub struct AdadeltaParam<'a> {
    /// The parameter.
    pub p: Operand<'a>,
    /// Its gradient.
    pub g: Operand<'a>,
    /// Running mean of the gradients' squares.
    pub square: Operand<'a>,
    /// Running mean of the steps' squares.
    pub delta: Operand<'a>,
}

/// Options of [`adadelta`], as torch.optim.Adadelta's.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Adadelta {
    pub lr: f64,
    pub rho: f64,
    pub eps: f64,
    pub weight_decay: f64,
    pub maximize: bool,
}

/// Adadelta (Zeiler, 2012): steps scaled by the root of earlier steps' squares over that of gradients'.
pub fn adadelta(params: &[AdadeltaParam], options: &Adadelta) -> Result<()> {
    run(&(params, options))
}

impl Rule for (&[AdadeltaParam<'_>], &Adadelta) {
    fn parts(&self, item: usize) -> Parts<'_> {
        let param = &self.0[item];
        Parts { p: param.p, g: param.g, states: [Some(param.square), Some(param.delta), None] }
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn block<C: Float>(&self, _: usize, block: Block<'_, C>) {
        let (options, Block { p, g, states: [square, delta, _], d }) = (self.1, block);
        let (rho, rest) = (C::of(options.rho), C::of(1.0 - options.rho));
        if !direction(p, g, d, options.weight_decay, options.maximize) {
            d.copy_from_slice(g);
        }
        decay_squares(square, d, rho, rest);
        ratio(d, square, delta, C::of(options.eps));
        decay_squares(delta, d, rho, rest);
        add_scaled(p, d, C::of(-options.lr));
    }
}

/// Leaves in `d` the direction to follow, the gradient negated to maximize, plus weight decay, where it is not the
/// gradient itself; answers whether it did.
fn direction<C: Float>(p: &[C], g: &[C], d: &mut [C], weight_decay: f64, maximize: bool) -> bool {
    if !maximize && weight_decay == 0.0 {
        return false;
    }
    d.copy_from_slice(g);
    if maximize {
        scale(d, C::of(-1.0));
    }
    if weight_decay != 0.0 {
        add_scaled(d, p, C::of(weight_decay));
    }
    true
}

multiversion! {
    fn scale<C: Float>(x: &mut [C], factor: C) {
        for x in x {
            *x = x.times(factor);
        }
    }
}

multiversion! {
    fn add_scaled<C: Float>(x: &mut [C], y: &[C], factor: C) {
        for (x, &y) in x.iter_mut().zip(y) {
            *x = y.mul_add(factor, *x);
        }
    }
}

multiversion! {
    fn look_ahead<C: Float>(p: &mut [C], g: &[C], buffer: &[C], momentum: C, rate: C) {
        for ((p, &g), &buffer) in p.iter_mut().zip(g).zip(buffer) {
            *p = buffer.mul_add(momentum, g).mul_add(rate, *p);
        }
    }
}

multiversion! {
    fn decay_add<C: Float>(x: &mut [C], y: &[C], decay: C, factor: C) {
        for (x, &y) in x.iter_mut().zip(y) {
            *x = y.mul_add(factor, x.times(decay));
        }
    }
}

multiversion! {
    fn decay_squares<C: Float>(x: &mut [C], y: &[C], decay: C, factor: C) {
        for (x, &y) in x.iter_mut().zip(y) {
            *x = x.times(decay).plus(factor.times(y).times(y));
        }
    }
}

multiversion! {
    fn lerp<C: Float>(x: &mut [C], y: &[C], weight: C) {
        for (x, &y) in x.iter_mut().zip(y) {
            *x = y.minus(*x).mul_add(weight, *x);
        }
    }
}

/// The running means of a gradient and of its square after it has come in.
#[inline(always)]
fn moved<C: Float>(m: C, v: C, d: C, [weight, decay, factor]: [C; 3]) -> (C, C) {
    (d.minus(m).mul_add(weight, m), v.times(decay).plus(factor.times(d).times(d)))
}

/// The parameter after a step along `m`, by the deviation that `v` is the square of.
#[inline(always)]
fn stepped<C: Float>(p: C, m: C, v: C, [root, eps, size]: [C; 3]) -> C {
    p.plus(size.times(m).over(v.sqrt().over(root).plus(eps)))
}

multiversion! {
    fn moments<C: Float>(m: &mut [C], v: &mut [C], d: &[C], decays: [C; 3]) {
        for ((m, v), &d) in m.iter_mut().zip(v).zip(d) {
            (*m, *v) = moved(*m, *v, d, decays);
        }
    }
}

multiversion! {
    // One loop, so that roots and quotients are worked out while the next lines of memory come.
    fn moments_apply<C: Float>(p: &mut [C], m: &mut [C], v: &mut [C], d: &[C], decays: [C; 3], step: [C; 3]) {
        for (((p, m), v), &d) in p.iter_mut().zip(m).zip(v).zip(d) {
            (*m, *v) = moved(*m, *v, d, decays);
            *p = stepped(*p, *m, *v, step);
        }
    }
}

multiversion! {
    fn keep_larger<C: Float>(x: &mut [C], y: &[C]) {
        for (x, &y) in x.iter_mut().zip(y) {
            *x = x.larger(y);
        }
    }
}

multiversion! {
    fn apply<C: Float>(p: &mut [C], m: &[C], v: &[C], step: [C; 3]) {
        for ((p, &m), &v) in p.iter_mut().zip(m).zip(v) {
            *p = stepped(*p, m, v, step);
        }
    }
}

multiversion! {
    fn over_root<C: Float>(d: &mut [C], square: &[C], eps: C) {
        for (d, &square) in d.iter_mut().zip(square) {
            *d = d.over(square.sqrt().plus(eps));
        }
    }
}

multiversion! {
    fn over_deviation<C: Float>(d: &mut [C], square: &[C], mean: &[C], eps: C) {
        for ((d, &square), &mean) in d.iter_mut().zip(square).zip(mean) {
            *d = d.over(square.minus(mean.times(mean)).sqrt().plus(eps));
        }
    }
}

multiversion! {
    fn ratio<C: Float>(d: &mut [C], square: &[C], delta: &[C], eps: C) {
        for ((d, &square), &delta) in d.iter_mut().zip(square).zip(delta) {
            *d = delta.plus(eps).sqrt().over(square.plus(eps).sqrt()).times(*d);
        }
    }
}
