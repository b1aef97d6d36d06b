//! The one argument parser: from a Python call to a row and its values.

use crate::class::tensor_of;
use crate::convert::{self, Refused, argument};
use crate::explain;
use crate::py::{Obj, type_name};
use crate::signature::Signature;
use corten_tensor::Tensor;
use corten_tensor::value::{Args, Value};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use smallvec::SmallVec;
use std::marker::PhantomData;

/// The arguments of one call as the interpreter hands them over.
pub struct Call<'a, 'py> {
    /// The interpreter.
    pub py: Python<'py>,
    /// `self`, in methods.
    pub this: Option<Obj<'a, 'py>>,
    values: *const *mut PyObject,
    positional: usize,
    names: SmallVec<[*mut PyObject; 4]>,
    lifetime: PhantomData<&'a ()>,
}

impl<'a, 'py> Call<'a, 'py> {
    /// # Safety
    /// `values` holds `nargs` live objects and one more for each name in the tuple `kwnames` (or null), for `'a`.
    #[inline(always)]
    pub unsafe fn new(
        py: Python<'py>,
        this: Option<Obj<'a, 'py>>,
        values: *const *mut PyObject,
        nargs: isize,
        kwnames: *mut PyObject,
    ) -> Self {
        let mut names = SmallVec::new();
        if !kwnames.is_null() {
            // SAFETY: a live tuple of strings.
            unsafe {
                for i in 0..ffi::PyTuple_Size(kwnames) {
                    names.push(ffi::PyTuple_GetItem(kwnames, i));
                }
            }
        }
        Call { py, this, values, positional: nargs as usize, names, lifetime: PhantomData }
    }

    /// How many arguments are positional.
    pub fn positional(&self) -> usize {
        self.positional
    }

    /// How many arguments have names.
    pub fn named(&self) -> usize {
        self.names.len()
    }

    /// Argument `i`, the positional ones first.
    #[inline(always)]
    pub fn value(&self, i: usize) -> Obj<'a, 'py> {
        assert!(i < self.positional + self.names.len());
        // SAFETY: the index is below the number of live objects that `new` was promised.
        unsafe { Borrowed::from_ptr(self.py, *self.values.add(i)) }
    }

    /// The name of named argument `i`.
    #[inline(always)]
    pub fn name(&self, i: usize) -> Obj<'a, 'py> {
        // SAFETY: the tuple of names keeps it alive.
        unsafe { Borrowed::from_ptr(self.py, self.names[i]) }
    }

    /// The argument given under one of the names.
    #[inline(always)]
    pub fn find(&self, names: &crate::signature::Names, by_text: bool) -> Option<Obj<'a, 'py>> {
        for i in 0..self.names.len() {
            if names.is(self.name(i), by_text) {
                return Some(self.value(self.positional + i));
            }
        }
        None
    }
}

/// A call that fits a row.
#[derive(Default)]
pub struct Parsed {
    /// One value for each parameter of the row.
    pub args: Args,
    /// The tensors of `out=`.
    pub outs: Option<SmallVec<[Tensor; 1]>>,
}

impl Signature {
    /// Reads the call as this row's; `by_text` compares names by text as well.
    fn read(&self, call: &Call, by_text: bool, parsed: &mut Parsed) -> Result<(), Refused> {
        let given = call.positional();
        let all = given + call.named();
        if !self.varargs && (given > self.positional || all > self.most || all < self.least) {
            return Err(Refused::Mismatch);
        }
        let (mut place, mut used) = (0, 0);
        for (i, param) in self.op.params.iter().enumerate() {
            if self.this == Some(i) {
                let this = call.this.and_then(tensor_of).ok_or(Refused::Mismatch)?;
                parsed.args.push(Value::Tensor(this.clone()));
                continue;
            }
            let value = if place < given && !param.keyword {
                if place == 0 && self.varargs && convert::int(call.value(0)).is_ok() {
                    place = given;
                    Value::Ints(convert::ints_of((0..given).map(|k| call.value(k)), self.op, param)?)
                } else {
                    place += 1;
                    argument(call.value(place - 1), self.op, param, place - 1)?
                }
            } else if let Some(object) = call.find(&self.names[i], by_text) {
                used += 1;
                argument(object, self.op, param, i)?
            } else if param.default.is_some() {
                param.default_value()
            } else {
                return Err(Refused::Mismatch);
            };
            parsed.args.push(value);
        }
        if let Some(names) = &self.out
            && used < call.named()
            && let Some(object) = call.find(names, by_text)
        {
            used += 1;
            parsed.outs = self.outs(object)?;
        }
        if used == call.named() && place == given { Ok(()) } else { Err(Refused::Mismatch) }
    }

    fn outs(&self, object: Obj) -> Result<Option<SmallVec<[Tensor; 1]>>, Refused> {
        if object.is_none() {
            return Ok(None);
        }
        if self.op.returns.len() < 2 {
            let tensor = tensor_of(object).ok_or(Refused::Mismatch)?;
            return Ok(Some(SmallVec::from_elem(tensor.clone(), 1)));
        }
        let items: Vec<_> = match (object.cast::<PyTuple>(), object.cast::<PyList>()) {
            (Ok(tuple), _) => tuple.iter().collect(),
            (_, Ok(list)) => list.iter().collect(),
            _ => return Err(Refused::Mismatch),
        };
        let outs: Option<SmallVec<[Tensor; 1]>> = items.iter().map(|o| tensor_of(o.as_borrowed()).cloned()).collect();
        match outs {
            Some(outs) if outs.len() == self.op.returns.len() => Ok(Some(outs)),
            Some(outs) => Err(PyTypeError::new_err(format!(
                "{}(): argument 'out' must be a tuple of {} Tensors, got {}",
                self.op.name,
                self.op.returns.len(),
                outs.len()
            ))
            .into()),
            None => Err(PyTypeError::new_err(format!(
                "{}(): argument 'out' must be tuple of Tensors, not {}",
                self.op.name,
                type_name(object)
            ))
            .into()),
        }
    }
}

/// The first of the signatures that the call fits; `parsed` must be empty.
#[inline]
pub fn parse<'s>(
    name: &str,
    signatures: &'s [Signature],
    call: &Call,
    parsed: &mut Parsed,
) -> PyResult<Option<&'s Signature>> {
    for by_text in [false, true] {
        for signature in signatures {
            match signature.read(call, by_text, parsed) {
                Ok(()) => return Ok(Some(signature)),
                // A value that fits a later signature only because a name was not known by its address proves nothing.
                Err(Refused::Error(error)) if by_text || call.named() == 0 => return Err(error),
                Err(_) => {
                    parsed.args.clear();
                    parsed.outs = None;
                }
            }
        }
        if call.named() == 0 {
            break;
        }
    }
    if crate::subclass::any_override(call) { Ok(None) } else { Err(explain::refusal(name, signatures, call)) }
}
