//! `ops!` and `derivatives!`: the two tables that declare every operator of Corten.
//!
//! Both emit constant rows and small typed thunks; an error in an expression of a row points at that row. The grammar
//! stands in the documentation of each macro.

mod cursor;
mod derivatives;
mod ops;
mod params;

use proc_macro::TokenStream;

/// Declares a family of operators.
///
/// ```text
/// ops! { family = math;
/// /// One sentence of documentation.
/// name.overload(input: Tensor, dim: Dims?, *, dtype: DType? = None) -> Tensor { key: value; shorthand(arguments); flag; }
/// }
/// ```
/// A row's body is one of
/// - `meta: EXPR; kernel: EXPR`: sizes, dtype and every argument error; then the computation into `outs`;
/// - `view: EXPR`: the geometry of one or several views of the first argument;
/// - `composite: EXPR`: in terms of other rows; `dynamic: EXPR`: a result whose shape depends on data;
/// - `python: "module:function"`: a composite written in Python; `array: "name"` with `meta:`: the array backend;
/// - `shorthand(arguments)`: the macro of that name in `crate::body`, which makes one of the above.
///
/// Other keys: `forms` (`fn`, `fn(namespace)`, `method`, `inplace` or,
///   where several tensors take part and there is to be a function too, `inplace(fn)`, `out`, `property(NAME)`), `alias`, `domain` and
/// `check` (read by the property tests), and the flags `nondiff` and, beside a kernel,
/// `elementwise` (results may be written over inputs, in any dtype) or `updates` (the result may be the first argument
/// itself, of which the kernel changes a part). Inside an expression each parameter is a local of its
/// Rust type, `args` the values, `outs` (in `kernel`) the results.
#[proc_macro]
pub fn ops(input: TokenStream) -> TokenStream {
    ops::expand(input.into()).unwrap_or_else(cursor::Failure::into_tokens).into()
}

/// Declares how gradients flow through operators.
///
/// ```text
/// derivatives! {
/// name.overload(x, y, dim: Dims?) -> out: pointwise { x: g * y, y: g * x }
/// }
/// ```
/// Parameters stand in the op's own order; those without a type are tensors. In a formula a tensor is a lazy value with
/// operators, `g` is the gradient of the (first) result and `g1`, `g2` those of further ones, `x.shape` and `x.dtype`
/// save no data, and only what a formula names is saved; `arrived` tells for each result whether a gradient came.
/// A result whose gradient no formula names does not require grad. `[x, y]: EXPR` gives several gradients at once, as an array.
#[proc_macro]
pub fn derivatives(input: TokenStream) -> TokenStream {
    derivatives::expand(input.into()).unwrap_or_else(cursor::Failure::into_tokens).into()
}
