//! Names of generated items. All start with two underscores, which no user's name should.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use crate::ast::{LocalUse, Task};

/// On generated items: not in the docs, and not held to the user's lints.
pub fn quiet() -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(
            dead_code, missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals,
            private_interfaces, private_bounds, unused_imports, unreachable_pub
        )]
    }
}

/// The type of a shared resource.
pub fn shared_type(field: &Ident) -> Ident {
    format_ident!("__shared_{}", field, span = Span::call_site())
}

/// The type of a late local.
pub fn late_type(field: &Ident) -> Ident {
    format_ident!("__late_{}", field, span = Span::call_site())
}

/// The type of a local declared in place.
pub fn own_type(function: &Ident, name: &Ident) -> Ident {
    format_ident!("__own_{}_{}", function, name, span = Span::call_site())
}

/// The type of any local.
pub fn local_type(function: &Ident, local: &LocalUse) -> Ident {
    match local {
        LocalUse::Late(name) => late_type(name),
        LocalUse::Declared { name, .. } => own_type(function, name),
    }
}

/// The slot of any local, a field of the instance.
pub fn local_slot(function: &Ident, local: &LocalUse) -> Ident {
    match local {
        LocalUse::Late(name) => late_slot(name),
        LocalUse::Declared { name, .. } => own_slot(function, name),
    }
}

/// The slot of a shared resource.
pub fn shared_slot(field: &Ident) -> Ident {
    format_ident!("shared_{}", field, span = Span::call_site())
}

/// The slot of a late local.
pub fn late_slot(field: &Ident) -> Ident {
    format_ident!("late_{}", field, span = Span::call_site())
}

/// The slot of a local declared in place.
pub fn own_slot(function: &Ident, name: &Ident) -> Ident {
    format_ident!("own_{}_{}", function, name, span = Span::call_site())
}

/// A channel's cell, a field of the instance.
pub fn channel_cell(channel: &Ident) -> Ident {
    format_ident!("channel_{}", channel, span = Span::call_site())
}

/// A channel's type.
pub fn channel_type(channel: &Ident) -> Ident {
    format_ident!("__channel_{}", channel, span = Span::call_site())
}

/// A channel's two message types.
pub fn channel_types(channel: &Ident) -> (Ident, Ident) {
    (
        format_ident!("__rx_{}", channel, span = Span::call_site()),
        format_ident!("__tx_{}", channel, span = Span::call_site()),
    )
}

/// The identities of a channel's two message types.
pub fn message_types(channel: &Ident) -> (Ident, Ident) {
    (
        format_ident!("__RX_TYPE_{}", channel, span = Span::call_site()),
        format_ident!("__TX_TYPE_{}", channel, span = Span::call_site()),
    )
}

/// The inbox of an event task, a field of the instance.
pub fn inbox(task: &Ident) -> Ident {
    format_ident!("inbox_{}", task, span = Span::call_site())
}

/// The payload of an event task: a tuple of its parts.
pub fn payload_type(task: &Ident) -> Ident {
    format_ident!("__payload_{}", task, span = Span::call_site())
}

/// One part of a payload.
pub fn part_type(task: &Task, part: usize) -> Ident {
    format_ident!("__part_{}_{}", task.name, part, span = Span::call_site())
}

/// The method of the instance that runs a function.
pub fn run(function: &Ident) -> Ident {
    format_ident!("run_{}", function, span = Span::call_site())
}

/// The static that holds an instance.
pub fn instance_static(instance: Option<&Ident>) -> Ident {
    match instance {
        Some(name) => format_ident!("__INSTANCE_{}", name, span = Span::call_site()),
        None => format_ident!("__INSTANCE"),
    }
}

/// The module of an included service, as the app's module sees it.
pub fn service_alias(app: &Ident, instance: &Ident) -> Ident {
    format_ident!("__{}_service_{}", app, instance, span = Span::call_site())
}

/// The macro by which a service passes on its declarations.
pub fn callback(service: &Ident) -> Ident {
    format_ident!("__offsched_service_{}", service, span = Span::call_site())
}
