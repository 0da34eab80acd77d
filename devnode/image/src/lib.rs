//! Bare images of apps: what `cargo image` and the tests in QEMU build with.
//!
//! An app's crate is not touched. A package is generated that depends on it
//! and on the bare port, has one program of three lines for each app, and is
//! linked with the port's script:
//!
//! ```text
//! apps by path      crate::module::App                            app.rs
//!   -> project      which package that is, whose offsched it uses  project.rs
//!   -> package      manifest, lock file, programs                  package.rs
//!   -> cargo build  flags of the bare port                         build.rs
//!   -> check        as whoever loads it will                       offsched-device
//! ```
#![forbid(unsafe_code)]

mod app;
mod build;
mod package;
mod project;

pub use app::AppPath;
pub use build::{Built, Order, build};
pub use project::{Features, Project};
