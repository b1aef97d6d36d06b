//! Lines in order: all of a line's elements, or the first of them.

use crate::lines::line_of;
use crate::number::{Ordered, by_order};
use crate::places::{each_line, take};
use corten_base::alloc::room;
use corten_base::scratch::Scratch;
use corten_base::{DType, Operand, Result, fail, multiversion};

/// Fewer elements are sorted by comparing their keys.
const FEW: usize = 64;
/// From so many elements on, digits are wide.
const MANY: usize = 8192;
/// Bits of a wide digit.
const WIDE: u32 = 11;
/// Bits of a digit of fewer elements.
const NARROW: u32 = 8;
/// Elements compared at once with the last of the first.
const BLOCK: usize = 64;

/// Sorts along `dim`; equal elements keep their order, NaN counts as the largest.
pub fn sort(values: Operand, indices: Operand, x: Operand, dim: usize, largest_first: bool) -> Result<()> {
    let length = line_of(&x, dim)?.size;
    topk(values, indices, x, length, dim, largest_first, true)
}

/// The `k` largest (or smallest) elements along `dim` in order; of equal ones the first. `sorted` may be false where the
/// order does not matter: they then come in the order of their places.
pub fn topk(
    values: Operand,
    indices: Operand,
    x: Operand,
    k: usize,
    dim: usize,
    largest: bool,
    sorted: bool,
) -> Result<()> {
    let length = line_of(&x, dim)?.size;
    if k > length {
        fail!(Runtime, "selected index k out of range");
    }
    if line_of(&values, dim)?.size != k || line_of(&indices, dim)?.size != k {
        fail!(Runtime, "the results must have size {k} along dimension {dim}");
    }
    if k == 0 {
        return Ok(());
    }
    by_order!(x.dtype(), "sort", C => {
        if k == length && sorted {
            return each_line::<C, _>(Some(&values), &indices, &x, dim, Order::of_length, |line, order, places, values| order.write(line, largest, places, values));
        }
        each_line::<C, _>(Some(&values), &indices, &x, dim, room, |line, keys, places, values| {
            fill_first(line, k, largest, keys);
            // Places break ties, so an unstable sort gives the stable order.
            if sorted {
                keys.sort_unstable();
            } else {
                keys.sort_unstable_by_key(|&key| <C as Ordered>::place(key));
            }
            places.iter_mut().zip(keys.iter()).for_each(|(to, &key)| *to = <C as Ordered>::place(key) as i64);
            take(line, places, values);
        })
    })
}

/// Makes the keys of a line's elements.
pub(crate) fn fill_keys<C: Ordered>(line: &[C], keys: &mut Vec<C::Key>, down: bool) {
    keys.clear();
    keys.extend(line.iter().enumerate().map(|(at, value)| value.key(at as u32, down)));
}

/// Makes the keys of the first `k` elements in order; with `down`, the largest are first.
fn fill_first<C: Ordered>(line: &[C], k: usize, down: bool, keys: &mut Vec<C::Key>) {
    let cut = |keys: &mut Vec<C::Key>| {
        let last = match k < keys.len() {
            true => *keys.select_nth_unstable(k - 1).1,
            false => return line[0],
        };
        keys.truncate(k);
        line[C::place(last)]
    };
    let most = 2 * k + BLOCK;
    if line.len() < 4 * most {
        fill_keys(line, keys, down);
        cut(keys);
        return;
    }
    // Elements behind the last of the first so far are passed by.
    fill_keys(&line[..most], keys, down);
    let mut last = cut(keys);
    let mut at = most;
    while at < line.len() {
        at += behind(&line[at..], last, down);
        let block = at..line.len().min(at + BLOCK);
        for (place, &value) in block.clone().zip(&line[block.clone()]) {
            if before(value, last, down) {
                keys.push(value.key(place as u32, down));
            }
        }
        if keys.len() >= most {
            last = cut(keys);
        }
        at = block.end;
    }
    cut(keys);
}

#[inline(always)]
fn before<C: Ordered>(a: C, b: C, down: bool) -> bool {
    if down { a.above(b) } else { b.above(a) }
}

multiversion! {
    /// How many elements at least are not before `last`.
    fn behind<C: Ordered>(line: &[C], last: C, down: bool) -> usize {
        let blocks = line.chunks(BLOCK);
        let none = |block: &&[C]| !block.iter().fold(false, |any, &value| any | before(value, last, down));
        (blocks.take_while(none).count() * BLOCK).min(line.len())
    }
}

/// Puts the elements of lines in order.
pub(crate) struct Order {
    /// Values above, places below.
    keys: Scratch<u64>,
    other: Scratch<u64>,
    counts: Scratch<u32>,
}

impl Order {
    /// For lines of so many elements.
    pub(crate) fn of_length(length: usize) -> Result<Self> {
        let counts = if length < FEW { 0 } else { 1 << digit(length) };
        let [keys, other] = [Scratch::filled(0, length)?, Scratch::filled(0, length)?];
        Ok(Order { keys, other, counts: Scratch::filled(0, counts)? })
    }

