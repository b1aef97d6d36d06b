//! The derivative table, a file a family.

mod activation;
mod attention;
mod binary;
mod index;
mod join;
mod linalg;
mod loss;
mod matrix;
mod neural;
mod order;
mod random;
mod recurrent;
mod reduce;
mod resample;
mod special;
mod unary;
mod view;

use crate::derivative::{Derivative, Kind, Name, Slot};

static FAMILIES: &[&[Derivative]] = &[
    &unary::ROWS,
    &binary::ROWS,
    &activation::ROWS,
    &attention::ROWS,
    &reduce::ROWS,
    &resample::ROWS,
    &matrix::ROWS,
    &linalg::ROWS,
    &loss::ROWS,
    &neural::ROWS,
    &recurrent::ROWS,
    &order::ROWS,
    &random::ROWS,
    &join::ROWS,
    &index::ROWS,
    &view::ROWS,
    &special::ROWS,
];

/// Every row.
pub fn all() -> impl Iterator<Item = &'static Derivative> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// Row number `index` of [`all`].
pub fn row(index: usize) -> Option<&'static Derivative> {
    let mut index = index;
    for family in FAMILIES {
        if index < family.len() {
            return Some(&family[index]);
        }
        index -= family.len();
    }
    None
}

/// Stands for the derivative of an operator that has none yet: running it is an error that names the operator.
pub static UNKNOWN: Derivative = Derivative {
    op: "",
    node: Name::Fixed("NotImplemented"),
    kind: Kind::other,
    slots: &[Slot::Plain],
    formulas: &[],
    grads: u32::MAX,
    backward: |_| Ok(()),
};
