//! What a message is called and how its bytes lie, as a number of 64 bits that both ends of a
//! channel can compare.
//!
//! A type's *text* names it and everything in it: `Request{kind@0:u32,id@4:u32}8` is a structure
//! of 8 bytes with two fields, each with its offset in bytes; `[u64;4]` is an array. Its identity
//! is FNV-1a, 64 bits, over that text, so a program in any language can work it out
//! (`offsched_type` in C, `message_type` in the Python example). Types that differ in a name, an
//! order or a size have other texts.
//!
//! In Rust the compiler works it out: `#[derive(Message)]` on a `#[repr(C)]` structure.

use core::fmt;

use crate::header::{FNV_START, fnv1a_byte};
use crate::region::{NAME_BYTES, name_str};

/// Plain data that a channel carries, with a name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no identity as a message",
    label = "not a `Message`",
    note = "put `#[derive(offsched::Message)]` on a `#[repr(C)]` structure; numbers, and arrays of messages, have one already"
)]
pub trait Message {
    /// Its name and layout.
    const SHAPE: &'static Shape;
}

/// A type's name and layout.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// As declared; empty for an array.
    pub name: &'static str,
    /// Its size, bytes.
    pub bytes: usize,
    /// What it is made of.
    pub parts: Parts,
}

/// What a type is made of.
#[derive(Clone, Copy, Debug)]
pub enum Parts {
    /// Nothing smaller: the name says all.
    Plain,
    /// Values of one type, one behind the other.
    Array {
        /// Their type.
        of: &'static Shape,
        /// Their number.
        len: usize,
    },
    /// Named values.
    Fields(&'static [Field]),
}

/// A value in a structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name; its number in a tuple structure.
    pub name: &'static str,
    /// Where it begins, bytes from the structure's start.
    pub offset: usize,
    /// Its type.
    pub shape: &'static Shape,
}

impl Shape {
    /// The text, and the first bytes of the name, as a [`MessageType`].
    const fn identity(&self) -> MessageType {
        let mut whole = Sink::new();
        self.write(&mut whole, true);
        let mut short = Sink::new();
        self.write(&mut short, false);
        // Zero stands for "not stated".
        assert!(whole.hash != 0, "rename this type: its identity is zero");
        MessageType {
            id: whole.hash,
            name: short.head,
        }
    }

    /// The text; without the fields, if the name is enough.
    const fn write(&self, out: &mut Sink, fields: bool) {
        match self.parts {
            Parts::Plain => out.text(self.name),
            Parts::Array { of, len } => {
                out.byte(b'[');
                of.write(out, fields);
                out.byte(b';');
                out.number(len);
                out.byte(b']');
            }
            Parts::Fields(_) if !fields => out.text(self.name),
            Parts::Fields(parts) => {
                out.text(self.name);
                out.byte(b'{');
                let mut at = 0;
                while at < parts.len() {
                    if at > 0 {
                        out.byte(b',');
                    }
                    out.text(parts[at].name);
                    out.byte(b'@');
                    out.number(parts[at].offset);
                    out.byte(b':');
                    parts[at].shape.write(out, true);
                    at += 1;
                }
                out.byte(b'}');
                out.number(self.bytes);
            }
        }
    }
}

/// The text.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts {
            Parts::Plain => f.write_str(self.name),
            Parts::Array { of, len } => write!(f, "[{of};{len}]"),
            Parts::Fields(fields) => {
                write!(f, "{}{{", self.name)?;
                for (at, field) in fields.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(f, "{comma}{}@{}:{}", field.name, field.offset, field.shape)?;
                }
                write!(f, "}}{}", self.bytes)
            }
        }
    }
}

/// What a region says of a type of messages.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageType {
    /// The identity; 0: not stated.
    pub id: u64,
    /// Its name, padded with zeros; cut if it is longer.
    pub name: [u8; NAME_BYTES],
}

impl MessageType {
    /// The type's. In a constant the compiler works it out.
    pub const fn of<M: Message>() -> Self {
        M::SHAPE.identity()
    }

