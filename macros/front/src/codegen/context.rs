//! The module that stands beside each of the user's functions: its `Context`, and in an app how to spawn it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use super::names;
use crate::ast::{Kind, Task, Unit, Uses};

/// The modules of all functions of a unit.
pub fn modules(unit: &Unit) -> TokenStream {
    let nothing = Uses::default();
    let init = unit
        .init
        .iter()
        .map(|name| module(unit, name, &nothing, None));
    let idle = unit
        .idle
        .iter()
        .map(|i| module(unit, &i.name, &i.uses, None));
    let tasks = unit.tasks.iter().enumerate();
    let tasks = tasks.map(|(i, task)| module(unit, &task.name, &task.uses, Some((i, task))));
    init.chain(idle).chain(tasks).collect()
}

fn module(unit: &Unit, name: &Ident, uses: &Uses, task: Option<(usize, &Task)>) -> TokenStream {
    let doc = format!("What belongs to `{name}`.");
    let Groups { fields, structs } = groups(unit, name, uses);
    let release = task.map(|_| {
        quote! {
            /// When this job was released.
            pub release: ::offsched::Instant,
        }
    });
    let spawn = task.filter(|(_, t)| unit.kind == Kind::App && t.is_event());
    let spawn = spawn.map(|(number, task)| spawn_functions(number, task));
    quote! {
        #[doc = #doc]
        #[allow(dead_code, private_interfaces, private_bounds, unreachable_pub)]
        pub mod #name {
            /// What the function is given for one run.
            pub struct Context<'a> {
                /// The core's clock.
                pub clock: ::offsched::Clock<'a>,
                /// The core's emergency console.
                pub console: ::offsched::Console<'a>,
                #release
                #fields
                #[doc(hidden)]
                pub(super) __core: &'a ::offsched::Core,
            }

            impl Context<'_> {
                /// Asks the core to stop. Jobs that run end first.
                pub fn stop(&self) {
                    self.__core.stop();
                }
            }

            #structs
            #spawn
        }
    }
}

/// The groups of a context that a function has, and the structs behind them.
#[derive(Default)]
struct Groups {
    fields: TokenStream,
    structs: TokenStream,
}

impl Groups {
    /// Adds a group, unless it is empty.
    fn add(&mut self, field: &str, name: &str, doc: &str, members: Vec<TokenStream>) {
        if members.is_empty() {
            return;
        }
        let (field, name) = (
            quote::format_ident!("{field}"),
            quote::format_ident!("{name}"),
        );
        self.fields.extend(quote! {
            #[doc = #doc]
            pub #field: #name<'a>,
        });
        self.structs.extend(quote! {
            #[doc = #doc]
            #[allow(missing_docs)]
            pub struct #name<'a> { #(pub #members,)* }
        });
    }
}

fn groups(unit: &Unit, name: &Ident, uses: &Uses) -> Groups {
    let shared = uses.shared.iter().map(|one| {
        let (field, ty) = (&one.name, names::shared_type(&one.name));
        match one.read_only {
            true => quote!(#field: &'a super::#ty),
            false => quote!(#field: ::offsched::Lock<'a, super::#ty>),
        }
    });
    let local = uses.local.iter().map(|one| {
        let (field, ty) = (one.name(), names::local_type(name, one));
        quote!(#field: &'a mut super::#ty)
    });
    let channels = uses.channels.iter().map(|one| {
        let (field, ty) = (&one.name, names::channel_type(&one.name));
        quote!(#field: ::offsched::Lock<'a, super::#ty>)
    });
    let spawn = siblings(unit).map(|(_, task)| {
        let (field, payload) = (&task.name, names::payload_type(&task.name));
        quote!(#field: ::offsched::Spawner<'a, super::#payload>)
    });
    let mut all = Groups::default();
    all.add(
        "shared",
        "Shared",
        "The shared resources.",
        shared.collect(),
    );
    all.add(
        "local",
        "Local",
        "The function's own resources.",
        local.collect(),
    );
    all.add("channels", "Channels", "The channels.", channels.collect());
    all.add(
        "spawn",
        "Spawn",
        "The service's tasks that can be released.",
        spawn.collect(),
    );
    all
}

/// The tasks that a service's functions can release, with their numbers: an app has functions for that, since it has
/// one instance of each task.
pub fn siblings(unit: &Unit) -> impl Iterator<Item = (usize, &Task)> {
    let tasks = unit.tasks.iter().enumerate();
    tasks.filter(|(_, t)| unit.kind == Kind::Service && t.is_event())
}

/// `spawn`, `spawn_at` and `spawn_after` of an app's event task.
fn spawn_functions(number: usize, task: &Task) -> TokenStream {
    let number = number as u16;
    let payload = names::payload_type(&task.name);
    let (inbox, instance) = (names::inbox(&task.name), names::instance_static(None));
    let names: Vec<_> = task.payload.iter().map(|field| &field.name).collect();
    let types = (0..names.len()).map(|i| names::part_type(task, i));
    // SAFETY: the app's own tasks are numbered from 0 in their order, so this is the number of the task whose inbox this
    // is; the image of this app has no other core.
    let spawner = quote! {
        unsafe { ::offsched::Spawner::new(&super::__CORE, #number, super::#instance.#inbox.view()) }
    };
    let parameters: Vec<_> = names
        .iter()
        .zip(types)
        .map(|(n, t)| quote!(#n: super::#t))
        .collect();
    quote! {
        /// Takes a waiting job back.
        pub type SpawnHandle = ::offsched::Handle<'static, super::#payload>;

        fn __spawner() -> ::offsched::Spawner<'static, super::#payload> {
            #spawner
        }

        /// Releases the task now.
        ///
        /// # Errors
        /// Its capacity is in use, or this is not the running core; the payload comes back.
        pub fn spawn(#(#parameters),*) -> Result<(), ::offsched::Rejected<super::#payload>> {
            __spawner().spawn((#(#names,)*))
        }

        /// Releases the task at this instant.
        ///
        /// # Errors
        /// As for `spawn`.
        pub fn spawn_at(
            __instant: ::offsched::Instant,
            #(#parameters),*
        ) -> Result<SpawnHandle, ::offsched::Rejected<super::#payload>> {
            __spawner().spawn_at(__instant, (#(#names,)*))
        }

        /// Releases the task after this time.
        ///
        /// # Errors
        /// As for `spawn`.
        pub fn spawn_after(
            __delay: ::offsched::Duration,
            #(#parameters),*
        ) -> Result<SpawnHandle, ::offsched::Rejected<super::#payload>> {
            __spawner().spawn_after(__delay, (#(#names,)*))
        }
    }
}
