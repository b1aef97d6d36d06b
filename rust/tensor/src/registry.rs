//! All rows of the op table.

use crate::op::Op;
use crate::ops;

/// Every family, in the order of the reference.
static FAMILIES: &[&[Op]] = &[
    &ops::unary::OPS,
    &ops::binary::OPS,
    &ops::compare::OPS,
    &ops::activation::OPS,
    &ops::cast::OPS,
    &ops::view::OPS,
    &ops::factory::OPS,
    &ops::random::OPS,
    &ops::query::OPS,
    &ops::reduce::OPS,
    &ops::order::OPS,
    &ops::matrix::OPS,
    &ops::join::OPS,
    &ops::index::OPS,
    &ops::conv::OPS,
    &ops::pool::OPS,
    &ops::resample::OPS,
    &ops::norm::OPS,
    &ops::loss::OPS,
    &ops::neural::OPS,
    &ops::sequence::OPS,
    &ops::attention::OPS,
    &ops::recurrent::OPS,
    &ops::linalg::OPS,
    &ops::fft::OPS,
    &ops::derived::OPS,
    &ops::special::OPS,
];

/// Every row; overloads of a name follow one another in the order in which they are tried.
pub fn all() -> impl Iterator<Item = &'static Op> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The row called `name` or `name.overload`.
pub fn find(full_name: &str) -> Option<&'static Op> {
    let (name, overload) = full_name.split_once('.').unwrap_or((full_name, ""));
    all().find(|op| op.name == name && op.overload == overload)
}
