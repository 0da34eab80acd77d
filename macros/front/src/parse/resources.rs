//! The structs of resources and channels.

use proc_macro2::TokenStream;
use syn::{Fields, GenericArgument, ItemStruct, PathArguments, Type};

use crate::ast::{Channel, Field, Resources};
use crate::errors::Errors;
use crate::parse::args::split;
use crate::parse::signature::no_cfg;

/// Most applications that can share one channel.
const CLIENTS_MAX: u64 = 64;
/// Least and most bytes of a ring.
const RING_BYTES: (u64, u64) = (64, 1 << 24);
/// Bytes of a ring if nothing is said.
const RING_BYTES_DEFAULT: u32 = 4096;

/// Reads a `#[shared]` or `#[local]` struct.
pub fn resources(item: &ItemStruct, errors: &mut Errors) -> Resources {
    if !item.generics.params.is_empty() {
        errors.at(
            &item.generics,
            "resources live in statics, so their struct cannot be generic",
        );
    }
    no_cfg(&item.attrs, errors);
    let fields = item.fields.iter().filter_map(|field| {
        no_cfg(&field.attrs, errors);
        Some(Field {
            name: field.ident.clone()?,
            ty: field.ty.clone(),
        })
    });
    let fields = fields.collect();
    if let Fields::Unnamed(fields) = &item.fields {
        let name = &item.ident;
        errors.at(
            fields,
            format!("resources need names: write `struct {name} {{ name: Type }}`"),
        );
    }
    Resources {
        name: item.ident.clone(),
        fields,
    }
}

/// Reads a `#[channels]` struct.
pub fn channels(item: &ItemStruct, errors: &mut Errors) -> Vec<Channel> {
    if let Fields::Unnamed(fields) = &item.fields {
        errors.at(
            fields,
            "channels need names: write `name: Channel<Request, Reply>`",
        );
    }
    no_cfg(&item.attrs, errors);
    let fields = item.fields.iter();
    fields.filter_map(|field| channel(field, errors)).collect()
}

fn channel(field: &syn::Field, errors: &mut Errors) -> Option<Channel> {
    let name = field.ident.clone()?;
    no_cfg(&field.attrs, errors);
    let (mut clients, mut ring_bytes) = (1, RING_BYTES_DEFAULT);
    for attribute in &field.attrs {
        if !attribute.path().is_ident("channel") {
            continue;
        }
        let tokens = errors.take(super::attribute_tokens(attribute));
        let tokens = tokens.unwrap_or_default();
        for arg in split(tokens, "a channel", &["clients", "ring"], errors).known {
            if arg.name == "clients" {
                let number = errors.take(arg.number(1, CLIENTS_MAX));
                clients = number.map_or(1, |n| n as u16);
            } else {
                let number = errors.take(arg.number(RING_BYTES.0, RING_BYTES.1));
                ring_bytes = number.map_or(RING_BYTES_DEFAULT, |n| n as u32);
            }
        }
    }
    let Some((rx, tx)) = messages(&field.ty) else {
        errors.at(
            &field.ty,
            "a channel carries messages to the core and from the core: write `Channel<Request, Reply>`",
        );
        return None;
    };
    Some(Channel {
        name,
        ty: field.ty.clone(),
        rx,
        tx,
        clients,
        ring_bytes,
    })
}

/// The two types of `Channel<Rx, Tx>`.
fn messages(ty: &Type) -> Option<(Type, Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    let (rx, tx, more) = (types.next()?, types.next()?, types.next());
    (last.ident == "Channel" && more.is_none()).then_some((rx, tx))
}

/// The struct as an app that includes the service needs it: names and types, no more.
pub fn declaration(item: &ItemStruct, helper: &syn::Attribute) -> TokenStream {
    let mut item = item.clone();
    item.attrs = vec![helper.clone()];
    for field in &mut item.fields {
        field.attrs.retain(|a| a.path().is_ident("channel"));
    }
    quote::quote!(#item)
}
