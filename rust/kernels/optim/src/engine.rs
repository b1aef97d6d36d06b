//! Runs a rule over many parameters at once: blocks of all of them shared out by size.

use corten_base::element::Cast;
use corten_base::pool::parallel_for;
use corten_base::{DType, Element, Operand, Result, bf16, f16, fail};
use corten_strided::{Dim, Dims};
use std::ops::Range;

/// Numbers that a rule is given at a time.
pub(crate) const BLOCK: usize = 512;
/// Elements of a task, of one large parameter or of many small ones: at least the first, and up to the last where that leaves
/// [`TASKS`] of them, since each new stretch of memory starts slowly.
const CHUNK: [usize; 2] = [16 * BLOCK, 128 * BLOCK];
/// Tasks that several threads share out well.
const TASKS: usize = 32;

/// A float type that steps compute in.
pub(crate) trait Float: Element {
    /// From a double.
    fn of(value: f64) -> Self;
    /// Sum.
    fn plus(self, other: Self) -> Self;
    /// Difference.
    fn minus(self, other: Self) -> Self;
    /// Product.
    fn times(self, other: Self) -> Self;
    /// Quotient.
    fn over(self, other: Self) -> Self;
    /// `self · a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// The larger; NaN if either is.
    fn larger(self, other: Self) -> Self;
}

macro_rules! floats {
    ($($t:ident)*) => { $(
        impl Float for $t {
            #[inline(always)]
            fn of(value: f64) -> $t { value as $t }
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self + other }
            #[inline(always)]
            fn minus(self, other: $t) -> $t { self - other }
            #[inline(always)]
            fn times(self, other: $t) -> $t { self * other }
            #[inline(always)]
            fn over(self, other: $t) -> $t { self / other }
            #[inline(always)]
            fn mul_add(self, a: $t, b: $t) -> $t { $t::mul_add(self, a, b) }
            #[inline(always)]
            fn sqrt(self) -> $t { $t::sqrt(self) }
            #[inline(always)]
            fn larger(self, other: $t) -> $t { if self > other || self.is_nan() { self } else { other } }
        }
    )* };
}
floats! { f32 f64 }

/// The operands of one parameter: itself, its gradient, and what its rule remembers. All have its dtype and sizes.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) p: Operand<'a>,
    pub(crate) g: Operand<'a>,
    pub(crate) states: [Option<Operand<'a>>; 3],
}

/// One block of a parameter as numbers; states that it lacks are empty. `d` is room to work in, of the same length.
pub(crate) struct Block<'b, C> {
    pub(crate) p: &'b mut [C],
    pub(crate) g: &'b [C],
    pub(crate) states: [&'b mut [C]; 3],
    pub(crate) d: &'b mut [C],
}

