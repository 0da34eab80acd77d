//! Offloaded cores: taking a CPU out of Linux, looking at its core, giving it back.
//!
//! ```text
//! start, stop, return   image files and the kernel's device    start.rs, stop.rs, group.rs
//! status, services      any device: the region's figures       status.rs, facts.rs, table.rs, json.rs
//! console               what the image prints                  console.rs
//! bind                  a command with a channel               bind.rs
//! errors                what happened and what to do           why.rs
//! ```

mod bind;
mod console;
mod facts;
pub mod found;
mod group;
mod json;
mod kernel;
mod start;
mod status;
mod stop;
mod table;
mod why;

pub use bind::run as bind;
pub use console::run as console;
pub use facts::CoreFacts;
#[cfg(test)]
pub use facts::TaskFacts;
pub use start::run as start;
pub use status::{run as status, services};
pub use stop::{give_back, stop};
