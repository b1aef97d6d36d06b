//! Connectionist temporal classification (Graves et al., 2006): the forward-backward algorithm over labels with blanks.
//!
//! Sequences are independent tasks; each is computed in float64, in order, and rounded once.

use corten_base::alloc::room;
use corten_base::element::Cast;
use corten_base::pool::try_parallel_for;
use corten_base::{DType, Operand, Result, fail};

/// The labels of one sequence, and how many frames of its log-probabilities count.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// Frames.
    pub frames: usize,
    /// Classes, none of them the blank.
    pub labels: Vec<i64>,
}

/// What all sequences share.
struct Job<'a> {
    x: Operand<'a>,
    sequences: &'a [Sequence],
    blank: i64,
}

const NEVER: f64 = f64::NEG_INFINITY;

/// `log(Σ exp(terms))`.
fn add<const N: usize>(terms: [f64; N]) -> f64 {
    let most = terms.iter().fold(NEVER, |most, &term| most.max(term));
    if most == NEVER {
        return if terms.iter().any(|term| term.is_nan()) { f64::NAN } else { NEVER };
    }
    libm::log(terms.iter().fold(0.0, |sum, &term| sum + libm::exp(term - most))) + most
}

impl Job<'_> {
    fn check(x: &Operand, sequences: &[Sequence], blank: i64) -> Result<()> {
        let &[frames, count, classes] = x.sizes() else {
            fail!(Runtime, "ctc_loss: expected log-probabilities of three dimensions, but got {:?}", x.sizes());
        };
        if count as usize != sequences.len() || !(0..classes).contains(&blank) {
            fail!(Runtime, "ctc_loss: {} sequences and blank {blank} do not fit {:?}", sequences.len(), x.sizes());
        }
        for sequence in sequences {
            if sequence.frames > frames as usize {
                fail!(Runtime, "ctc_loss: {} frames of {frames}", sequence.frames);
            }
            if let Some(label) = sequence.labels.iter().find(|label| !(0..classes).contains(label)) {
                fail!(Runtime, "ctc_loss: target {label} is out of range for {classes} classes");
            }
        }
        Ok(())
    }

    /// The class of state `s`: blanks stand between the labels.
    fn class(&self, n: usize, s: usize) -> i64 {
        if s.is_multiple_of(2) { self.blank } else { self.sequences[n].labels[s / 2] }
    }

    fn states(&self, n: usize) -> usize {
        2 * self.sequences[n].labels.len() + 1
    }

    /// The log-probability of class `c` in frame `t`.
    fn at<S: Cast<f64> + Copy>(&self, n: usize, t: usize, c: i64) -> f64 {
        let s = self.x.strides();
        let offset = t as i64 * s[0] + n as i64 * s[1] + c * s[2];
        // SAFETY: an element of the log-probabilities: frames and classes were checked.
        unsafe { self.x.ptr().cast::<S>().offset(offset as isize).read() }.cast()
    }

    /// For each frame and state the log-probability of all beginnings that end there.
    fn forward<S: Cast<f64> + Copy>(&self, n: usize) -> Result<Vec<f64>> {
        let (frames, states) = (self.sequences[n].frames, self.states(n));
        let mut alpha = room(frames.saturating_mul(states))?;
        for t in 0..frames {
            for s in 0..states {
                let before = |back: usize| if s < back { NEVER } else { alpha[(t - 1) * states + s - back] };
                let class = self.class(n, s);
                let skips = s >= 2 && self.class(n, s - 2) != class;
                let sum = match t {
                    0 if s < 2 => 0.0,
                    0 => NEVER,
                    _ => add([before(0), before(1), if skips { before(2) } else { NEVER }]),
                };
                alpha.push(sum + self.at::<S>(n, t, class));
            }
        }
        Ok(alpha)
    }

    /// As [`Job::forward`], of all endings that begin there.
    fn backward<S: Cast<f64> + Copy>(&self, n: usize) -> Result<Vec<f64>> {
        let (frames, states) = (self.sequences[n].frames, self.states(n));
        let mut beta = room(frames.saturating_mul(states))?;
        beta.resize(frames * states, NEVER);
        for t in (0..frames).rev() {
            for s in (0..states).rev() {
                let after = |on: usize| if s + on < states { beta[(t + 1) * states + s + on] } else { NEVER };
                let class = self.class(n, s);
                let skips = s + 2 < states && self.class(n, s + 2) != class;
                let sum = match t {
                    _ if t + 1 < frames => add([after(0), after(1), if skips { after(2) } else { NEVER }]),
                    _ if s + 2 >= states => 0.0,
                    _ => NEVER,
                };
                beta[t * states + s] = sum + self.at::<S>(n, t, class);
            }
        }
        Ok(beta)
    }

    /// The negative log-likelihood of a sequence.
    fn loss(&self, n: usize, alpha: &[f64]) -> f64 {
        let states = self.states(n);
        match (alpha.len().checked_sub(states), states) {
            (None, 1) => 0.0,
            (None, _) => f64::INFINITY,
            (Some(last), 1) => -alpha[last],
            (Some(last), _) => -add([alpha[last + states - 1], alpha[last + states - 2]]),
        }
    }
}

