//! The derivative table: rows to constants and thunks.

use crate::cursor::{Cursor, Failure, Parsed};
use crate::params::{self, Param};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

/// A parameter as a formula sees it.
enum Kind {
    /// Untyped: a tensor that gradients flow into.
    Tensor,
    /// `[Tensor]`: a list of such.
    List,
    /// Typed: read by formulas, never differentiated.
    Plain(Param),
}

struct Row {
    name: Ident,
    overload: Option<Ident>,
    params: Vec<(Ident, Kind)>,
    outs: Vec<Ident>,
    kind: Ident,
    node: TokenStream,
    formulas: Vec<(Vec<Ident>, TokenStream)>,
}

/// Expands `derivatives! { rows… }`.
pub fn expand(input: TokenStream) -> Parsed<TokenStream> {
    let mut cursor = Cursor::new(input, Span::call_site());
    let mut rows = Vec::new();
    while !cursor.done() {
        cursor.doc();
        rows.push(parse_row(&mut cursor)?);
    }
    let count = rows.len();
    let constants = rows.iter().map(constant).collect::<Parsed<Vec<_>>>()?;
    Ok(quote! {
        /// The derivatives of this family.
        pub static ROWS: [crate::derivative::Derivative; #count] = [#(#constants),*];
    })
}

fn parse_row(cursor: &mut Cursor) -> Parsed<Row> {
    let (name, overload) = cursor.row_name()?;
    let params = parse_params(&cursor.group(Delimiter::Parenthesis)?)?;
    let mut outs = Vec::new();
    if cursor.eat('-') {
        cursor.expect('>')?;
        match cursor.take() {
            Some(TokenTree::Ident(ident)) => outs.push(ident),
            Some(TokenTree::Group(group)) => {
                let mut inner = Cursor::new(group.stream(), group.span_close());
                while !inner.done() {
                    outs.push(inner.ident()?);
                    inner.eat(',');
                }
            }
            _ => return Err(Failure::new("expected the name of a result", cursor.span())),
        }
    }
    cursor.expect(':')?;
    let kind = cursor.ident()?;
    let node = match cursor.peek() {
        Some(TokenTree::Literal(_)) => {
            let name = cursor.take();
            quote!(crate::derivative::Name::Fixed(#name))
        }
        Some(TokenTree::Ident(_)) => {
            let function = cursor.ident()?;
            quote!(crate::derivative::Name::Of(crate::rules::names::#function))
        }
        _ => quote!(crate::derivative::Name::Fixed("")),
    };
    let body = cursor.group(Delimiter::Brace)?;
    let mut inner = Cursor::new(body.stream(), body.span_close());
    let mut formulas = Vec::new();
    while !inner.done() {
        let targets = match inner.take() {
            Some(TokenTree::Ident(ident)) => vec![ident],
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                let mut list = Cursor::new(group.stream(), group.span_close());
                let mut targets = Vec::new();
                while !list.done() {
                    targets.push(list.ident()?);
                    list.eat(',');
                }
                targets
            }
            _ => return Err(Failure::new("expected the name of a parameter", inner.span())),
        };
        inner.expect(':')?;
        formulas.push((targets, inner.until(',')));
    }
    Ok(Row { name, overload, params, outs, kind, node, formulas })
}

fn parse_params(group: &Group) -> Parsed<Vec<(Ident, Kind)>> {
    let mut cursor = Cursor::new(group.stream(), group.span_close());
    let mut out = Vec::new();
    while !cursor.done() {
        let tokens = cursor.until(',');
        let parts: Vec<TokenTree> = tokens.clone().into_iter().collect();
        match parts.as_slice() {
            [TokenTree::Ident(name)] => out.push((name.clone(), Kind::Tensor)),
            [TokenTree::Ident(name), _, TokenTree::Group(list)] if list.stream().to_string() == "Tensor" => {
                out.push((name.clone(), Kind::List));
            }
            _ => {
                let param = params::parse(&Group::new(Delimiter::Parenthesis, tokens))?.remove(0);
                out.push((param.name.clone(), Kind::Plain(param)));
            }
        }
    }
    Ok(out)
}

/// What a formula needs, found while its tokens are copied with `x.shape` turned into `x_shape`.
#[derive(Default)]
struct Names {
    whole: Vec<String>,
    parts: Vec<(String, String)>,
}

impl Names {
    /// The results whose gradients are named, one bit each.
    fn grads(&self) -> u32 {
        let bit = |name: &String| match name.strip_prefix('g') {
            Some("") => 1,
            Some("s") => u32::MAX,
            Some(number) => number.parse().ok().and_then(|j| 1u32.checked_shl(j)).unwrap_or(0),
            None => 0,
        };
        self.whole.iter().map(bit).fold(0, |all, one| all | one)
    }
}

fn rewrite(tokens: TokenStream, names: &mut Names) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = TokenStream::new();
    let mut i = 0;
    while i < tokens.len() {
        match &tokens[i..] {
            [TokenTree::Ident(x), TokenTree::Punct(dot), TokenTree::Ident(part), ..]
                if dot.as_char() == '.' && matches!(part.to_string().as_str(), "shape" | "dtype" | "device") =>
            {
                names.parts.push((x.to_string(), part.to_string()));
                let joined = Ident::new(&format!("{x}_{part}"), x.span());
                out.extend(std::iter::once(TokenTree::Ident(joined)));
                i += 3;
                continue;
            }
            [TokenTree::Ident(x), ..] => {
                names.whole.push(x.to_string());
                out.extend(std::iter::once(TokenTree::Ident(x.clone())));
            }
            [TokenTree::Group(group), ..] => {
                let mut copy = Group::new(group.delimiter(), rewrite(group.stream(), names));
                copy.set_span(group.span());
                out.extend(std::iter::once(TokenTree::Group(copy)));
            }
            [other, ..] => out.extend(std::iter::once(other.clone())),
            [] => {}
        }
        i += 1;
    }
    out
}

fn constant(row: &Row) -> Parsed<TokenStream> {
    let op = match &row.overload {
        Some(overload) => format!("{}.{}", row.name, overload),
        None => row.name.to_string(),
    };
    let (mut formulas, mut steps, mut grads) = (Vec::new(), Vec::new(), 0u32);
    for (targets, tokens) in &row.formulas {
        let mut names = Names::default();
        let expression = rewrite(tokens.clone(), &mut names);
        let indices = targets.iter().map(|t| row.index(t)).collect::<Parsed<Vec<_>>>()?;
        grads |= names.grads();
        let (bindings, data, meta) = row.bindings(&names);
        formulas.push(quote! { crate::derivative::Formula { targets: &[#(#indices),*], data: #data, meta: #meta } });
        steps.push(quote! {
            if ctx.needs(&[#(#indices),*]) {
                #bindings
                let grads = crate::derivative::IntoGrads::into_grads(#expression)?;
                ctx.give(&[#(#indices),*], grads)?;
            }
        });
    }
    let slots = row.params.iter().map(|(_, kind)| match kind {
        Kind::Tensor => quote!(crate::derivative::Slot::Tensor),
        Kind::List => quote!(crate::derivative::Slot::List),
        Kind::Plain(_) => quote!(crate::derivative::Slot::Plain),
    });
    let (kind, node) = (&row.kind, &row.node);
    Ok(quote! {
        crate::derivative::Derivative {
            op: #op, node: #node, kind: crate::derivative::Kind::#kind, slots: &[#(#slots),*], formulas: &[#(#formulas),*],
            grads: #grads, backward: |ctx| { #(#steps)* Ok(()) },
        }
    })
}

impl Row {
    fn index(&self, name: &Ident) -> Parsed<usize> {
        self.params
            .iter()
            .position(|(param, _)| param == name)
            .ok_or_else(|| Failure::new(format!("`{name}` is not a parameter of this row"), name.span()))
    }

    /// The locals of a formula, and which parameters and results (from bit 16) it needs with data or as metadata.
    fn bindings(&self, names: &Names) -> (TokenStream, u32, u32) {
        let (mut out, mut data, mut meta) = (TokenStream::new(), 0u32, 0u32);
        let used = |name: &str| names.whole.iter().any(|n| n == name);
        for (i, (name, kind)) in self.params.iter().enumerate() {
            let text = name.to_string();
            if used(&text) {
                match kind {
                    Kind::Tensor => {
                        data |= 1 << i;
                        out.extend(quote! { let #name = &ctx.input(#i)?; });
                    }
                    Kind::List => {
                        data |= 1 << i;
                        out.extend(quote! { let #name = &ctx.inputs(#i)?; });
                    }
                    Kind::Plain(param) => {
                        data |= 1 << i;
                        let ty = param.rust_type();
                        out.extend(quote! {
                            let value = ctx.plain(#i)?;
                            let #name: #ty = corten_tensor::value::arg(std::slice::from_ref(&value), 0, #text)?;
                        });
                    }
                }
            }
            for part in ["shape", "dtype", "device"] {
                if names.parts.iter().any(|(n, p)| *n == text && p == part) {
                    meta |= 1 << i;
                    let local = format_ident!("{text}_{part}");
                    let get = match kind {
                        Kind::List => format_ident!("{part}s_of"),
                        _ => format_ident!("{part}_of"),
                    };
                    out.extend(quote! { let #local = &ctx.#get(#i)?; });
                }
            }
        }
        for (j, name) in self.outs.iter().enumerate() {
            if used(&name.to_string()) {
                data |= 1 << (16 + j);
                out.extend(quote! { let #name = &ctx.output(#j)?; });
            }
        }
        if used("g") {
            out.extend(quote! { let g = &ctx.grad(0)?; });
        }
        for j in 1..6usize {
            let name = format_ident!("g{j}");
            if used(&name.to_string()) {
                out.extend(quote! { let #name = &ctx.grad(#j)?; });
            }
        }
        if used("gs") {
            out.extend(quote! { let gs = &ctx.all_grads()?; });
        }
        if used("need") {
            out.extend(quote! { let need = &ctx.needed(); });
        }
        if used("arrived") {
            out.extend(quote! { let arrived = &ctx.arrived(); });
        }
        (out, data, meta)
    }
}
