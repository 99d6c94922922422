//! What a test is given: the store, and all that belongs to it.

use std::{any::Any, fmt, sync::Arc};

use idem_core::{IdempotencyStore, store::Operation};

pub(crate) type SharedStore = Arc<dyn IdempotencyStore>;

/// A store to be tested, with what must live as long as it and what the suite may do to it.
pub struct Fixture {
    // The clients are dropped before the guards are.
    clients: Vec<SharedStore>,
    guards: Vec<Box<dyn Any + Send>>,
    faults: Option<Box<dyn Fn(Operation) + Send + Sync>>,
    crowd: usize,
}

impl Fixture {
    /// A store and nothing else.
    #[must_use]
    pub fn new(store: impl IdempotencyStore) -> Self {
        Self {
            clients: vec![Arc::new(store)],
            guards: Vec::new(),
            faults: None,
            // Enough to fill a small cache, and seconds at most on a store across a network.
            crowd: 2_000,
        }
    }

    /// Takes a fixture as it is, and wraps a store.
    #[doc(hidden)]
    #[must_use]
    pub fn of(store: impl Into<Self>) -> Self {
        store.into()
    }

    /// Adds another client of the same data, as another server process would have one. Calls that
    /// race are then dealt out among all clients, so that a lock inside one of them is no help.
    #[must_use]
    pub fn client(mut self, store: impl IdempotencyStore) -> Self {
        self.clients.push(Arc::new(store));
        self
    }

    /// Keeps something until the test is over, and drops it after the store: a temporary
    /// directory, an emulator.
    #[must_use]
    pub fn keep(mut self, guard: impl Any + Send) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Says how to lose a reply: called with an operation, the hook makes the store's next
    /// operation of that kind fail, preferably after the write has landed. Without it the
    /// [`faults`](crate::cases::faults) cases check nothing.
    #[must_use]
    pub fn faults(mut self, hook: impl Fn(Operation) + Send + Sync + 'static) -> Self {
        self.faults = Some(Box::new(hook));
        self
    }

    /// Sets how many other keys come between a record and the check that it is still there: 2,000
    /// unless set.
    #[must_use]
    pub const fn crowd(mut self, keys: usize) -> Self {
        self.crowd = keys;
        self
    }

    /// The client that a task of this number uses.
    pub(crate) fn dealt(&self, number: usize) -> SharedStore {
        Arc::clone(&self.clients[number % self.clients.len()])
    }

    pub(crate) fn store(&self) -> &dyn IdempotencyStore {
        self.store_of(0)
    }

    /// The same as the one that is dealt, for a call at a time.
    pub(crate) fn store_of(&self, number: usize) -> &dyn IdempotencyStore {
        &*self.clients[number % self.clients.len()]
    }

    pub(crate) const fn crowd_size(&self) -> usize {
        self.crowd
    }

    /// Lets the next operation of this kind fail; answers whether there is a way to.
    pub(crate) fn lose_next_reply(&self, operation: Operation) -> bool {
        self.faults.as_ref().map(|hook| hook(operation)).is_some()
    }
}

impl<S: IdempotencyStore> From<S> for Fixture {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("clients", &self.clients)
            .field("guards", &self.guards.len())
            .field("faults", &self.faults.is_some())
            .field("crowd", &self.crowd)
            .finish()
    }
}
