//! Names for the user's types, and the checks that rustc makes on them.
//!
//! Contexts live in modules of their own, where the user's names could mean something else. So each type gets an
//! alias beside the user's items, and everything generated refers to the alias.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::names;
use crate::ast::{LocalUse, Unit};

/// All aliases of a unit.
pub fn aliases(unit: &Unit) -> TokenStream {
    let quiet = names::quiet();
    let alias = |name: syn::Ident, ty: &Type| quote!(#quiet pub type #name = #ty;);
    let mut out = TokenStream::new();
    for field in unit.shared.iter().flat_map(|r| &r.fields) {
        out.extend(alias(names::shared_type(&field.name), &field.ty));
    }
    for field in unit.local.iter().flat_map(|r| &r.fields) {
        out.extend(alias(names::late_type(&field.name), &field.ty));
    }
    for (function, uses) in unit.functions() {
        for local in &uses.local {
            if let LocalUse::Declared { name, ty, .. } = local {
                out.extend(alias(names::own_type(function, name), ty));
            }
        }
    }
    for channel in &unit.channels {
        let (rx, tx) = names::channel_types(&channel.name);
        out.extend(alias(names::channel_type(&channel.name), &channel.ty));
        out.extend(alias(rx, &channel.rx));
        out.extend(alias(tx, &channel.tx));
    }
    for task in unit.tasks.iter().filter(|t| t.is_event()) {
        let parts: Vec<_> = (0..task.payload.len())
            .map(|i| names::part_type(task, i))
            .collect();
        for (part, field) in parts.iter().zip(&task.payload) {
            out.extend(alias(part.clone(), &field.ty));
        }
        let payload = names::payload_type(&task.name);
        out.extend(quote!(#quiet pub type #payload = (#(#parts,)*);));
    }
    out
}

/// Has rustc check that what crosses levels may: the error points at the user's type.
pub fn checks(unit: &Unit) -> TokenStream {
    let mut calls = TokenStream::new();
    let mut require = |function: TokenStream, ty: &Type| {
        calls.extend(quote_spanned!(ty.span()=> #function::<#ty>();));
    };
    for field in unit.shared.iter().flat_map(|r| &r.fields) {
        require(quote!(shared_resources_are_send), &field.ty);
        let readers = unit.users().flat_map(|(_, u)| &u.shared);
        if readers
            .filter(|s| s.read_only)
            .any(|s| s.name == field.name)
        {
            require(quote!(resources_read_without_a_lock_are_sync), &field.ty);
        }
    }
    for field in unit.local.iter().flat_map(|r| &r.fields) {
        require(quote!(local_resources_from_init_are_send), &field.ty);
    }
    for part in unit.tasks.iter().flat_map(|t| &t.payload) {
        require(quote!(payloads_are_send), &part.ty);
    }
    let messages = messages(unit);
    let quiet = names::quiet();
    quote! {
        #messages
        #quiet
        const _: fn() = || {
            fn shared_resources_are_send<T: ::core::marker::Send>() {}
            fn resources_read_without_a_lock_are_sync<T: ::core::marker::Sync>() {}
            fn local_resources_from_init_are_send<T: ::core::marker::Send>() {}
            fn payloads_are_send<T: ::core::marker::Send>() {}
            #calls
        };
    }
}

/// What channels carry: it fits, and has an identity. The tables name these constants and not the types, so that an
/// error of rustc's comes once, and here.
fn messages(unit: &Unit) -> TokenStream {
    let quiet = names::quiet();
    let mut out = TokenStream::new();
    for channel in &unit.channels {
        let ring_bytes = channel.ring_bytes as usize;
        let (rx, tx) = names::message_types(&channel.name);
        for (name, ty) in [(rx, &channel.rx), (tx, &channel.tx)] {
            out.extend(quote_spanned! {ty.span()=>
                #quiet pub const #name: ::offsched::rt::MessageType =
                    ::offsched::rt::MessageType::of::<#ty>();
                const _: () = assert!(
                    ::core::mem::size_of::<#ty>() <= ::offsched::abi::ring::max_frame(#ring_bytes),
                    "a message takes at most half of its ring: raise `ring` of this channel"
                );
            });
        }
    }
    out
}
