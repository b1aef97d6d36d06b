//! A cursor over tokens, and errors that point at one.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::quote_spanned;

/// What is wrong, and where.
pub struct Failure {
    message: String,
    span: Span,
}

/// What parsing returns.
pub type Parsed<T> = Result<T, Failure>;

impl Failure {
    /// A message at a place.
    pub fn new(message: impl Into<String>, span: Span) -> Self {
        Failure { message: message.into(), span }
    }

    /// A `compile_error!` at the place.
    pub fn into_tokens(self) -> TokenStream {
        let message = self.message;
        quote_spanned! { self.span => compile_error!(#message); }
    }
}

/// A place in a list of tokens.
pub struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
    end: Span,
}

impl Cursor {
    /// At the first token; `end` is where errors about missing tokens point.
    pub fn new(tokens: TokenStream, end: Span) -> Self {
        Cursor { tokens: tokens.into_iter().collect(), at: 0, end }
    }

    /// True when nothing is left.
    pub fn done(&self) -> bool {
        self.at == self.tokens.len()
    }

    /// The next token, which stays.
    pub fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.at)
    }

    /// The next token.
    pub fn take(&mut self) -> Option<TokenTree> {
        let token = self.tokens.get(self.at).cloned();
        self.at += token.is_some() as usize;
        token
    }

    /// Where the next token is.
    pub fn span(&self) -> Span {
        self.peek().map_or(self.end, TokenTree::span)
    }

    /// Takes the punctuation `c` if it is next.
    pub fn eat(&mut self, c: char) -> bool {
        let found = matches!(self.peek(), Some(TokenTree::Punct(p)) if p.as_char() == c);
        self.at += found as usize;
        found
    }

    /// The punctuation `c`, or an error.
    pub fn expect(&mut self, c: char) -> Parsed<()> {
        if self.eat(c) { Ok(()) } else { Err(Failure::new(format!("expected `{c}`"), self.span())) }
    }

    /// An identifier, or an error.
    pub fn ident(&mut self) -> Parsed<Ident> {
        match self.take() {
            Some(TokenTree::Ident(ident)) => Ok(ident),
            other => Err(Failure::new("expected a name", other.map_or(self.end, |t| t.span()))),
        }
    }

    /// A group in the given delimiters, or an error.
    pub fn group(&mut self, delimiter: Delimiter) -> Parsed<Group> {
        match self.take() {
            Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Ok(group),
            other => Err(Failure::new(format!("expected a {delimiter:?}"), other.map_or(self.end, |t| t.span()))),
        }
    }

    /// Everything up to the punctuation `c` (which is taken) or the end.
    pub fn until(&mut self, c: char) -> TokenStream {
        let mut out = TokenStream::new();
        while !self.done() && !self.eat(c) {
            out.extend(self.take());
        }
        out
    }

    /// The text of the `///` lines that stand here.
    pub fn doc(&mut self) -> String {
        let mut text = String::new();
        while matches!(self.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '#') {
            self.take();
            if let Some(TokenTree::Group(group)) = self.take() {
                let literal = group.stream().into_iter().nth(2).map(|t| t.to_string()).unwrap_or_default();
                let line = literal.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\").replace("\\'", "'");
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(line.strip_prefix(' ').unwrap_or(&line));
            }
        }
        text
    }

    /// `name` or `name.overload`.
    pub fn row_name(&mut self) -> Parsed<(Ident, Option<Ident>)> {
        let name = self.ident()?;
        let overload = if self.eat('.') { Some(self.ident()?) } else { None };
        Ok((name, overload))
    }
}
