//! Where along a line the largest or smallest element is, the k-th smallest, the middle, or the most frequent.

use crate::extreme::{extreme_columns, first_extreme};
use crate::fold::{Largest, Smallest};
use crate::lines::line_of;
use crate::number::{Ordered, by_order};
use crate::places::{each_line, take};
use crate::sort::{Order, fill_keys};
use corten_base::alloc::room;
use corten_base::{DType, Operand, Result, fail};

/// What is sought along a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The largest element: of equal ones the first; NaN if one is there.
    Max,
    /// The smallest element: of equal ones the first; NaN if one is there.
    Min,
    /// The lower of the middle elements; NaN if one is there.
    Median,
    /// The lower of the middle elements that are not NaN.
    NanMedian,
    /// The most frequent element (of equally frequent ones the smallest), at its last place.
    Mode,
    /// The k-th smallest element, k from 1 on; NaN above everything.
    Kth(usize),
}

/// Finds what `op` seeks along `dim`: its index, and its value if wanted. Both results have size 1 along `dim`, which must
/// not be empty.
pub fn arg_reduce(op: Seek, values: Option<Operand>, indices: Operand, x: Operand, dim: usize) -> Result<()> {
    let length = line_of(&x, dim)?.size;
    if line_of(&indices, dim)?.size != 1 || length == 0 {
        fail!(Index, "a search along dimension {dim} of size {length} needs an element and results of size 1");
    }
    if let Seek::Kth(k) = op
        && (k == 0 || k > length)
    {
        fail!(Runtime, "kthvalue(): selected number k out of range for dimension {dim}");
    }
    by_order!(x.dtype(), "arg_reduce", C => {
        let done = match op {
            Seek::Max => extreme_columns::<C, Largest>(values.as_ref(), &indices, &x, dim)?,
            Seek::Min => extreme_columns::<C, Smallest>(values.as_ref(), &indices, &x, dim)?,
            _ => false,
        };
        if done {
            return Ok(());
        }
        let work = |length| Ok((room(length)?, Order::of_length(if op == Seek::Mode { length } else { 0 })?));
        each_line::<C, _>(values.as_ref(), &indices, &x, dim, work, |line, (keys, order), places, values| {
            places[0] = seek(op, line, keys, order) as i64;
            take(line, places, values);
        })
    })
}

fn seek<C: Ordered>(op: Seek, line: &[C], keys: &mut Vec<C::Key>, order: &mut Order) -> usize {
    let first_nan = || line.iter().position(|v| v.is_nan());
    let kth = |keys: &mut Vec<C::Key>, k: usize| {
        fill_keys(line, keys, false);
        C::place(*keys.select_nth_unstable(k).1)
    };
    match op {
        Seek::Max => first_extreme::<C, Largest>(line),
        Seek::Min => first_extreme::<C, Smallest>(line),
        Seek::Median => first_nan().unwrap_or_else(|| kth(keys, (line.len() - 1) / 2)),
        Seek::NanMedian => {
            let numbers = line.iter().filter(|v| !v.is_nan()).count();
            kth(keys, numbers.saturating_sub(1) / 2)
        }
        Seek::Kth(k) => kth(keys, k - 1),
        Seek::Mode => most_frequent(line, order.places(line, false)),
    }
}

/// The last place of the most frequent element, of equally frequent ones the smallest.
fn most_frequent<C: Ordered>(line: &[C], order: impl Iterator<Item = usize>) -> usize {
    let (mut best, mut most, mut run) = (0, 0, 0);
    let mut before = None;
    for place in order {
        let same = before.is_some_and(|before: usize| !line[place].above(line[before]));
        run = if same { run + 1 } else { 1 };
        if run > most {
            (best, most) = (place, run);
        }
        before = Some(place);
    }
    best
}
