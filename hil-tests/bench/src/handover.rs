//! Lending the book to an app: an app's tasks are functions without a caller
//! of ours, so what they need lies in a static for the time of a run.

use std::sync::{Mutex, PoisonError};

use crate::series::Book;

/// Where the book lies while an app runs.
pub struct Handover(Mutex<Option<Book>>);

impl Handover {
    /// Nothing lies there.
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Lends the book while `run` runs an app, and takes it back.
    pub fn lend(
        &self,
        book: Book,
        run: impl FnOnce() -> Result<(), String>,
    ) -> Result<Book, String> {
        self.put(book);
        run()?;
        self.take().ok_or_else(|| {
            "the measuring task did not come to its end: no figures are left".to_owned()
        })
    }

    /// The app's side: measures into the book, if it is there.
    pub fn measure(&self, into: impl FnOnce(&mut Book)) {
        if let Some(mut book) = self.take() {
            into(&mut book);
            self.put(book);
        }
    }

    fn put(&self, book: Book) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(book);
    }

    fn take(&self) -> Option<Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