    /// The name up to its padding.
    pub fn name(&self) -> &str {
        name_str(&self.name)
    }

    /// True if a peer that states this identity, or none (0), means the same.
    pub const fn agrees_with(&self, stated: u64) -> bool {
        stated == 0 || stated == self.id
    }
}

/// The name and the identity: `Request (0123456789abcdef)`.
impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            0 => f.write_str("of a type not stated"),
            id => write!(f, "{} ({id:016x})", self.name()),
        }
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Takes a text in: its hash, and its first bytes.
struct Sink {
    hash: u64,
    head: [u8; NAME_BYTES],
    len: usize,
}

impl Sink {
    const fn new() -> Self {
        Self {
            hash: FNV_START,
            head: [0; NAME_BYTES],
            len: 0,
        }
    }

    const fn byte(&mut self, byte: u8) {
        self.hash = fnv1a_byte(self.hash, byte);
        if self.len < NAME_BYTES {
            self.head[self.len] = byte;
            self.len += 1;
        }
    }

    const fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            self.byte(bytes[at]);
            at += 1;
        }
    }

    const fn number(&mut self, number: usize) {
        if number >= 10 {
            self.number(number / 10);
        }
        self.byte(b'0' + (number % 10) as u8);
    }
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Message for $type {
            const SHAPE: &'static Shape = &Shape {
                name: stringify!($type),
                bytes: size_of::<$type>(),
                parts: Parts::Plain,
            };
        }
    )*};
}

plain!(
    (),
    bool,
    u8,
    u16,
    u32,
    u64,
    u128,
    i8,
    i16,
    i32,
    i64,
    i128,
    f32,
    f64
);

impl<M: Message, const N: usize> Message for [M; N] {
    const SHAPE: &'static Shape = &Shape {
        name: "",
        bytes: size_of::<Self>(),
        parts: Parts::Array {
            of: M::SHAPE,
            len: N,
        },
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;
    use std::string::ToString;

    /// As the derive writes it.
    struct Pair;

    impl Message for Pair {
        const SHAPE: &'static Shape = &Shape {
            name: "Pair",
            bytes: 16,
            parts: Parts::Fields(&[
                Field {
                    name: "first",
                    offset: 0,
                    shape: u32::SHAPE,
                },
                Field {
                    name: "rest",
                    offset: 8,
                    shape: <[u8; 8]>::SHAPE,
                },
            ]),
        };
    }

    fn fnv1a(text: &str) -> u64 {
        text.bytes().fold(FNV_START, fnv1a_byte)
    }

    #[test]
    fn the_identity_is_that_of_the_text() {
        let text = "Pair{first@0:u32,rest@8:[u8;8]}16";
        assert_eq!(Pair::SHAPE.to_string(), text);
        assert_eq!(MessageType::of::<Pair>().id, fnv1a(text));
        assert_eq!(MessageType::of::<u64>().id, fnv1a("u64"));
        let array = MessageType::of::<[[u64; 10]; 123]>();
        assert_eq!(array.id, fnv1a("[[u64;10];123]"));
        // As published for FNV-1a: other languages have it from there.
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn names_are_short() {
        assert_eq!(MessageType::of::<Pair>().name(), "Pair");
        assert_eq!(MessageType::of::<[Pair; 3]>().name(), "[Pair;3]");
        assert_eq!(
            MessageType::of::<[[[[[[[[[[[u128; 4]; 4]; 4]; 4]; 4]; 4]; 4]; 4]; 4]; 4]; 4]>().name(),
            "[[[[[[[[[[[u128;4];4];4];4];4];4"
        );
    }

    #[test]
    fn a_peer_that_states_nothing_agrees() {
        let stated = MessageType::of::<u32>();
        assert!(stated.agrees_with(0) && stated.agrees_with(stated.id));
        assert!(!stated.agrees_with(MessageType::of::<i32>().id));
        assert!(!MessageType::default().agrees_with(stated.id));
    }
}
