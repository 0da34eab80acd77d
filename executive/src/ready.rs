//! The ready lists: for each level a first-in first-out list of nodes.
//!
//! Used inside kernel sections only. Which levels hold anything is the pending
//! bitmap of [`ceiling::Words`](crate::ceiling), because `unlock` reads it.

use core::cell::Cell;

use crate::ceiling::{LEVEL_MAX, Limit, Words, bit};
use crate::task::{NONE, Node};

#[derive(Clone, Copy)]
struct List {
    head: u16,
    tail: u16,
}

/// A first-in first-out list of nodes for each level.
pub(crate) struct Ready {
    lists: [Cell<List>; LEVEL_MAX as usize + 1],
}

impl Ready {
    pub const fn new() -> Self {
        Self {
            lists: [const {
                Cell::new(List {
                    head: NONE,
                    tail: NONE,
                })
            }; LEVEL_MAX as usize + 1],
        }
    }

    /// Appends a node to its level's list and marks the level pending.
    #[inline]
    pub fn push(&self, words: &Words, nodes: &[Node], level: u8, index: u16) {
        let list = &self.lists[usize::from(level & LEVEL_MAX)];
        let List { head, tail } = list.get();
        nodes[usize::from(index)].next.set(NONE);
        if head == NONE {
            list.set(List {
                head: index,
                tail: index,
            });
            words.set_pending(words.pending() | bit(level));
        } else {
            nodes[usize::from(tail)].next.set(index);
            list.set(List { head, tail: index });
        }
    }

    /// Takes the first node of the highest pending level, if that is above `floor`.
    #[inline]
    pub fn pop(&self, words: &Words, nodes: &[Node], floor: Limit) -> Option<u16> {
        let pending = words.pending();
        let level = (64 - pending.leading_zeros()) as u8;
        if level == 0 || !floor.admits(level) {
            return None;
        }
        let list = &self.lists[usize::from(level & LEVEL_MAX)];
        let List { head, tail } = list.get();
        let next = nodes[usize::from(head)].next.get();
        list.set(List { head: next, tail });
        if next == NONE {
            words.set_pending(pending & !bit(level));
        }
        Some(head)
    }

    /// Forgets all nodes.
    pub fn clear(&self, words: &Words) {
        words.set_pending(0);
        self.lists.iter().for_each(|list| {
            list.set(List {
                head: NONE,
                tail: NONE,
            })
        });
    }
}
