//! The op table: rows to constants, thunks and Rust functions.

use crate::cursor::{Cursor, Failure, Parsed};
use crate::params::{self, Param};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

struct Row {
    doc: String,
    name: Ident,
    overload: Option<Ident>,
    params: Vec<Param>,
    returns: Vec<(String, String)>,
    keys: Vec<(Ident, TokenStream)>,
}

/// Expands `ops! { family = math; rows… }`.
pub fn expand(input: TokenStream) -> Parsed<TokenStream> {
    let mut cursor = Cursor::new(input, Span::call_site());
    let word = cursor.ident()?;
    if word != "family" {
        return Err(Failure::new("expected `family = name;`", word.span()));
    }
    cursor.expect('=')?;
    let family = cursor.ident()?.to_string();
    cursor.expect(';')?;
    let mut rows = Vec::new();
    while !cursor.done() {
        rows.push(parse_row(&mut cursor)?);
    }
    let count = rows.len();
    let constants = rows.iter().map(|row| constant(row, &family)).collect::<Parsed<Vec<_>>>()?;
    let functions = rows.iter().enumerate().map(|(index, row)| function(row, index));
    Ok(quote! {
        /// The rows of this family.
        pub static OPS: [crate::op::Op; #count] = [#(#constants),*];
        #(#functions)*
    })
}

fn parse_row(cursor: &mut Cursor) -> Parsed<Row> {
    let doc = cursor.doc();
    let (name, overload) = cursor.row_name()?;
    let params = params::parse(&cursor.group(Delimiter::Parenthesis)?)?;
    cursor.expect('-')?;
    cursor.expect('>')?;
    let returns = parse_returns(cursor)?;
    let body = cursor.group(Delimiter::Brace)?;
    let mut inner = Cursor::new(body.stream(), body.span_close());
    let mut keys = Vec::new();
    while !inner.done() {
        let key = inner.ident()?;
        let value = match inner.peek() {
            Some(TokenTree::Punct(p)) if p.as_char() == ':' => {
                inner.take();
                inner.until(';')
            }
            Some(TokenTree::Group(_)) => {
                let arguments = inner.group(Delimiter::Parenthesis)?.stream();
                if !inner.done() {
                    inner.expect(';')?;
                }
                keys.push((format_ident!("shorthand"), quote!(#key, #arguments)));
                continue;
            }
            _ => inner.until(';'),
        };
        keys.push((key, value));
    }
    Ok(Row { doc, name, overload, params, returns, keys })
}

fn parse_returns(cursor: &mut Cursor) -> Parsed<Vec<(String, String)>> {
    match cursor.take() {
        Some(TokenTree::Ident(ident)) => Ok(vec![(String::new(), ident.to_string())]),
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            Ok(vec![(String::new(), format!("[{}]", group.stream()))])
        }
        Some(TokenTree::Group(group)) => {
            let mut inner = Cursor::new(group.stream(), group.span_close());
            let mut out = Vec::new();
            while !inner.done() {
                let name = inner.ident()?.to_string();
                inner.expect(':')?;
                out.push((name, inner.until(',').to_string()));
            }
            Ok(out)
        }
        _ => Err(Failure::new("expected a result type", cursor.span())),
    }
}

impl Row {
    fn get(&self, key: &str) -> Option<&TokenStream> {
        self.keys.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn rust_name(&self) -> Ident {
        let base = match &self.overload {
            Some(overload) => format!("{}_{}", self.name, overload),
            None => self.name.to_string(),
        };
        // `where` and its like are words of Rust.
        match base.as_str() {
            "where" | "move" | "type" | "match" | "ref" => format_ident!("{base}_"),
            _ => format_ident!("{base}"),
        }
    }

    /// `let name: Type = …` for each parameter that `expression` mentions.
    fn bindings(&self, expression: &TokenStream) -> TokenStream {
        let bound = self.params.iter().enumerate().filter(|(_, p)| mentions(expression, &p.name)).map(|(i, p)| {
            let (name, ty, text) = (&p.name, p.rust_type(), p.name.to_string());
            quote! { #[allow(non_snake_case)] let #name: #ty = crate::value::arg(args, #i, #text)?; }
        });
        quote! { #(#bound)* }
    }

    fn thunk(&self, key: &str) -> Option<TokenStream> {
        let expression = self.get(key)?;
        let bindings = self.bindings(expression);
        Some(match key {
            "kernel" => quote! { |args, outs| { let _ = args; #bindings (#expression)?; Ok(()) } },
            "composite" | "dynamic" => quote! { |args| { let _ = args; #bindings crate::lazy::finish(#expression) } },
            _ => quote! { |args| { let _ = args; #bindings #expression } },
        })
    }

    fn body(&self) -> Parsed<TokenStream> {
        if let Some(shorthand) = self.get("shorthand") {
            let mut tokens = shorthand.clone().into_iter();
            let name = tokens.next();
            let rest: TokenStream = tokens.skip(1).collect();
            return Ok(quote! { crate::body::#name!(#rest) });
        }
        if let Some(meta) = self.thunk("meta") {
            let run = match self.thunk("kernel") {
                Some(kernel) => quote!(Some(#kernel)),
                None if self.get("array").is_some() => quote!(None),
                None => return Err(Failure::new("`meta` needs a `kernel` or `array`", self.name.span())),
            };
            let (elementwise, updates) = (self.get("elementwise").is_some(), self.get("updates").is_some());
            return Ok(quote! {
                crate::op::Body::Kernel { meta: #meta, run: #run, fast: None, elementwise: #elementwise, updates: #updates }
            });
        }
        for (key, variant) in [("view", "View"), ("composite", "Composite"), ("dynamic", "Dynamic")] {
            if let Some(thunk) = self.thunk(key) {
                let variant = format_ident!("{variant}");
                return Ok(quote! { crate::op::Body::#variant(#thunk) });
            }
        }
        match self.get("python") {
            Some(path) => Ok(quote! { crate::op::Body::Python(#path) }),
            None => Err(Failure::new(
                "a row needs a body: meta and kernel, view, composite, dynamic, python or a shorthand",
                self.name.span(),
            )),
        }
    }
}

/// True if the tokens contain the name, at any depth; `args` mentions everything.
fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}

fn constant(row: &Row, family: &str) -> Parsed<TokenStream> {
    let (name, doc) = (row.name.to_string(), &row.doc);
    let overload = row.overload.as_ref().map(Ident::to_string).unwrap_or_default();
    let body = row.body()?;
    let params = row.params.iter().map(|p| {
        let (name, ty, nullable, varargs, keyword) = (p.name.to_string(), p.parser_type(), p.nullable, p.varargs, p.keyword);
        let default = match &p.default {
            Some(default) => quote!(Some(#default)),
            None => quote!(None),
        };
        quote! {
            crate::op::Param {
                name: #name, ty: crate::op::Type::#ty, nullable: #nullable, varargs: #varargs, keyword: #keyword, default: #default,
            }
        }
    });
    let returns = row.returns.iter().map(|(name, ty)| {
        let ty = ty.replace(' ', "");
        quote! { crate::op::Return { name: #name, ty: #ty } }
    });
    let mutates = row.returns.first().is_some_and(|(_, ty)| ty == "Self");
    let forms = forms(row)?;
    let aliases: Vec<String> = match row.get("alias") {
        Some(tokens) => tokens.to_string().split(',').map(|s| s.trim().to_string()).collect(),
        None => Vec::new(),
    };
    let text = |key: &str| row.get(key).map(|tokens| tokens.to_string()).unwrap_or_default();
    let (domain, check) = (text("domain"), text("check"));
    let array = text("array").trim_matches('"').to_string();
    let differentiable = row.get("nondiff").is_none();
    Ok(quote! {
        crate::op::Op {
            name: #name, overload: #overload, doc: #doc, family: #family, params: &[#(#params),*], returns: &[#(#returns),*], mutates: #mutates,
            forms: #forms, aliases: &[#(#aliases),*], domain: #domain, check: #check, array: #array,
            differentiable: #differentiable, body: #body, derivative: std::sync::atomic::AtomicUsize::new(0),
        }
    })
}

fn forms(row: &Row) -> Parsed<TokenStream> {
    let tokens = row.get("forms").cloned().unwrap_or_default();
    let mut cursor = Cursor::new(tokens, row.name.span());
    let (mut function, mut namespace, mut property) = (false, String::new(), String::new());
    let (mut method, mut inplace, mut inplace_function, mut out) = (false, false, false, false);
    while !cursor.done() {
        let word = cursor.ident()?;
        let argument = match cursor.peek() {
            Some(TokenTree::Group(_)) => Some(cursor.group(Delimiter::Parenthesis)?.stream().to_string()),
            _ => None,
        };
        match word.to_string().as_str() {
            "fn" => {
                function = true;
                namespace = argument.unwrap_or_default();
            }
            "method" => method = true,
            "inplace" => {
                inplace = true;
                inplace_function = argument.as_deref() == Some("fn");
            }
            "out" => out = true,
            "property" => property = argument.unwrap_or_else(|| row.name.to_string()),
            _ => return Err(Failure::new("forms are fn, method, inplace, out, property", word.span())),
        }
    }
    Ok(quote! {
        crate::op::Forms {
            function: #function, namespace: #namespace, method: #method, inplace: #inplace, inplace_function: #inplace_function,
            out: #out, property: #property,
        }
    })
}

/// The Rust functions of a row: `name` with the required parameters, `name_with` and the in-place `name_` with all.
fn function(row: &Row, index: usize) -> TokenStream {
    let name = row.rust_name();
    let doc = &row.doc;
    let generics: Vec<Ident> = (0..row.params.len()).map(|i| format_ident!("A{i}")).collect();
    let names: Vec<&Ident> = row.params.iter().map(|p| &p.name).collect();
    let required: Vec<usize> = (0..row.params.len()).filter(|&i| row.params[i].default.is_none()).collect();
    let make = |with: &[usize], target: TokenStream| {
        let values = (0..row.params.len()).map(|i| {
            let name = names[i];
            if with.contains(&i) { quote!(#name.into_lazy()?) } else { quote!(OPS[#index].params[#i].default_value()) }
        });
        quote! {
            let call = || -> crate::Result<crate::value::Value> {
                crate::dispatch::call_into(&OPS[#index], &[#(#values),*], crate::dispatch::Target::#target)
            };
            crate::lazy::T::from(call())
        }
    };
    let all: Vec<usize> = (0..row.params.len()).collect();
    let (short_body, full_body) = (make(&required, quote!(Fresh)), make(&all, quote!(Fresh)));
    let (rg, rn): (Vec<_>, Vec<_>) = required.iter().map(|&i| (&generics[i], names[i])).unzip();
    let short = quote! {
        #[doc = #doc]
        #[allow(non_snake_case, dead_code)]
        pub fn #name<#(#rg: crate::lazy::IntoLazy),*>(#(#rn: #rg),*) -> crate::lazy::T { #short_body }
    };
    let in_place = has_form(row, "inplace").then(|| {
        let (name, body) = (format_ident!("{}_", name), make(&all, quote!(InPlace)));
        quote! {
            #[doc = #doc]
            #[allow(non_snake_case, dead_code)]
            pub fn #name<#(#generics: crate::lazy::IntoLazy),*>(#(#names: #generics),*) -> crate::lazy::T { #body }
        }
    });
    if required.len() == all.len() {
        return quote! { #short #in_place };
    }
    let full_name = format_ident!("{}_with", name);
    quote! {
        #short
        #[doc = #doc]
        #[allow(non_snake_case, dead_code)]
        pub fn #full_name<#(#generics: crate::lazy::IntoLazy),*>(#(#names: #generics),*) -> crate::lazy::T { #full_body }
        #in_place
    }
}

/// True if the row's `forms` contain the word.
fn has_form(row: &Row, word: &str) -> bool {
    let tokens = row.get("forms").cloned().unwrap_or_default();
    tokens.into_iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == word))
}
