//! What the handlers did, counted by key.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// What became of the runs for one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    pub(super) begun: u32,
    pub(super) effects: u32,
    pub(super) succeeded: u32,
    pub(super) failed: u32,
    /// Dropped before their end.
    pub(super) cancelled: u32,
}

impl Runs {
    pub(super) fn in_progress(self) -> u32 {
        self.begun - self.succeeded - self.failed - self.cancelled
    }
}

/// Clones share one ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    runs: u64,
    keys: HashMap<String, Runs>,
}

impl Ledger {
    pub(super) fn begin(&self, key: &str) -> Run {
        let mut book = self.book();
        book.runs += 1;
        let run = Run {
            number: book.runs,
            key: key.to_owned(),
            ledger: self.clone(),
            ended: false,
        };
        book.of(key).begun += 1;
        run
    }

    pub(super) fn runs(&self, key: &str) -> Runs {
        *self.book().of(key)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }
}

impl Book {
    fn of(&mut self, key: &str) -> &mut Runs {
        self.keys.entry(key.to_owned()).or_default()
    }
}

/// One run of the handler.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) number: u64,
    key: String,
    ledger: Ledger,
    ended: bool,
}

impl Run {
    pub(super) fn take_effect(&self) {
        self.ledger.book().of(&self.key).effects += 1;
    }

    pub(super) fn succeed(mut self) {
        self.ended = true;
        self.ledger.book().of(&self.key).succeeded += 1;
    }

    pub(super) fn fail(mut self) {
        self.ended = true;
        self.ledger.book().of(&self.key).failed += 1;
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.ended {
            self.ledger.book().of(&self.key).cancelled += 1;
        }
    }
}
