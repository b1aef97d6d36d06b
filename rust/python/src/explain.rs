//! Why a call fits no signature, in PyTorch's words.

use crate::convert::{Refused, argument};
use crate::parser::Call;
use crate::py::type_name;
use crate::signature::{Signature, type_text};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// The exception for a call that fits none of the signatures.
#[cold]
pub fn refusal(name: &str, signatures: &[Signature], call: &Call) -> PyErr {
    let count = call.positional() + call.named();
    let plausible: Vec<&Signature> =
        signatures.iter().filter(|s| (s.least..=s.most).contains(&count) || s.varargs && count > 0).collect();
    let text = match (signatures, plausible.as_slice()) {
        ([only], _) => single(name, only, call),
        (_, [only]) => single(name, only, call),
        _ => several(name, signatures, call),
    };
    PyTypeError::new_err(text)
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
}

fn keyword(call: &Call, i: usize) -> String {
    call.name(i).to_string()
}

fn single(name: &str, signature: &Signature, call: &Call) -> String {
    let given = call.positional();
    let most = signature.positional;
    if given > most && !signature.varargs {
        let least = signature.given().filter(|(_, p)| !p.keyword && p.default.is_none()).count();
        let verb = if given == 1 { "was" } else { "were" };
        let plural = if most == 1 { "" } else { "s" };
        let takes = if least < most { format!("from {least} to {most}") } else { most.to_string() };
        return format!("{name}() takes {takes} positional argument{plural} but {given} {verb} given");
    }
    let mut place = 0;
    for (i, param) in signature.given() {
        let named = call.find(&signature.names[i], true);
        if place < given && !param.keyword {
            if named.is_some() {
                return format!("{name}() got multiple values for argument '{}'", param.name);
            }
            let object = call.value(place);
            if place == 0 && signature.varargs && crate::convert::int(object).is_ok() {
                place = given;
                continue;
            }
            place += 1;
            if matches!(argument(object, signature.op, param, place - 1), Err(Refused::Mismatch)) {
                return format!(
                    "{name}(): argument '{}' (position {place}) must be {}, not {}",
                    param.name,
                    type_text(param.ty),
                    type_name(object)
                );
            }
        } else if let Some(object) = named {
            if matches!(argument(object, signature.op, param, i), Err(Refused::Mismatch)) {
                return format!(
                    "{name}(): argument '{}' must be {}, not {}",
                    param.name,
                    type_text(param.ty),
                    type_name(object)
                );
            }
        } else if param.default.is_none() {
            let missing: Vec<&str> = signature
                .given()
                .skip_while(|(k, _)| *k < i)
                .filter(|(k, p)| p.default.is_none() && call.find(&signature.names[*k], true).is_none())
                .map(|(_, p)| p.name)
                .collect();
            return format!("{name}() missing {} required positional arguments: {}", missing.len(), quoted(&missing));
        }
    }
    for i in 0..call.named() {
        let known = signature.given().any(|(k, _)| signature.names[k].is(call.name(i), true));
        let out = signature.out.as_ref().is_some_and(|names| names.is(call.name(i), true));
        if out {
            let given = type_name(call.value(given + i));
            return format!("{name}(): argument 'out' must be Tensor, not {given}");
        }
        if !known {
            return format!("{name}() got an unexpected keyword argument '{}'", keyword(call, i));
        }
    }
    format!("{name}() received invalid arguments")
}

fn several(name: &str, signatures: &[Signature], call: &Call) -> String {
    let positional = (0..call.positional()).map(|i| type_name(call.value(i)));
    let named =
        (0..call.named()).map(|i| format!("{}={}", keyword(call, i), type_name(call.value(call.positional() + i))));
    // In methods PyTorch prints what stands in the parentheses only.
    let got: Vec<String> = positional.chain(named).collect();
    let mut text = format!(
        "{name}() received an invalid combination of arguments - got ({}), but expected one of:\n",
        got.join(", ")
    );
    for signature in signatures {
        text.push_str(&format!(" * {}\n", signature.text()));
        if signature.pieces().len() != got.len() {
            continue;
        }
        let unknown: Vec<String> = (0..call.named())
            .filter(|&i| !signature.given().any(|(k, _)| signature.names[k].is(call.name(i), true)))
            .map(|i| keyword(call, i))
            .collect();
        if !unknown.is_empty() {
            text.push_str(&format!(
                "      didn't match because some of the keywords were incorrect: {}\n",
                unknown.join(", ")
            ));
            continue;
        }
        let marks: Vec<String> = signature
            .given()
            .enumerate()
            .map(|(place, (i, param))| {
                let named = call.find(&signature.names[i], true);
                let (object, prefix) = match named {
                    Some(object) => (object, format!("{}=", param.name)),
                    None => (call.value(place.min(got.len() - 1)), String::new()),
                };
                let bad = matches!(argument(object, signature.op, param, i), Err(Refused::Mismatch));
                let mark = if bad { "!" } else { "" };
                format!("{mark}{prefix}{}{mark}", type_name(object))
            })
            .collect();
        text.push_str(&format!(
            "      didn't match because some of the arguments have invalid types: ({})\n",
            marks.join(", ")
        ));
    }
    text
}