/// How an optimizer changes one block of parameter number `item`.
pub(crate) trait Rule: Sync {
    fn parts(&self, item: usize) -> Parts<'_>;
    fn len(&self) -> usize;
    fn block<C: Float>(&self, item: usize, block: Block<'_, C>);
}

/// Applies `rule` to all its parameters.
pub(crate) fn run(rule: &impl Rule) -> Result<()> {
    let mut total = 0;
    for item in 0..rule.len() {
        check(&rule.parts(item))?;
        total += rule.parts(item).p.numel();
    }
    let chunk = (total / TASKS).clamp(CHUNK[0], CHUNK[1]);
    if total <= chunk {
        (0..rule.len()).for_each(|item| part(rule, item, 0..rule.parts(item).p.numel()));
        return Ok(());
    }
    // Tasks: pieces of parameters, small ones joined until they make a chunk.
    let mut tasks: Vec<Range<(usize, usize)>> = Vec::new();
    let (mut start, mut filled) = ((0, 0), 0);
    for item in 0..rule.len() {
        let count = rule.parts(item).p.numel();
        let mut done = 0;
        while done < count {
            let take = (chunk - filled).min(count - done);
            done += take;
            filled += take;
            if filled >= chunk {
                tasks.push(start..(item, done));
                (start, filled) = ((item, done), 0);
            }
        }
    }
    tasks.push(start..(rule.len(), 0));
    parallel_for(tasks.len(), 1, &|range| {
        for task in &tasks[range] {
            let (first, last) = (task.start, task.end);
            for item in first.0..rule.len().min(last.0 + 1) {
                let from = if item == first.0 { first.1 } else { 0 };
                let to = if item == last.0 { last.1 } else { rule.parts(item).p.numel() };
                part(rule, item, from..to);
            }
        }
    });
    Ok(())
}

fn check(parts: &Parts) -> Result<()> {
    let p = &parts.p;
    if !p.dtype().is_float() {
        fail!(Runtime, "optimizers step floating-point parameters, but got {}", p.dtype());
    }
    let others = [Some(parts.g), parts.states[0], parts.states[1], parts.states[2]];
    for (i, x) in others.iter().enumerate() {
        let Some(x) = x else { continue };
        if x.dtype() != p.dtype() || x.sizes() != p.sizes() {
            fail!(
                Runtime,
                "a parameter of {} and sizes {:?} cannot be stepped with {} of {:?}",
                p.dtype(),
                p.sizes(),
                x.dtype(),
                x.sizes()
            );
        }
        let shared = x.ptr() == p.ptr() || others[..i].iter().flatten().any(|o| o.ptr() == x.ptr());
        if shared && p.numel() > 0 {
            fail!(Runtime, "a parameter, its gradient and its state must not share memory");
        }
    }
    Ok(())
}

/// Steps the elements `range` of parameter `item`.
fn part(rule: &impl Rule, item: usize, range: Range<usize>) {
    match rule.parts(item).p.dtype() {
        DType::F32 => typed::<f32, f32>(rule, item, range),
        DType::F64 => typed::<f64, f64>(rule, item, range),
        DType::F16 => typed::<f16, f32>(rule, item, range),
        _ => typed::<bf16, f32>(rule, item, range),
    }
}

/// Steps elements of T in numbers of C.
fn typed<T: Element + Cast<C>, C: Float + Cast<T>>(rule: &impl Rule, item: usize, range: Range<usize>) {
    if range.is_empty() {
        return;
    }
    let parts = rule.parts(item);
    let all = [Some(parts.p), Some(parts.g), parts.states[0], parts.states[1], parts.states[2]];
    let aligned = all.iter().flatten().all(|x| x.is_contiguous());
    if aligned && T::DTYPE == C::DTYPE {
        let mut d = [C::default(); BLOCK];
        let mut start = range.start;
        while start < range.end {
            let count = (range.end - start).min(BLOCK);
            let at = |x: &Operand| x.ptr().cast::<C>().wrapping_add(start);
            // SAFETY: the operands are contiguous, distinct, and of C; this range of them is this task's alone.
            let slice = |x: Option<&Operand>| match x {
                // SAFETY: as above.
                Some(x) => unsafe { std::slice::from_raw_parts_mut(at(x), count) },
                None => &mut [],
            };
            let states = [slice(all[2].as_ref()), slice(all[3].as_ref()), slice(all[4].as_ref())];
            let (p, g) = (slice(all[0].as_ref()), &*slice(all[1].as_ref()));
            rule.block(item, Block { p, g, states, d: &mut d[..count] });
            start += count;
        }
        return;
    }
    // Halves and other layouts: blocks converted, stepped, and rounded back.
    let dims = Dims::<5>::from_dims((0..parts.p.ndim()).map(|i| Dim {
        size: parts.p.sizes()[i] as usize,
        strides: all.map(|x| x.map_or(0, |x| x.strides()[i] as isize)),
    }));
    let dims = dims.coalesced();
    let mut buffers = [[C::default(); BLOCK]; 6];
    let mut start = range.start;
    while start < range.end {
        let count = (range.end - start).min(BLOCK);
        for (k, x) in all.iter().enumerate() {
            let Some(x) = x else { continue };
            let mut next = buffers[k].iter_mut();
            dims.walk(start..start + count, |offsets| {
                if let Some(to) = next.next() {
                    // SAFETY: an element of operand k.
                    *to = unsafe { x.ptr().cast::<T>().offset(offsets[k]).read() }.cast();
                }
            });
        }
        let [p, g, a, b, c, d] = &mut buffers;
        let length = |k: usize| if all[k].is_some() { count } else { 0 };
        let states = [&mut a[..length(2)], &mut b[..length(3)], &mut c[..length(4)]];
        rule.block(item, Block { p: &mut p[..count], g: &g[..count], states, d: &mut d[..count] });
        for (k, x) in all.iter().enumerate().filter(|(k, _)| *k != 1) {
            let Some(x) = x else { continue };
            let mut next = buffers[k].iter();
            dims.walk(start..start + count, |offsets| {
                if let Some(&value) = next.next() {
                    // SAFETY: an element of operand k, which is this task's alone.
                    unsafe { x.ptr().cast::<T>().offset(offsets[k]).write(value.cast()) }
                }
            });
        }
        start += count;
    }
}
