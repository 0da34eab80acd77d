//! Messages of every form, and what tells them apart.
#![deny(warnings, missing_docs, unsafe_code)]

use offsched::Message;
use offsched::message::MessageType;

/// Another crate's name for the home of the trait.
pub mod library {
    pub use offsched::message;
}

/// A structure with one that is in it, twice.
#[derive(Message)]
#[repr(C)]
pub struct Order {
    /// A keyword.
    pub r#type: u16,
    /// An array of structures.
    pub pair: [Place; 2],
    private: u32,
}

/// A structure without names.
#[derive(Message)]
#[message(crate = library)]
#[repr(C, align(4))]
pub struct Place(pub u8, pub i16);

/// Nothing to say.
#[derive(Message)]
#[repr(C)]
pub struct Ping;

/// As another program has it.
pub mod other {
    /// The same bytes in another order.
    #[derive(offsched::Message)]
    #[repr(C)]
    pub struct Place(pub i16, pub u8);
}

const ORDER: MessageType = MessageType::of::<Order>();

fn main() {
    let text = "Order{type@0:u16,pair@4:[Place{0@0:u8,1@2:i16}4;2],private@12:u32}16";
    assert_eq!(Order::SHAPE.to_string(), text);
    assert_eq!(ORDER.name(), "Order");
    assert_eq!(Ping::SHAPE.to_string(), "Ping{}0");
    let order = Order {
        r#type: 1,
        pair: [Place(0, 1), Place(2, 3)],
        private: 0,
    };
    assert_eq!(order.private, 0);
    assert_ne!(
        MessageType::of::<Place>(),
        MessageType::of::<other::Place>()
    );
}
