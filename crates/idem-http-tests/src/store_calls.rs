//! How often a store was asked.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use idem_core::{
    RecordKey,
    event::{Event, Observer},
};

/// Counts the calls of a store, as an observer of the policy.
#[derive(Clone, Debug, Default)]
pub struct StoreCalls(Arc<AtomicUsize>);

impl StoreCalls {
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Observer for StoreCalls {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        if matches!(event, Event::StoreCalled { .. }) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}
