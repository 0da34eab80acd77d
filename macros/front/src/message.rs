//! `#[derive(Message)]`: a structure's name, and where its fields are.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Path, Result};

use crate::errors::Errors;

/// Expands the derive.
pub fn expand_message(item: TokenStream) -> TokenStream {
    let expanded = syn::parse2(item).and_then(|input| implementation(&input));
    expanded.unwrap_or_else(|error| error.to_compile_error())
}

fn implementation(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Errors::default();
    let home = errors.take(home(input));
    let fields = errors.take(fields(input));
    if !input.generics.params.is_empty() {
        let text = "a message is one type: leave the parameters out";
        errors.at(&input.generics, text);
    }
    if fields.is_some() && !has_fixed_layout(input) {
        let text = "a message lies the same everywhere: add `#[repr(C)]`";
        errors.at(&input.ident, text);
    }
    let (home, fields) = errors.finish((home, fields))?;
    let rows = fields.into_iter().flatten().enumerate().map(|(at, field)| {
        let member = match &field.ident {
            Some(name) => name.to_token_stream(),
            None => syn::Index::from(at).to_token_stream(),
        };
        let text = member.to_string();
        let name = text.strip_prefix("r#").unwrap_or(&text);
        let ty = &field.ty;
        quote_spanned! {ty.span()=>
            #home::Field {
                name: #name,
                offset: ::core::mem::offset_of!(Self, #member),
                shape: <#ty as #home::Message>::SHAPE,
            }
        }
    });
    let (ident, name) = (&input.ident, input.ident.to_string());
    let name = name.strip_prefix("r#").unwrap_or(&name);
    Ok(quote! {
        #[automatically_derived]
        impl #home::Message for #ident {
            const SHAPE: &'static #home::Shape = &#home::Shape {
                name: #name,
                bytes: ::core::mem::size_of::<Self>(),
                parts: #home::Parts::Fields(&[#(#rows),*]),
            };
        }
    })
}

/// The module with the trait: of the crate that `#[message(crate = path)]` names, or of `offsched`.
fn home(input: &DeriveInput) -> Result<TokenStream> {
    let mut home = quote!(::offsched::message);
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("message")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("`message` takes one argument: `crate = path`"));
            }
            let path: Path = meta.value()?.parse()?;
            home = quote!(#path::message);
            Ok(())
        })?;
    }
    Ok(home)
}

fn fields(input: &DeriveInput) -> Result<&Fields> {
    let other = match &input.data {
        Data::Struct(data) => return Ok(&data.fields),
        Data::Enum(_) => "an enum: give the message a number in its place",
        Data::Union(_) => "a union: give the message bytes in its place",
    };
    let text = format!("a message is a structure, and this is {other}");
    Err(Error::new_spanned(&input.ident, text))
}

fn has_fixed_layout(input: &DeriveInput) -> bool {
    let mut fixed = false;
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("repr")) {
        // rustc says what is wrong with it.
        let _ = attribute.parse_nested_meta(|meta| {
            fixed |= meta.path.is_ident("C") || meta.path.is_ident("transparent");
            Ok(())
        });
    }
    fixed
}
