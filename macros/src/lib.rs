//! The attributes of offsched, re-exported by the `offsched` crate: use them from there.
//!
//! Everything is done by `offsched-front`; a proc-macro crate can export nothing but macros.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

/// Turns a module into an app: what a port runs.
///
/// ```
/// #[offsched::app(overhead = 200ns)]
/// mod app {
///     use offsched::Mutex;
///
///     #[shared]
///     struct Shared { total: u64 }
///
///     #[init]
///     fn init(_cx: init::Context) -> Shared { Shared { total: 0 } }
///
///     #[task(priority = 2, period = 100us, budget = 5us, shared = [total])]
///     fn sample(mut cx: sample::Context) { cx.shared.total.lock(|total| *total += 1); }
/// }
/// # fn main() {}
/// ```
///
/// The module gains a type `App`, by which a port runs it. An app in which a task can miss its deadline, with the
/// declared periods and budgets, does not compile; one in which some are missing, if those that are there are too much.
///
/// # Arguments
/// - `overhead = 200ns`: what the executive itself takes for each job; counts in the analysis.
/// - `idle = halt`: with nothing to do the core sleeps until the next release or a doorbell. The default, `idle = poll`,
///   looks again and again, which sees releases sooner and takes all of the CPU.
/// - `services = [name = path { base = 8 }]`: includes services. `base` is added to their priorities.
///
/// # Inside of the module
/// - `#[shared] struct` and `#[local] struct`: resources that `init` creates. `init` returns the structs that are there.
/// - `#[channels] struct`: fields `#[channel(clients = 4, ring = 8192)] name: Channel<Request, Reply>`.
/// - `#[init] fn init(cx: init::Context)`: runs once, before the first release.
/// - `#[idle(shared = [..], local = [..])] fn idle(cx: idle::Context)`: one turn, called again and again; under
///   `idle = halt`, once before each sleep.
/// - `#[task(..)] fn name(cx: name::Context, payload..)`.
///
/// # Arguments of a task
/// | argument | meaning |
/// | --- | --- |
/// | `priority = 1` | its level, 1..=63, larger is more urgent |
/// | `period = 100us` | released every 100 us; `offset = 10us` shifts the first release |
/// | `event` | released by `name::spawn(..)`, `spawn_at`, `spawn_after` |
/// | `channel = name` | released by mail on this channel |
/// | `min_interval = 50us` | least distance between two releases of the latter two, enforced |
/// | `deadline = 80us` | by default the period or the least interval |
/// | `budget = 5us` | longest execution |
/// | `jitter = 1us` | how late a release may be; for the analysis |
/// | `on_miss = count` | what a miss does: it is counted; `skip`, for periodic tasks only: and the releases that passed meanwhile are skipped; `stop`: and the core stops |
/// | `capacity = 1` | jobs that may wait, up to 1024 |
/// | `measure = false` | no clock is read for its jobs |
/// | `shared = [a, b(2us), &c]` | locked; locked for at most 2 us; read without a lock |
/// | `local = [a, n: u32 = 0]` | a field of the `#[local]` struct; declared in place |
/// | `channels = [a, b(2us)]` | may send and receive on these |
#[proc_macro_attribute]
pub fn app(attr: TokenStream, item: TokenStream) -> TokenStream {
    offsched_front::expand_app(attr.into(), item.into()).into()
}

/// Turns a module into a service: tasks, resources and channels that apps include, once or more often.
///
/// It takes the same declarations as an app, without idle. Its functions release the service's event tasks through
/// `cx.spawn.name.spawn((payload,))`. Types of resources and payloads must be as visible as the module itself. A crate
/// has at most one service of a name, since a macro of that name carries its declarations to apps.
#[proc_macro_attribute]
pub fn service(attr: TokenStream, item: TokenStream) -> TokenStream {
    offsched_front::expand_service(attr.into(), item.into()).into()
}

/// Gives a structure of plain data an identity as a message: a number made of its name, and of the names, places and
/// types of its fields. Both ends of a channel state it, and a client that means other messages is refused.
///
/// ```
/// use offsched::Message;
///
/// #[derive(Message)]
/// #[repr(C)]
/// struct Sample {
///     number: u32,
///     volts: [i16; 2],
/// }
/// assert_eq!(Sample::SHAPE.to_string(), "Sample{number@0:u32,volts@4:[i16;2]}8");
/// ```
///
/// In a program that has the client library and not the executive, say where the trait is:
/// `#[message(crate = offsched_client)]`.
#[proc_macro_derive(Message, attributes(message))]
pub fn message(item: TokenStream) -> TokenStream {
    offsched_front::expand_message(item.into()).into()
}
