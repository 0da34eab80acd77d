//! A message is a structure.

#[derive(offsched::Message)]
#[repr(u8)]
enum Order {
    _Start,
    _Stop,
}

fn main() {}
