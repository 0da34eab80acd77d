//! What a service takes.

#[offsched::service(base = 8)]
pub mod beat {}

fn main() {}
