//! Parameters of a row: their types in the table, in the parser and in Rust.

use crate::cursor::{Cursor, Failure, Parsed};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{format_ident, quote};

/// One parameter.
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// The table's name of its type (`Tensor`, `Dims`, …).
    pub ty: String,
    /// `None` is allowed.
    pub nullable: bool,
    /// `name: Sizes...` takes varargs or one sequence.
    pub varargs: bool,
    /// After `*`.
    pub keyword: bool,
    /// The default, as tokens of a `crate::op::Default`.
    pub default: Option<TokenStream>,
}

/// The keyword arguments that every factory takes.
const FACTORY: &str =
    "dtype: DType?, layout: Layout?, device: Device?, pin_memory: bool = false, requires_grad: bool = false";

impl Param {
    /// The Rust type of the local that stands for it.
    pub fn rust_type(&self) -> TokenStream {
        let base = match self.ty.as_str() {
            "Tensor" => quote!(&corten_tensor::Tensor),
            "Tensors" => quote!(&[corten_tensor::Tensor]),
            "OptionalTensors" => quote!(&[Option<corten_tensor::Tensor>]),
            "TensorOrScalar" => quote!(corten_tensor::value::Number),
            "Scalar" => quote!(corten_tensor::Scalar),
            "int" | "Dim" => quote!(i64),
            "float" => quote!(f64),
            "bool" => quote!(bool),
            "str" => quote!(&str),
            "Sizes" | "Dims" | "Ints1" | "Ints2" | "Ints3" => quote!(&[i64]),
            "Floats" => quote!(&[f64]),
            "DType" => quote!(corten_tensor::DType),
            "Device" => quote!(corten_tensor::device::Device),
            "Layout" => quote!(corten_tensor::device::Layout),
            "MemoryFormat" => quote!(corten_tensor::device::MemoryFormat),
            "Generator" => quote!(&corten_tensor::value::SharedGenerator),
            "Key" => quote!(&[corten_tensor::value::IndexItem]),
            _ => quote!(&corten_tensor::value::Value),
        };
        if self.nullable && !matches!(self.ty.as_str(), "Any") { quote!(Option<#base>) } else { base }
    }

    /// The variant of `crate::op::Type`.
    pub fn parser_type(&self) -> Ident {
        let name = match self.ty.as_str() {
            "int" => "Int",
            "float" => "Float",
            "bool" => "Bool",
            "str" => "Str",
            other => other,
        };
        format_ident!("{name}")
    }
}

/// Reads the inside of a parameter list.
pub fn parse(group: &Group) -> Parsed<Vec<Param>> {
    let mut cursor = Cursor::new(group.stream(), group.span_close());
    let mut params = Vec::new();
    let mut keyword = false;
    while !cursor.done() {
        if cursor.eat('*') {
            keyword = true;
        } else if cursor.eat('@') {
            let bundle = cursor.ident()?;
            if bundle != "factory" {
                return Err(Failure::new("the only bundle of parameters is `@factory`", bundle.span()));
            }
            let tokens: TokenStream = FACTORY.parse().expect("the factory parameters are tokens");
            let mut inner = parse(&Group::new(Delimiter::Parenthesis, tokens))?;
            inner.iter_mut().for_each(|p| p.keyword = true);
            params.append(&mut inner);
        } else {
            params.push(parse_one(&mut cursor, keyword)?);
        }
        if !cursor.done() {
            cursor.expect(',')?;
        }
    }
    Ok(params)
}

fn parse_one(cursor: &mut Cursor, keyword: bool) -> Parsed<Param> {
    let name = cursor.ident()?;
    cursor.expect(':')?;
    let ty = match cursor.take() {
        Some(TokenTree::Ident(ident)) => ident.to_string(),
        Some(TokenTree::Group(list)) => match list.stream().to_string().replace(' ', "").as_str() {
            "Tensor" => "Tensors".into(),
            "Tensor?" => "OptionalTensors".into(),
            "float" => "Floats".into(),
            _ => return Err(Failure::new("lists hold Tensor, Tensor? or float", list.span())),
        },
        _ => return Err(Failure::new("expected a type", cursor.span())),
    };
    let nullable = cursor.eat('?');
    let varargs = cursor.eat('.') && cursor.eat('.') && cursor.eat('.');
    let mut default = nullable.then(|| quote!(crate::op::Default::None));
    if cursor.eat('=') {
        let mut tokens = TokenStream::new();
        while !cursor.done() && !matches!(cursor.peek(), Some(TokenTree::Punct(p)) if p.as_char() == ',') {
            tokens.extend(cursor.take());
        }
        default = Some(default_of(&ty, tokens));
    }
    Ok(Param { name, ty, nullable, varargs, keyword, default })
}

/// A default as the row holds it; the type decides how a literal is read.
fn default_of(ty: &str, tokens: TokenStream) -> TokenStream {
    let text = tokens.to_string();
    match (ty, text.as_str()) {
        (_, "None") => quote!(crate::op::Default::None),
        ("bool", _) => quote!(crate::op::Default::Bool(#tokens)),
        ("float", _) => quote!(crate::op::Default::Float(#tokens as f64)),
        ("str", _) => quote!(crate::op::Default::Str(#tokens)),
        ("Sizes" | "Dims" | "Ints1" | "Ints2" | "Ints3", _) if text.starts_with('[') => {
            quote!(crate::op::Default::Ints(&#tokens))
        }
        ("MemoryFormat", _) => quote!(crate::op::Default::MemoryFormat(crate::device::MemoryFormat::#tokens)),
        ("Scalar" | "TensorOrScalar", _) if text.contains('.') => quote!(crate::op::Default::Float(#tokens)),
        _ => quote!(crate::op::Default::Int(#tokens)),
    }
}
