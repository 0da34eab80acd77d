//! A message lies the same everywhere.

#[derive(offsched::Message)]
struct Order {
    _kind: u32,
}

fn main() {}
