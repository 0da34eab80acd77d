//! The `__Instance` of a unit: everything that one inclusion of it keeps in a static, and its life from `init` to
//! `drop`.
//!
//! It is generated where the user's types are, with what differs between inclusions left open: `BASE` is added to all
//! levels, `FIRST` to all task numbers. So a service crate compiles alone, and an app that includes it names no type
//! of it but this one.

use proc_macro2::TokenStream;
use quote::quote;

use super::{names, run};
use crate::ast::{Field, LocalUse, Unit};

/// One field of the instance: its declaration and its initial value.
struct Member {
    declaration: TokenStream,
    value: TokenStream,
}

/// The struct and its methods.
pub fn instance(unit: &Unit) -> TokenStream {
    let quiet = names::quiet();
    let members = members(unit);
    let declarations = members.iter().map(|m| &m.declaration);
    let values = members.iter().map(|m| &m.value);
    let init = init(unit);
    let drop = drop(unit);
    let run = run::methods(unit);
    quote! {
        #quiet
        pub struct __Instance<const BASE: u8, const FIRST: u16> { #(pub #declarations,)* }

        #quiet
        impl<const BASE: u8, const FIRST: u16> __Instance<BASE, FIRST> {
            pub const fn new() -> Self {
                Self { #(#values,)* }
            }
            #init
            #drop
            #run
        }
    }
}

fn members(unit: &Unit) -> Vec<Member> {
    let mut members = Vec::new();
    let mut slot = |name: syn::Ident, ty: syn::Ident| {
        members.push(Member {
            declaration: quote!(#name: ::offsched::rt::Slot<#ty>),
            value: quote!(#name: ::offsched::rt::Slot::new()),
        });
    };
    for Field { name, .. } in unit.shared.iter().flat_map(|r| &r.fields) {
        slot(names::shared_slot(name), names::shared_type(name));
    }
    for Field { name, .. } in unit.local.iter().flat_map(|r| &r.fields) {
        slot(names::late_slot(name), names::late_type(name));
    }
    for (function, uses) in unit.functions() {
        for local in &uses.local {
            if let LocalUse::Declared { name, .. } = local {
                slot(
                    names::own_slot(function, name),
                    names::own_type(function, name),
                );
            }
        }
    }
    for task in unit.tasks.iter().filter(|t| t.is_event()) {
        let (name, payload) = (names::inbox(&task.name), names::payload_type(&task.name));
        let capacity = usize::from(task.capacity);
        members.push(Member {
            declaration: quote!(#name: ::offsched::rt::Inbox<#payload, #capacity>),
            value: quote!(#name: ::offsched::rt::Inbox::new()),
        });
    }
    for channel in &unit.channels {
        let (name, (rx, tx)) = (
            names::channel_cell(&channel.name),
            names::channel_types(&channel.name),
        );
        let clients = usize::from(channel.clients);
        members.push(Member {
            declaration: quote!(#name: ::offsched::rt::ChannelCell<#rx, #tx, #clients>),
            value: quote!(#name: ::offsched::rt::ChannelCell::new()),
        });
    }
    members
}

/// Fills every slot: first what is declared in place, then what the user's `init` returns.
fn init(unit: &Unit) -> TokenStream {
    let (inboxes, capacities) = inboxes(unit);
    let mut own = TokenStream::new();
    for (function, uses) in unit.functions() {
        for local in &uses.local {
            if let LocalUse::Declared { name, value, .. } = local {
                let slot = names::own_slot(function, name);
                // SAFETY: init runs alone on its core, before the first job, so nobody else uses the slot; an earlier
                // run emptied it again in `drop`.
                own.extend(quote!(unsafe { self.#slot.write(#value) };));
            }
        }
    }
    let call = call_init(unit);
    quote! {
        /// # Safety
        /// Called once for a run of this core, before its first job; the run ends with `drop`.
        pub unsafe fn init(&'static self, __core: &::offsched::Core) {
            #(
                // SAFETY: nobody spawns before the first job, so no inbox is in use.
                unsafe { self.#inboxes.reset(#capacities) };
            )*
            #own
            #call
        }
    }
}

/// Calls the user's `init`, if there is one, and moves what it returns to the slots.
fn call_init(unit: &Unit) -> TokenStream {
    let Some(init) = &unit.init else {
        return TokenStream::new();
    };
    let spawn = run::spawn_group(unit, init);
    let structs = unit.shared.iter().chain(&unit.local);
    let patterns = structs.map(|resources| {
        let (name, fields) = (&resources.name, resources.fields.iter().map(|f| &f.name));
        quote!(#name { #(#fields,)* })
    });
    let patterns: Vec<_> = patterns.collect();
    let pattern = match &patterns[..] {
        [one] => quote!(#one),
        all => quote!((#(#all),*)),
    };
    let shared = unit.shared.iter().flat_map(|r| &r.fields);
    let shared = shared.map(|f| (names::shared_slot(&f.name), &f.name));
    let late = unit.local.iter().flat_map(|r| &r.fields);
    let late = late.map(|f| (names::late_slot(&f.name), &f.name));
    let (slots, values): (Vec<_>, Vec<_>) = shared.chain(late).unzip();
    quote! {
        let #pattern = self::#init(#init::Context {
            clock: __core.clock(),
            console: __core.console(),
            #spawn
            __core,
        });
        #(
            // SAFETY: as above: init runs alone, and the slot is empty.
            unsafe { self.#slots.write(#values) };
        )*
    }
}

/// Empties every slot, so that the app can run again.
fn drop(unit: &Unit) -> TokenStream {
    let (inboxes, capacities) = inboxes(unit);
    let shared = unit.shared.iter().flat_map(|r| &r.fields);
    let mut slots: Vec<_> = shared.map(|f| names::shared_slot(&f.name)).collect();
    let late = unit.local.iter().flat_map(|r| &r.fields);
    slots.extend(late.map(|f| names::late_slot(&f.name)));
    for (function, uses) in unit.functions() {
        let own = uses
            .local
            .iter()
            .filter(|l| matches!(l, LocalUse::Declared { .. }));
        slots.extend(own.map(|l| names::local_slot(function, l)));
    }
    quote! {
        /// # Safety
        /// Called once for a run, after its last job.
        pub unsafe fn drop(&'static self) {
            #(
                // SAFETY: no job runs any more, so nobody takes from the inbox or puts into it.
                unsafe { self.#inboxes.reset(#capacities) };
            )*
            #(
                // SAFETY: init filled the slot, and no job that could use it runs any more.
                unsafe { self.#slots.drop_in_place() };
            )*
        }
    }
}

/// The inboxes, and the capacities of their tasks.
fn inboxes(unit: &Unit) -> (Vec<syn::Ident>, Vec<u16>) {
    let events = unit.tasks.iter().filter(|t| t.is_event());
    events.map(|t| (names::inbox(&t.name), t.capacity)).unzip()
}