/// Calls `one` for each sequence, perhaps on several threads.
fn each(count: usize, one: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    try_parallel_for(count, 1, &|mut range| range.try_for_each(&one))
}

macro_rules! by_float {
    ($dtype:expr, $s:ident => $body:expr) => {
        match $dtype {
            DType::F32 => {
                type $s = f32;
                $body
            }
            DType::F64 => {
                type $s = f64;
                $body
            }
            other => return other.unsupported("ctc_loss_cpu"),
        }
    };
}

/// The negative log-likelihoods (N) of sequences under log-probabilities `x` (T, N, C).
///
/// # Errors
/// Sizes, lengths and classes that do not fit, dtypes other than float32 and float64, too little memory.
pub fn ctc_loss(out: Operand, x: Operand, sequences: &[Sequence], blank: i64) -> Result<()> {
    Job::check(&x, sequences, blank)?;
    if out.sizes() != &x.sizes()[1..2] || out.dtype() != x.dtype() {
        fail!(Runtime, "ctc_loss: losses of sizes {:?} do not fit {:?}", out.sizes(), x.sizes());
    }
    let job = Job { x, sequences, blank };
    by_float!(x.dtype(), S => each(sequences.len(), |n| {
        let loss = job.loss(n, &job.forward::<S>(n)?);
        // SAFETY: an element of `out`, which this task alone writes.
        unsafe { out.ptr().cast::<S>().offset(n as isize * out.strides()[0] as isize).write(loss as S) };
        Ok(())
    }))
}

/// The gradient `gx` (T, N, C) of the log-probabilities of [`ctc_loss`], as PyTorch defines it (of the scores before
/// `log_softmax`), from `g` (N), that of the losses; zero for infinite losses if `zero_infinity`.
///
/// # Errors
/// As [`ctc_loss`].
pub fn ctc_loss_backward(
    gx: Operand,
    g: Operand,
    x: Operand,
    sequences: &[Sequence],
    blank: i64,
    zero_infinity: bool,
) -> Result<()> {
    Job::check(&x, sequences, blank)?;
    if gx.sizes() != x.sizes() || g.sizes() != &x.sizes()[1..2] || gx.dtype() != x.dtype() || g.dtype() != x.dtype() {
        fail!(Runtime, "ctc_loss: gradients of sizes {:?} and {:?} do not fit", gx.sizes(), g.sizes());
    }
    let job = Job { x, sequences, blank };
    let (frames, classes) = (x.sizes()[0] as usize, x.sizes()[2] as usize);
    by_float!(x.dtype(), S => each(sequences.len(), |n| {
        let (alpha, beta) = (job.forward::<S>(n)?, job.backward::<S>(n)?);
        let (loss, states) = (job.loss(n, &alpha), job.states(n));
        let silent = zero_infinity && loss == f64::INFINITY;
        // SAFETY: an element of `g`.
        let g: f64 = unsafe { g.ptr().cast::<S>().offset(n as isize * g.strides()[0] as isize).read() }.cast();
        let mut both = room(classes)?;
        for t in 0..frames {
            both.clear();
            both.resize(classes, NEVER);
            let counts = t < sequences[n].frames && !silent;
            for s in 0..if counts { states } else { 0 } {
                let of_class = &mut both[job.class(n, s) as usize];
                *of_class = add([*of_class, alpha[t * states + s] + beta[t * states + s]]);
            }
            for (c, both) in both.iter().enumerate() {
                let x = job.at::<S>(n, t, c as i64);
                let slope = if counts { (libm::exp(x) - libm::exp(both + loss - x)) * g } else { 0.0 };
                let strides = gx.strides();
                let offset = t as i64 * strides[0] + n as i64 * strides[1] + c as i64 * strides[2];
                // SAFETY: an element of `gx`, which this task alone writes.
                unsafe { gx.ptr().cast::<S>().offset(offset as isize).write(slope as S) };
            }
        }
        Ok(())
    }))
}
