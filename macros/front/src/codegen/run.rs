//! The methods of `__Instance` that run one job: take the payload, build the context, call the user's function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use super::context::siblings;
use super::names;
use crate::ast::{Task, Unit, Uses};

/// One method for each task, and one for idle.
pub fn methods(unit: &Unit) -> TokenStream {
    let tasks = unit.tasks.iter().map(|task| task_method(unit, task));
    let idle = unit.idle.iter().map(|idle| {
        let (name, method) = (&idle.name, names::run(&idle.name));
        let groups = groups(unit, name, &idle.uses);
        quote! {
            /// # Safety
            /// Called by the executive's idle loop only.
            pub unsafe fn #method(&'static self, __core: &::offsched::Core) {
                self::#name(#name::Context {
                    clock: __core.clock(),
                    console: __core.console(),
                    #groups
                    __core,
                });
            }
        }
    });
    tasks.chain(idle).collect()
}

fn task_method(unit: &Unit, task: &Task) -> TokenStream {
    let (name, method, inbox) = (&task.name, names::run(&task.name), names::inbox(&task.name));
    let groups = groups(unit, name, &task.uses);
    let parts: Vec<_> = (0..task.payload.len())
        .map(|i| quote::format_ident!("__part{i}"))
        .collect();
    let take = task.is_event().then(|| {
        quote! {
            // SAFETY: the job is one of this task, whose inbox this is, and it is not open yet.
            let (#(#parts,)*) = unsafe { self.#inbox.take(&__job) };
        }
    });
    quote! {
        /// # Safety
        /// Called by the executive's dispatcher only, with a job of this task that it has not opened.
        pub unsafe fn #method(&'static self, __core: &::offsched::Core, __job: ::offsched::rt::Job) {
            #take
            let __cx = #name::Context {
                clock: __core.clock(),
                console: __core.console(),
                release: __job.release(__core),
                #groups
                __core,
            };
            // SAFETY: the dispatcher runs this job on `core`, its payload is taken, and this is the only call.
            unsafe { __job.open(__core) };
            self::#name(__cx #(, #parts)*)
        }
    }
}

/// The groups of a context, filled.
fn groups(unit: &Unit, function: &Ident, uses: &Uses) -> TokenStream {
    let mut out = TokenStream::new();
    out.extend(group(function, "shared", "Shared", shared(unit, uses)));
    out.extend(group(function, "local", "Local", local(function, uses)));
    out.extend(group(
        function,
        "channels",
        "Channels",
        channels(unit, uses),
    ));
    out.extend(spawn_group(unit, function));
    out
}

fn group(function: &Ident, field: &str, name: &str, members: Vec<TokenStream>) -> TokenStream {
    if members.is_empty() {
        return TokenStream::new();
    }
    let (field, name) = (
        quote::format_ident!("{field}"),
        quote::format_ident!("{name}"),
    );
    quote!(#field: #function::#name { #(#members,)* },)
}

/// Locks with their ceilings, and references to what is only read.
fn shared(unit: &Unit, uses: &Uses) -> Vec<TokenStream> {
    let members = uses.shared.iter().map(|one| {
        let (field, slot) = (&one.name, names::shared_slot(&one.name));
        let ceiling = unit.ceiling(field);
        if one.read_only {
            // SAFETY: init filled the slot; no function locks this resource, which check made sure of, so nobody
            // writes it; its type is Sync.
            quote!(#field: unsafe { self.#slot.read() })
        } else {
            // SAFETY: init filled the slot; the ceiling is the highest level of all functions that lock it, and no
            // function reads it without a lock.
            quote!(#field: unsafe { ::offsched::Lock::new(__core, &self.#slot, BASE + #ceiling) })
        }
    });
    members.collect()
}

fn local(function: &Ident, uses: &Uses) -> Vec<TokenStream> {
    let members = uses.local.iter().map(|one| {
        let (field, slot) = (one.name(), names::local_slot(function, one));
        // SAFETY: init filled the slot; it belongs to this function alone, which check made sure of, and two runs of
        // one function never overlap, since a level does not preempt itself.
        quote!(#field: unsafe { self.#slot.get() })
    });
    members.collect()
}

fn channels(unit: &Unit, uses: &Uses) -> Vec<TokenStream> {
    let members = uses.channels.iter().map(|one| {
        let (field, cell) = (&one.name, names::channel_cell(&one.name));
        let ceiling = unit.channel_ceiling(field);
        // SAFETY: the executive filled the cell before init; the ceiling is the highest level of all its users.
        quote!(#field: unsafe { ::offsched::Lock::new(__core, self.#cell.slot(), BASE + #ceiling) })
    });
    members.collect()
}

/// The spawners of a service's event tasks.
pub fn spawn_group(unit: &Unit, function: &Ident) -> TokenStream {
    let members = siblings(unit).map(|(number, task)| {
        let (field, inbox, number) = (&task.name, names::inbox(&task.name), number as u16);
        // SAFETY: in every image the unit's tasks are numbered from FIRST in the order of the unit, so this is the number
        // of the task whose inbox this is.
        quote!(#field: unsafe { ::offsched::Spawner::new(__core, FIRST + #number, self.#inbox.view()) })
    });
    group(function, "spawn", "Spawn", members.collect())
}
