//! From checked units to Rust.
//!
//! | module | produces |
//! | --- | --- |
//! | [`types`] | aliases of the user's types, and the checks that they are `Send` or `Sync` |
//! | [`context`] | `mod name`: what a function is given, and how to spawn it |
//! | [`instance`] | `__Instance`: the slots of one inclusion, their init and drop |
//! | [`run`] | its methods that run one job |
//! | [`tables`] | an app's statics and `App` |
//! | [`names`] | what all of these are called |
//!
//! Generated code is unsafe where the executive's interface for generated code is. Comments do not survive into an
//! expansion, so the reasons stand here, above the `unsafe` that is quoted.

mod context;
mod instance;
mod names;
mod run;
mod tables;
mod types;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemMod, Path};

use crate::ast::Unit;
use crate::system::System;

/// A whole app, with all declarations of its services at hand.
pub fn app(system: &System) -> TokenStream {
    let uses = system.args.services.iter().map(|service| {
        let (path, alias) = (
            &service.path,
            names::service_alias(&system.app.name, &service.name),
        );
        let quiet = names::quiet();
        quote!(#quiet use #path as #alias;)
    });
    let module = module(&system.app, tables::tables(system));
    quote!(#(#uses)* #module)
}

/// A service: its module, and the macro that passes its declarations on to apps.
pub fn service(unit: &Unit) -> TokenStream {
    let module = module(unit, TokenStream::new());
    let (name, vis, declarations) = (&unit.name, &unit.vis, &unit.declarations);
    let callback = names::callback(name);
    quote! {
        #module

        #[doc(hidden)]
        #[macro_export]
        macro_rules! #callback {
            ({ $($state:tt)* } $($app:tt)*) => {
                #[::offsched::app($($state)* { mod #name { #declarations } })]
                $($app)*
            };
        }

        #[doc(hidden)]
        #[allow(unused_imports)]
        #vis use #callback as #name;
    }
}

/// Calls the macro of the next service, which annotates the app again with its declarations added to `state`.
pub fn forward(service: &Path, state: &TokenStream, app: &TokenStream) -> TokenStream {
    quote!(#service! { { #state } #app })
}

/// An app that does not compile: its errors, and a stand-in for `App`, so that they are the only ones.
pub fn failed_app(error: &Error, module: Option<&ItemMod>) -> TokenStream {
    let error = error.to_compile_error();
    // SAFETY: (of the impl quoted below) it has no tables at all.
    let stand_in = module.map(|module| {
        let (vis, name) = (&module.vis, &module.ident);
        quote! {
            #[allow(dead_code, missing_docs)]
            #vis mod #name {
                #[derive(Clone, Copy, Debug)]
                pub struct App;
                unsafe impl ::offsched::App for App {
                    const NAME: &'static str = "";
                    fn image() -> &'static ::offsched::Image<'static> {
                        panic!("this app did not compile")
                    }
                }
            }
        }
    });
    quote!(#error #stand_in)
}

/// The user's module with the generated items added.
fn module(unit: &Unit, more: TokenStream) -> TokenStream {
    let (attrs, vis, name, items) = (&unit.attrs, &unit.vis, &unit.name, &unit.items);
    let aliases = types::aliases(unit);
    let checks = types::checks(unit);
    let contexts = context::modules(unit);
    let instance = instance::instance(unit);
    quote! {
        #(#attrs)*
        #vis mod #name {
            #(#items)*
            #aliases
            #checks
            #contexts
            #instance
            #more
        }
    }
}
