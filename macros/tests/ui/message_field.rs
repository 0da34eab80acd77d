//! What is in a message has an identity too.

struct Kind(#[allow(dead_code)] u32);

#[derive(offsched::Message)]
#[repr(C)]
struct Order {
    _kind: Kind,
}

fn main() {}
