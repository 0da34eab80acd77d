//! An app is a module.

#[offsched::app]
fn app() {}

fn main() {}
