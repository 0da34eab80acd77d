//! Whose timers they are: the part that the tick does not need.

use heapless::Vec;
use offsched::ClientId;

use super::running::TIMERS_MAX;

/// The most applications at a time.
pub const CLIENTS_MAX: usize = 8;

/// Whose timers they are, which numbers are free, and what could not be told.
pub struct Book {
    owners: [Option<(ClientId, u32)>; TIMERS_MAX],
    free: Vec<u16, TIMERS_MAX>,
    /// For each client's place: messages lost since the last that reached it.
    untold: [u64; CLIENTS_MAX],
}

impl Book {
    /// A book with all numbers free.
    pub fn new() -> Self {
        Self {
            owners: [None; TIMERS_MAX],
            free: (0..TIMERS_MAX as u16).rev().collect(),
            untold: [0; CLIENTS_MAX],
        }
    }

    /// The number of the owner's timer `id`.
    pub fn find(&self, owner: ClientId, id: u32) -> Option<u16> {
        self.owners
            .iter()
            .position(|entry| *entry == Some((owner, id)))
            .map(|number| number as u16)
    }

    /// A number for the owner's timer `id`: the one it has, or a free one. `None` when all are in use.
    pub fn enter(&mut self, owner: ClientId, id: u32) -> Option<u16> {
        let number = self.find(owner, id).or_else(|| self.free.pop())?;
        self.owners[usize::from(number)] = Some((owner, id));
        Some(number)
    }

    /// Who has a number, and under which id.
    pub fn owner(&self, number: u16) -> Option<(ClientId, u32)> {
        self.owners[usize::from(number)]
    }

    /// Gives a number back.
    pub fn strike(&mut self, number: u16) {
        if self.owners[usize::from(number)].take().is_some() {
            // As many places as numbers, and this one was in use.
            let _ = self.free.push(number);
        }
    }

    /// Any one of the owner's numbers.
    pub fn any_of(&self, owner: ClientId) -> Option<u16> {
        let of_owner =
            |entry: &Option<(ClientId, u32)>| entry.is_some_and(|(client, _)| client == owner);
        self.owners
            .iter()
            .position(of_owner)
            .map(|number| number as u16)
    }

    /// Messages to this client that were lost since the last that reached it.
    pub fn untold(&self, client: ClientId) -> u64 {
        self.untold[client.index() % CLIENTS_MAX]
    }

    /// Counts lost messages.
    pub fn add_untold(&mut self, client: ClientId, messages: u64) {
        self.untold[client.index() % CLIENTS_MAX] += messages;
    }

    /// A message with [`untold`](Self::untold) in it has reached the client, or the client is gone.
    pub fn clear_untold(&mut self, client: ClientId) {
        self.untold[client.index() % CLIENTS_MAX] = 0;
    }
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: ClientId = ClientId::new(0, 1);
    const BOB: ClientId = ClientId::new(1, 1);

    #[test]
    fn an_id_keeps_its_number_and_belongs_to_one_owner() {
        let mut book = Book::new();
        let ann = book.enter(ANN, 1).unwrap();
        let bob = book.enter(BOB, 1).unwrap();
        assert_ne!(ann, bob);
        assert_eq!(book.enter(ANN, 1), Some(ann));
        assert_eq!((book.find(BOB, 1), book.find(BOB, 2)), (Some(bob), None));
        assert_eq!(book.owner(ann), Some((ANN, 1)));
    }

    #[test]
    fn numbers_run_out_and_come_back() {
        let mut book = Book::new();
        for id in 0..TIMERS_MAX as u32 {
            assert!(book.enter(ANN, id).is_some());
        }
        assert_eq!(book.enter(BOB, 0), None);
        while let Some(number) = book.any_of(ANN) {
            book.strike(number);
            book.strike(number);
        }
        for id in 0..TIMERS_MAX as u32 {
            assert!(book.enter(BOB, id).is_some());
        }
    }

    #[test]
    fn what_is_lost_is_counted_until_a_message_says_so() {
        let mut book = Book::new();
        book.add_untold(ANN, 2);
        book.add_untold(ANN, 1);
        assert_eq!((book.untold(ANN), book.untold(BOB)), (3, 0));
        book.clear_untold(ANN);
        assert_eq!(book.untold(ANN), 0);
    }
}
