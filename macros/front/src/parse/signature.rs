//! Signatures of tasks, init and idle.

use proc_macro2::Ident;
use quote::{ToTokens, format_ident};
use syn::{Attribute, FnArg, ItemFn, Pat, ReturnType, Type};

use crate::ast::{Field, Resources};
use crate::errors::Errors;

/// What is wanted of a function's signature.
pub struct Signature {
    /// Name of the function.
    pub name: Ident,
    /// The arguments after the context.
    pub payload: Vec<Field>,
}

/// Reads the signature of a task.
pub fn task(function: &ItemFn, errors: &mut Errors) -> Signature {
    let name = &function.sig.ident;
    plain(function, errors);
    context(function, errors);
    if let ReturnType::Type(_, ty) = &function.sig.output {
        errors.at(
            ty,
            format!("a task returns nothing: write `fn {name}(cx: {name}::Context, ..)`"),
        );
    }
    let arguments = function.sig.inputs.iter().skip(1).enumerate();
    let payload = arguments.filter_map(|(i, argument)| match argument {
        FnArg::Typed(typed) => Some(field(i, typed, errors)),
        FnArg::Receiver(_) => None,
    });
    Signature {
        name: name.clone(),
        payload: payload.collect(),
    }
}

/// Checks the signature of idle: one turn, called again and again.
pub fn idle(function: &ItemFn, errors: &mut Errors) {
    let name = &function.sig.ident;
    plain(function, errors);
    context(function, errors);
    no_payload(function, errors);
    if let ReturnType::Type(_, ty) = &function.sig.output {
        errors.at(
            ty,
            format!("idle is one turn, is called again and again, and returns nothing: write `fn {name}(cx: {name}::Context)`, without a loop"),
        );
    }
}

/// Checks the signature of init: it returns the structs that are there.
pub fn init(
    function: &ItemFn,
    shared: Option<&Resources>,
    local: Option<&Resources>,
    errors: &mut Errors,
) {
    plain(function, errors);
    context(function, errors);
    no_payload(function, errors);
    let wanted = init_output(shared, local);
    let (found, at) = match &function.sig.output {
        ReturnType::Default => ("()".into(), function.sig.ident.to_token_stream()),
        ReturnType::Type(_, ty) => (text(ty), ty.to_token_stream()),
    };
    if found.replace(' ', "") != wanted.replace(' ', "") {
        let name = &function.sig.ident;
        errors.at(
            at,
            format!("init returns the initial values of the resources: write `fn {name}(cx: {name}::Context) -> {wanted}`"),
        );
    }
}

/// What init returns, as text.
pub fn init_output(shared: Option<&Resources>, local: Option<&Resources>) -> String {
    match (shared, local) {
        (Some(s), Some(l)) => format!("({}, {})", s.name, l.name),
        (Some(one), None) | (None, Some(one)) => one.name.to_string(),
        (None, None) => "()".into(),
    }
}

/// Nothing that the executive could not call.
fn plain(function: &ItemFn, errors: &mut Errors) {
    let sig = &function.sig;
    let name = &sig.ident;
    if let Some(keyword) = &sig.asyncness {
        errors.at(
            keyword,
            format!("`{name}` runs to completion on the core: remove `async`"),
        );
    }
    if let Some(keyword) = &sig.constness {
        errors.at(
            keyword,
            format!("`{name}` is called at run time: remove `const`"),
        );
    }
    if !sig.safety.to_token_stream().is_empty() {
        errors.at(
            &sig.safety,
            format!(
                "`{name}` is called by the executive: remove `{}`",
                text(&sig.safety)
            ),
        );
    }
    if let Some(abi) = &sig.abi {
        errors.at(
            abi,
            format!("`{name}` is called from Rust: remove `{}`", text(abi)),
        );
    }
    if !sig.generics.params.is_empty() || sig.generics.where_clause.is_some() {
        errors.at(
            &sig.generics.params,
            format!("`{name}` cannot be generic: the executive calls it with fixed types"),
        );
    }
    no_cfg(&function.attrs, errors);
}

/// Refuses what would vanish after it was counted in.
pub fn no_cfg(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|a| a.path().is_ident("cfg")) {
        errors.at(
            attribute,
            "cfg cannot remove a single declaration, since levels and ceilings are fixed before it is evaluated: put it on the whole module",
        );
    }
}

/// The first argument is the function's own context.
fn context(function: &ItemFn, errors: &mut Errors) {
    let name = &function.sig.ident;
    let wanted = format!("{name}::Context");
    match function.sig.inputs.first() {
        Some(FnArg::Typed(typed)) if is_context(&typed.ty, &wanted) => {}
        Some(FnArg::Typed(typed)) if text(&typed.ty).contains("::Context") => errors.at(
            &typed.ty,
            format!("this is the context of another function: write `{wanted}`"),
        ),
        Some(argument) => errors.at(
            argument,
            format!("the first argument is the context: write `cx: {wanted}`"),
        ),
        None => errors.at(
            name,
            format!("the context is missing: write `fn {name}(cx: {wanted})`"),
        ),
    }
}

fn is_context(ty: &Type, wanted: &str) -> bool {
    let found = text(ty);
    found == wanted || found == format!("{wanted}<'_>")
}

fn no_payload(function: &ItemFn, errors: &mut Errors) {
    if let Some(argument) = function.sig.inputs.iter().nth(1) {
        let name = &function.sig.ident;
        errors.at(
            argument,
            format!("`{name}` gets its context and nothing else: remove this"),
        );
    }
}

/// One part of a payload. A pattern that is no plain name gets a name by number.
fn field(index: usize, typed: &syn::PatType, errors: &mut Errors) -> Field {
    if let Type::ImplTrait(ty) = &*typed.ty {
        errors.at(ty, "a payload has one fixed type: name it");
    }
    if let Type::Reference(reference) = &*typed.ty
        && reference.lifetime.is_none()
    {
        errors.at(
            reference,
            "a payload outlives its sender's call: pass a value, or a `&'static` reference",
        );
    }
    let name = match &*typed.pat {
        Pat::Ident(pat) => pat.ident.clone(),
        _ => format_ident!("part{}", index),
    };
    Field {
        name,
        ty: (*typed.ty).clone(),
    }
}

/// Tokens as text without blanks, for comparison and messages.
fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}
