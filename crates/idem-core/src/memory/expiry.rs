//! When to look at which record again.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::record_key::RecordKey;

/// A second since the store was made; a record is looked at in the first one after its deadline.
pub(super) type Tick = u64;

/// Record keys by the second in which they are due.
///
/// A record is in one bucket at a time, and is not moved when its deadline is put off: it is
/// looked at when the bucket is due, and queued anew then. So a completion, which puts off what
/// every claim queued, costs nothing here, and adding and taking touch one bucket each.
pub(super) struct ExpiryQueue {
    epoch: Instant,
    buckets: BTreeMap<Tick, Vec<RecordKey>>,
}

impl ExpiryQueue {
    pub(super) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            buckets: BTreeMap::new(),
        }
    }

    /// The first tick at which a deadline has passed.
    pub(super) fn tick_after(&self, deadline: Instant) -> Tick {
        let since = deadline.saturating_duration_since(self.epoch);
        since.as_secs() + u64::from(since.subsec_nanos() > 0)
    }

    pub(super) fn push(&mut self, tick: Tick, key: RecordKey) {
        self.buckets.entry(tick).or_default().push(key);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Takes a key whose tick has come, with that tick.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(Tick, RecordKey)> {
        let passed = now.saturating_duration_since(self.epoch).as_secs();
        let mut bucket = self
            .buckets
            .first_entry()
            .filter(|bucket| *bucket.key() <= passed)?;
        let key = bucket.get_mut().pop();
        if bucket.get().is_empty() {
            let (tick, _) = bucket.remove_entry();
            return key.map(|key| (tick, key));
        }
        key.map(|key| (*bucket.key(), key))
    }
}

/// A deadline so far off that it does not matter where exactly it is.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// When a duration from now ends; one that is too long for the clock ends in a hundred years.
pub(super) fn deadline(now: Instant, duration: Duration) -> Instant {
    now + duration.min(FAR)
}
