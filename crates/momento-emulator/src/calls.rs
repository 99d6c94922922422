//! Which calls arrived, and on which items.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::method::Method;

/// Counts what arrives, from the start or the last [`reset`](Self::reset), across restarts.
///
/// A call counts when its message has been read, whatever becomes of it: one that is refused for
/// its key, or struck by a fault, is a round trip too. One on a mute connection is never read.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    by_method: BTreeMap<Method, u64>,
    by_item: BTreeMap<Item, BTreeMap<Method, u64>>,
}

/// A cache's name and a key in it.
type Item = (String, Vec<u8>);

impl Calls {
    /// How many calls of this method arrived.
    #[must_use]
    pub fn of(&self, method: Method) -> u64 {
        let counts = self.counts();
        counts.by_method.get(&method).copied().unwrap_or(0)
    }

    /// How many calls arrived.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts().by_method.values().sum()
    }

    /// The keys of that cache which any call named, whether there is such an item or not.
    #[must_use]
    pub fn keys(&self, cache: &str) -> BTreeSet<Vec<u8>> {
        let counts = self.counts();
        let of_cache = counts.by_item.keys().filter(|(name, _)| name == cache);
        of_cache.map(|(_, key)| key.clone()).collect()
    }

    /// The methods called on one item, and how often.
    #[must_use]
    pub fn on_item(&self, cache: &str, key: impl AsRef<[u8]>) -> BTreeMap<Method, u64> {
        let item = (cache.to_owned(), key.as_ref().to_vec());
        self.counts()
            .by_item
            .get(&item)
            .cloned()
            .unwrap_or_default()
    }

    /// Starts anew from zero.
    pub fn reset(&self) {
        *self.counts() = Counts::default();
    }

    pub(crate) fn record(&self, method: Method, item: Option<(&str, &[u8])>) {
        let mut counts = self.counts();
        *counts.by_method.entry(method).or_default() += 1;
        if let Some((cache, key)) = item {
            let of_item = counts.by_item.entry((cache.to_owned(), key.to_vec()));
            *of_item.or_default().entry(method).or_default() += 1;
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
