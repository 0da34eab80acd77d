//! A message is one type, and every mistake is told at once.

#[derive(offsched::Message)]
#[message(cratte = offsched)]
struct Order<T> {
    _what: T,
}

fn main() {}
