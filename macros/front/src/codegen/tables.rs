//! An app's statics: the core, the instances, the tables by which the executive knows them, and the type `App`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::names;
use crate::ast::{IdlePolicy, OnMiss, Release, Task};
use crate::system::{Instance, System};

/// Everything an app has once.
pub fn tables(system: &System) -> TokenStream {
    let instances = system.instances();
    let statics = instances.iter().map(|i| instance_static(system, i));
    let shims = instances.iter().map(shims);
    let (mut first_node, mut rows) = (0u32, Vec::new());
    for instance in &instances {
        for task in &instance.unit.tasks {
            rows.push(row(instance, task, first_node));
            first_node += u32::from(task.nodes());
        }
    }
    let (tasks, nodes) = (rows.len(), first_node as usize);
    let channels: Vec<_> = instances.iter().flat_map(|i| channels(system, i)).collect();
    let channel_count = channels.len();
    let quiet = names::quiet();
    let app = app(system);
    quote! {
        #quiet static __CORE: ::offsched::Core = ::offsched::Core::new();
        #(#statics)*
        #(#shims)*
        #quiet static __TASKS: [::offsched::rt::Task; #tasks] = [#(#rows),*];
        #quiet static __NODES: [::offsched::rt::Node; #nodes] =
            [const { ::offsched::rt::Node::new() }; #nodes];
        #quiet static __STATES: [::offsched::rt::State; #tasks] =
            [const { ::offsched::rt::State::new() }; #tasks];
        #quiet static __CHANNELS: [::offsched::rt::ChannelDecl; #channel_count] = [#(#channels),*];
        #app
    }
}

/// The static of one instance, and for a service its module under a name that no user's item has.
fn instance_static(system: &System, instance: &Instance<'_>) -> TokenStream {
    let quiet = names::quiet();
    let (base, first) = (instance.base(), instance.first_task);
    let name = names::instance_static(instance.service.map(|s| &s.name));
    match instance.service {
        None => quote! {
            #quiet static #name: __Instance<#base, #first> = __Instance::new();
        },
        Some(service) => {
            let alias = names::service_alias(&system.app.name, &service.name);
            quote! {
                #quiet static #name: super::#alias::__Instance<#base, #first> =
                    super::#alias::__Instance::new();
            }
        }
    }
}

/// Plain functions for the table, one for each task, that call the instance's methods.
fn shims(instance: &Instance<'_>) -> TokenStream {
    let quiet = names::quiet();
    let home = names::instance_static(instance.service.map(|s| &s.name));
    let shims = instance.unit.tasks.iter().map(|task| {
        let (shim, method) = (shim_name(instance, &task.name), names::run(&task.name));
        // SAFETY: the executive calls this with a job of the task in whose row of the table it stands, and that is the
        // task of the method.
        quote! {
            #quiet
            unsafe fn #shim(core: &::offsched::Core, job: ::offsched::rt::Job) {
                unsafe { #home.#method(core, job) }
            }
        }
    });
    shims.collect()
}

fn shim_name(instance: &Instance<'_>, task: &Ident) -> Ident {
    match instance.service {
        Some(service) => format_ident!("__run_{}_{}", service.name, task),
        None => format_ident!("__run_{}", task),
    }
}

/// One task's row.
fn row(instance: &Instance<'_>, task: &Task, first_node: u32) -> TokenStream {
    let (name, level) = (instance.name(&task.name), task.priority + instance.base());
    let release = match task.release {
        Release::Periodic {
            period_us,
            offset_us,
        } => quote!(Periodic { period_us: #period_us, offset_us: #offset_us }),
        Release::Event { min_interval_us }
        | Release::Channel {
            min_interval_us, ..
        } => {
            quote!(Event { min_interval_us: #min_interval_us })
        }
    };
    let deadline = option(task.deadline_us);
    let budget = option(task.budget.as_ref().map(|t| t.ns));
    let on_miss = match task.on_miss {
        OnMiss::Count => quote!(Count),
        OnMiss::Skip => quote!(Skip),
        OnMiss::Stop => quote!(Stop),
    };
    let (capacity, measure) = (task.capacity, task.measure);
    let (first_node, run) = (first_node as u16, shim_name(instance, &task.name));
    quote! {
        ::offsched::rt::Task {
            name: #name,
            level: #level,
            release: ::offsched::rt::Release::#release,
            deadline: #deadline,
            budget_ns: #budget,
            on_miss: ::offsched::OnMiss::#on_miss,
            capacity: #capacity,
            measure: #measure,
            first_node: #first_node,
            run: #run,
        }
    }
}

fn option(value: Option<impl quote::ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// The rows of an instance's channels. A service with one channel is known by the instance's name alone.
fn channels(system: &System, instance: &Instance<'_>) -> Vec<TokenStream> {
    let unit = instance.unit;
    let home = names::instance_static(instance.service.map(|s| &s.name));
    let rows = unit.channels.iter().map(|channel| {
        let name = match instance.service {
            Some(service) if unit.channels.len() == 1 => service.name.to_string(),
            _ => instance.name(&channel.name),
        };
        let released = unit.tasks.iter().position(
            |task| matches!(&task.release, Release::Channel { name, .. } if *name == channel.name),
        );
        let task = instance.first_task + released.unwrap_or_default() as u16;
        let (clients, ring_bytes) = (channel.clients, channel.ring_bytes);
        let cell = names::channel_cell(&channel.name);
        let (rx, tx) = names::channel_types(&channel.name);
        let (rx_type, tx_type) = names::message_types(&channel.name);
        let path = instance.service.map(|service| {
            let alias = names::service_alias(&system.app.name, &service.name);
            quote!(super::#alias::)
        });
        quote! {
            ::offsched::rt::ChannelDecl {
                service: #name,
                clients: #clients,
                ring_bytes: #ring_bytes,
                task: #task,
                slot: &#home.#cell,
                rx_size: ::core::mem::size_of::<#path #rx>() as u32,
                tx_size: ::core::mem::size_of::<#path #tx>() as u32,
                rx_type: #path #rx_type,
                tx_type: #path #tx_type,
            }
        }
    });
    rows.collect()
}

/// The type by which ports run the app.
fn app(system: &System) -> TokenStream {
    let quiet = names::quiet();
    let name = system.app.name.to_string();
    let instances = system.instances();
    let homes = || {
        instances
            .iter()
            .map(|i| names::instance_static(i.service.map(|s| &s.name)))
    };
    // The services first, so that an app's init finds them ready; dropped in the opposite order.
    let (init, drop) = (homes().skip(1).chain(homes().take(1)), homes());
    let own = names::instance_static(None);
    let idle = match &system.app.idle {
        Some(idle) => {
            let method = names::run(&idle.name);
            // SAFETY: the executive calls this from its idle loop only.
            quote!(::core::option::Option::Some({
                unsafe fn idle(core: &::offsched::Core) {
                    unsafe { #own.#method(core) }
                }
                idle
            }))
        }
        None => quote!(::core::option::Option::None),
    };
    // SAFETY: the executive calls init once for each run, before the first job, and drop once after the last.
    let life = quote! {
        unsafe fn init(core: &::offsched::Core) {
            unsafe { #(#init.init(core);)* }
        }
        unsafe fn drop(_: &::offsched::Core) {
            unsafe { #(#drop.drop();)* }
        }
    };
    let policy = match system.args.idle {
        IdlePolicy::Poll => quote!(Poll),
        IdlePolicy::Halt => quote!(Halt),
    };
    let implementation = {
        // SAFETY: (of App) all tables come from this one expansion: run functions, levels, ceilings and slots agree, and
        // the core is the app's own.
        quote! {
            unsafe impl ::offsched::App for App {
                const NAME: &'static str = #name;
                fn image() -> &'static ::offsched::Image<'static> {
                    &IMAGE
                }
            }
        }
    };
    quote! {
        /// The app, as a type by which a port runs it.
        #[derive(Clone, Copy, Debug)]
        pub struct App;

        impl App {
            /// What the app's tasks and channels ask of the region that it runs with.
            pub const NEEDS: ::offsched::abi::image::Needs =
                ::offsched::needs(&__TASKS, &__CHANNELS);
        }

        #quiet
        const _: () = {
            #life
            static IMAGE: ::offsched::Image<'static> = ::offsched::Image {
                name: #name,
                core: &__CORE,
                tasks: &__TASKS,
                nodes: &__NODES,
                states: &__STATES,
                channels: &__CHANNELS,
                init,
                idle_policy: ::offsched::IdlePolicy::#policy,
                idle: #idle,
                drop,
            };
            #implementation
        };
    }
}