    /// The places of a line's elements in ascending order, NaN last; with `down`, in descending order. Equal ones keep
    /// their order.
    pub(crate) fn places<C: Ordered>(&mut self, line: &[C], down: bool) -> impl Iterator<Item = usize> {
        let _ = self.sort(line, down);
        self.keys.iter().map(|&key| place(key))
    }

    /// Writes the [`Order::places`], and the elements there.
    fn write<C: Ordered>(&mut self, line: &[C], down: bool, places: &mut [i64], values: &mut [C]) {
        let value = self.sort(line, down);
        for ((to, taken), &key) in places.iter_mut().zip(values).zip(&*self.keys) {
            *to = place(key) as i64;
            // Integers are taken from their keys: the line is far away where it is long.
            *taken = value(key).unwrap_or_else(|| line[place(key)]);
        }
    }

    /// Puts the keys of a line in order. Answers what finds the value in a key, if all of it is there.
    fn sort<C: Ordered>(&mut self, line: &[C], down: bool) -> impl Fn(u64) -> Option<C> + use<C> {
        let flip = if down { u64::MAX } else { 0 };
        let (least, most) = span(line, flip);
        let bits = u64::BITS - (most - least).leading_zeros();
        // A key holds 32 bits of a value. Elements that are alike in these are put in order by the bits below.
        let below = bits.saturating_sub(32);
        fill_high(line, flip, least, below, &mut self.keys);
        if arrange(&mut self.keys, &mut self.other, &mut self.counts, bits - below) {
            std::mem::swap(&mut self.keys, &mut self.other);
        }
        if below > 0 {
            let alike = |a: &u64, b: &u64| a >> 32 == b >> 32;
            for run in self.keys.chunk_by_mut(alike).filter(|run| run.len() > 1) {
                for key in &mut *run {
                    let value = (line[place(*key)].ordered() ^ flip) - least;
                    *key = (value & ((1 << below) - 1)) << 32 | place(*key) as u64;
                }
                let other = &mut self.other[..run.len()];
                if arrange(run, other, &mut self.counts, below) {
                    run.copy_from_slice(other);
                }
            }
        }
        move |key| if below == 0 { C::from_ordered(((key >> 32) + least) ^ flip) } else { None }
    }
}

fn place(key: u64) -> usize {
    key as u32 as usize
}

/// Bits of a digit, at most.
fn digit(count: usize) -> u32 {
    if count < MANY { NARROW } else { WIDE }
}

multiversion! {
    /// The least and the largest of a line's values as integers.
    fn span<C: Ordered>(line: &[C], flip: u64) -> (u64, u64) {
        let (mut least, mut most) = (u64::MAX, 0);
        for value in line {
            let value = value.ordered() ^ flip;
            (least, most) = (least.min(value), most.max(value));
        }
        (least.min(most), most)
    }
}

multiversion! {
    /// Keys of a line's elements, without the bits `below`.
    fn fill_high<C: Ordered>(line: &[C], flip: u64, least: u64, below: u32, keys: &mut [u64]) {
        for (place, (key, value)) in keys.iter_mut().zip(line).enumerate() {
            *key = ((value.ordered() ^ flip) - least) >> below << 32 | place as u64;
        }
    }
}

/// Sorts keys, which are in the order of their places, by so many bits above these. Answers whether they are in `other`.
fn arrange(keys: &mut [u64], other: &mut [u64], counts: &mut [u32], bits: u32) -> bool {
    let passes = bits.div_ceil(digit(keys.len()));
    // A pass takes the time of two and a half levels of comparisons.
    if keys.len() < FEW || 5 * passes > 2 * keys.len().ilog2() {
        keys.sort_unstable();
        return false;
    }
    let width = if passes == 0 { 0 } else { bits.div_ceil(passes) };
    let (mut from, mut to) = (keys, other);
    let mut moved = false;
    for pass in 0..passes {
        if move_by_digit(from, to, 32 + pass * width, &mut counts[..1 << width]) {
            (from, to) = (to, from);
            moved = !moved;
        }
    }
    moved
}

multiversion! {
    /// Moves keys to the order of the digit from bit `shift` on; those with the same digit keep their order. False, and
    /// nothing is done, if all have the same.
    fn move_by_digit(from: &[u64], to: &mut [u64], shift: u32, counts: &mut [u32]) -> bool {
        let mask = counts.len() - 1;
        counts.fill(0);
        for key in from {
            counts[(key >> shift) as usize & mask] += 1;
        }
        if counts.iter().any(|&count| count as usize == from.len()) {
            return false;
        }
        let mut next = 0;
        for count in counts.iter_mut() {
            (*count, next) = (next, next + *count);
        }
        for &key in from {
            let next = &mut counts[(key >> shift) as usize & mask];
            to[*next as usize] = key;
            *next += 1;
        }
        true
    }
}
