//! The front end of offsched: parse, check, analyse, expand.
//!
//! A library and not part of the proc-macro crate, because two tools use it: the attributes, and
//! `offsched analyse FILE`, which reads a source file with no compiler at hand.
//!
//! | stage | module | from | to |
//! | --- | --- | --- | --- |
//! | parse | [`parse`] | tokens | [`ast::Unit`]: an app or a service |
//! | check | [`check`] | one unit | errors about how its declarations fit |
//! | analyse | [`system`] | an app and its services | levels, response times, errors about deadlines |
//! | expand | `codegen` | the same | Rust |
//!
//! # Services
//! An app needs the declarations of the services that it includes, and an attribute sees only the tokens below it. So
//! a service leaves a macro behind, of its own name, that carries its declarations; an app first expands to a call of
//! the first service's macro, which annotates the same module again with the declarations added to the arguments, and so
//! on until all are there.
#![forbid(unsafe_code)]

pub mod ast;
pub mod check;
mod codegen;
mod errors;
mod message;
pub mod parse;
mod source;
pub mod system;
mod time;

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{Error, ItemMod, Result};

pub use message::expand_message;
pub use source::{AppReport, Error as SourceError, Message, analyse_source};
pub use time::Time;

use ast::{AppArgs, Kind, Unit};
use system::System;

/// The word by which the macro of a service tells that this is not the user's own argument list.
const WITH_SERVICES: &str = "__with_services";

/// Expands `#[offsched::app(attr)] item`.
///
/// The same attribute is used between an app and its services: `__with_services { attr } { declarations }..`.
pub fn expand_app(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut tokens = attr.clone().into_iter();
    match tokens.next() {
        Some(TokenTree::Ident(word)) if word == WITH_SERVICES => {
            let mut groups = tokens.filter_map(|token| match token {
                TokenTree::Group(group) => Some(group.stream()),
                _ => None,
            });
            let attr = groups.next().unwrap_or_default();
            app_step(attr, item, groups.collect())
        }
        _ => app_step(attr, item, Vec::new()),
    }
}

/// Expands `#[offsched::service(attr)] item`.
pub fn expand_service(attr: TokenStream, item: TokenStream) -> TokenStream {
    let unit = parse::service_args(attr).and_then(|()| checked(Kind::Service, item));
    unit.map_or_else(
        |error| error.to_compile_error(),
        |unit| codegen::service(&unit),
    )
}

/// One step of an app: asks the next service for its declarations, or expands if all are there.
fn app_step(attr: TokenStream, item: TokenStream, services: Vec<TokenStream>) -> TokenStream {
    let result =
        parse::app_args(attr.clone()).and_then(|args| match args.services.get(services.len()) {
            Some(next) => {
                let state = quote!(__with_services { #attr } #({ #services })*);
                Ok(codegen::forward(&next.path, &state, &item))
            }
            None => whole_app(args, item.clone(), services),
        });
    result.unwrap_or_else(|error| {
        let module = syn::parse2::<ItemMod>(item).ok();
        codegen::failed_app(&error, module.as_ref())
    })
}

fn whole_app(args: AppArgs, item: TokenStream, services: Vec<TokenStream>) -> Result<TokenStream> {
    let app = checked(Kind::App, item)?;
    let services = services.into_iter().map(|s| checked(Kind::Service, s));
    let system = System {
        args,
        app,
        services: services.collect::<Result<Vec<Unit>>>()?,
    };
    system.check()?;
    system.schedulable()?;
    Ok(codegen::app(&system))
}

fn checked(kind: Kind, item: TokenStream) -> Result<Unit> {
    let module = syn::parse2::<ItemMod>(item.clone()).map_err(|_| {
        let word = kind.word();
        Error::new_spanned(
            &item,
            format!("#[offsched::{word}] goes on a module: write `mod name {{ .. }}`"),
        )
    })?;
    let unit = parse::unit(kind, module)?;
    check::unit(&unit)?;
    Ok(unit)
}
