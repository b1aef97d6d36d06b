//! Signatures: rows made ready for the parser, and how they read in messages and in `help()`.

use crate::py::{Keep, Obj};
use corten_tensor::op::{Default, Op, Param, Type};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// A parameter's names as interned strings: its own, then those that NumPy users write.
pub struct Names {
    all: Box<[(Keep, &'static str)]>,
}

impl Names {
    fn new(py: Python<'_>, name: &'static str) -> Names {
        let also: &[&'static str] = match name {
            "dim" => &["axis"],
            "keepdim" => &["keepdims"],
            "input" => &["x", "a", "x1"],
            "other" => &["x2"],
            "dim0" => &["axis0"],
            "dim1" => &["axis1"],
            "indices_or_sections" => &["indices", "sections"],
            "split_size_or_sections" => &["split_size"],
            _ => &[],
        };
        let kept = |n: &'static str| (Keep::new(PyString::intern(py, n).into_any().as_borrowed()), n);
        Names { all: std::iter::once(name).chain(also.iter().copied()).map(kept).collect() }
    }

    /// True if `given` is one of the names: by identity (keywords in source are interned), or by text.
    #[inline(always)]
    pub fn is(&self, given: Obj, by_text: bool) -> bool {
        // A loop, not a chain of iterators: this runs for each parameter of each call with keywords.
        for (name, _) in &self.all {
            if name.is(given) {
                return true;
            }
        }
        by_text && self.reads(given)
    }

    #[cold]
    fn reads(&self, given: Obj) -> bool {
        let text = given.cast::<PyString>().map(|given| given.to_string_lossy().into_owned());
        text.is_ok_and(|given| self.all.iter().any(|(_, text)| *text == given))
    }
}

/// One row as one Python callable takes it.
pub struct Signature {
    /// The row.
    pub op: &'static Op,
    /// It writes its result into its first argument.
    pub inplace: bool,
    /// The parameter that `self` fills, in methods.
    pub this: Option<usize>,
    /// Names of each parameter.
    pub names: Vec<Names>,
    /// Names of `out`, where the row has that form.
    pub out: Option<Names>,
    /// How many arguments may be positional.
    pub positional: usize,
    /// How many arguments must be given, and how many may be.
    pub least: usize,
    pub most: usize,
    /// The first positional argument may be spread over all of them.
    pub varargs: bool,
    /// Where `requires_grad` stands, in factories.
    pub requires_grad: Option<usize>,
}

impl Signature {
    /// The row as a function.
    pub fn function(py: Python<'_>, op: &'static Op, inplace: bool) -> Signature {
        Signature::new(py, op, inplace, None)
    }

    /// The row as a method.
    pub fn method(py: Python<'_>, op: &'static Op, inplace: bool) -> Signature {
        let this = op.params.iter().position(|p| p.name == "input").unwrap_or(0);
        Signature::new(py, op, inplace, Some(this))
    }

    fn new(py: Python<'_>, op: &'static Op, inplace: bool, this: Option<usize>) -> Signature {
        let mut positional = op.params.iter().enumerate().filter(|(i, p)| Some(*i) != this && !p.keyword);
        let given = op.params.iter().enumerate().filter(|(i, _)| Some(*i) != this);
        let has_out = op.forms.out && !inplace && this.is_none();
        let varargs = positional.clone().next().is_some_and(|(_, p)| p.varargs);
        Signature {
            op,
            inplace,
            this,
            names: op.params.iter().map(|p| Names::new(py, p.name)).collect(),
            out: has_out.then(|| Names::new(py, "out")),
            least: given.clone().filter(|(_, p)| p.default.is_none()).count(),
            most: given.count() + has_out as usize,
            varargs,
            requires_grad: op.params.iter().position(|p| p.name == "requires_grad" && p.keyword),
            positional: positional.by_ref().count(),
        }
    }

    /// The parameters that the caller gives, with their places in the row.
    pub fn given(&self) -> impl Iterator<Item = (usize, &'static Param)> {
        let this = self.this;
        self.op.params.iter().enumerate().filter(move |(i, _)| Some(*i) != this)
    }

    /// The parameters one by one as PyTorch's messages print them, `*` included.
    pub fn pieces(&self) -> Vec<String> {
        let mut pieces = Vec::new();
        let out_text = if self.op.returns.len() > 1 { "tuple of Tensors out = None" } else { "Tensor out = None" };
        // Factories name `out` before their options.
        let (mut starred, mut out_shown) = (false, false);
        for (_, param) in self.given() {
            if param.keyword && !starred {
                pieces.push("*".into());
                starred = true;
                if self.out.is_some() && self.requires_grad.is_some() {
                    pieces.push(out_text.into());
                    out_shown = true;
                }
            }
            let default = param.default.map(|d| format!(" = {}", default_text(d))).unwrap_or_default();
            pieces.push(format!("{} {}{default}", type_text(param.ty), param.name));
        }
        if self.out.is_some() && !out_shown {
            if !starred {
                pieces.push("*".into());
            }
            pieces.push(out_text.into());
        }
        pieces
    }

    /// `(Tensor input, *, torch.dtype dtype = None)`.
    pub fn text(&self) -> String {
        format!("({})", self.pieces().join(", "))
    }

    /// The parameters as `inspect.signature` reads them; `None` where Python could not write them so.
    pub fn python_text(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        if self.this.is_some() {
            parts.push("$self".into());
        }
        let (mut starred, mut optional) = (false, false);
        for (_, param) in self.given() {
            if param.varargs && !param.keyword {
                parts.push(format!("*{}", param.name));
                starred = true;
                continue;
            }
            if param.keyword && !starred {
                parts.push("*".into());
                starred = true;
            }
            match param.default {
                None if optional && !starred => return None,
                None => parts.push(param.name.into()),
                Some(default) => {
                    optional = true;
                    parts.push(format!("{}={}", param.name, python_default(default)?));
                }
            }
        }
        if self.out.is_some() {
            if !starred {
                parts.push("*".into());
            }
            parts.push("out=None".into());
        }
        Some(parts.join(", "))
    }
}

/// PyTorch's word for a type of argument.
pub fn type_text(ty: Type) -> &'static str {
    match ty {
        Type::Tensor | Type::TensorOrScalar => "Tensor",
        Type::Tensors | Type::OptionalTensors => "tuple of Tensors",
        Type::Scalar => "Number",
        Type::Int | Type::Dim => "int",
        Type::Float => "float",
        Type::Bool => "bool",
        Type::Str => "str",
        Type::Sizes | Type::Dims | Type::Ints1 | Type::Ints2 | Type::Ints3 => "tuple of ints",
        Type::Floats => "tuple of floats",
        Type::DType => "torch.dtype",
        Type::Device => "torch.device",
        Type::Layout => "torch.layout",
        Type::MemoryFormat => "torch.memory_format",
        Type::Generator => "torch.Generator",
        Type::Key => "index",
        Type::Any => "object",
    }
}

fn float_text(x: f64) -> String {
    match x {
        x if x.is_infinite() => {
            if x > 0.0 {
                "inf".into()
            } else {
                "-inf".into()
            }
        }
        x if x != 0.0 && (x.abs() < 1e-4 || x.abs() >= 1e16) => {
            let text = format!("{x:e}");
            match text.split_once("e-") {
                Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
                None => text,
            }
        }
        x => format!("{x:?}"),
    }
}

/// A default as PyTorch's messages print it.
pub fn default_text(default: Default) -> String {
    match default {
        Default::None => "None".into(),
        Default::Bool(x) => {
            if x {
                "True".into()
            } else {
                "False".into()
            }
        }
        Default::Int(x) => x.to_string(),
        Default::Float(x) => float_text(x),
        Default::Str(x) => format!("\"{x}\""),
        Default::Ints(x) => corten_tensor::text::sizes(x),
        Default::MemoryFormat(x) => format!("torch.{}", x.name()),
    }
}

fn python_default(default: Default) -> Option<String> {
    match default {
        Default::Float(x) if !x.is_finite() => None,
        Default::MemoryFormat(_) => None,
        other => Some(default_text(other)),
    }
}
