//! The items, with their TTLs and one earlier version each.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tonic::{Code, Status};

use crate::{
    late::{LateWrite, LateWrites},
    limits::Limits,
};

/// All caches of the account, and the writes still under way to them.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    pub(crate) by_name: BTreeMap<String, Cache>,
    /// The time of whatever is happening, on the emulator's clock.
    pub(crate) now: Duration,
    late: LateWrites,
}

/// One cache. Times are those of the emulator's clock; expired items stay, and nobody sees them.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    pub(crate) limits: Limits,
    items: HashMap<Vec<u8>, Versions>,
}

#[derive(Debug, Default)]
struct Versions {
    latest: Option<Item>,
    previous: Option<Item>,
}

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) value: Vec<u8>,
    pub(crate) expires_at: Duration,
}

/// Which version of an item a read sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Latest,
    Previous,
}

impl Caches {
    pub(crate) fn named(&mut self, name: &str) -> Result<&mut Cache, Status> {
        let unknown = || Status::not_found("there is no cache of that name");
        self.by_name.get_mut(name).ok_or_else(unknown)
    }

    pub(crate) fn postpone(&mut self, write: LateWrite) {
        self.late.push(write);
    }

    pub(crate) fn late_writes(&self) -> usize {
        self.late.len()
    }

    /// Lets it be `now`, after every late write due by then has landed at its own time.
    pub(crate) fn turn_to(&mut self, now: Duration) {
        for (due, land) in self.late.take_due(now) {
            self.now = due;
            land(self);
        }
        self.now = now;
    }

    pub(crate) fn land_late_writes(&mut self) {
        for land in self.late.take_all() {
            land(self);
        }
    }

    pub(crate) fn lose_data(&mut self) {
        self.late.take_all();
        self.by_name.values_mut().for_each(Cache::flush);
    }
}

impl Cache {
    pub(crate) fn live(&self, key: &[u8], reading: Reading, now: Duration) -> Option<&Item> {
        let versions = self.items.get(key)?;
        let item = match reading {
            Reading::Latest => versions.latest.as_ref(),
            Reading::Previous => versions.previous.as_ref(),
        };
        item.filter(|item| now < item.expires_at)
    }

    /// All live items.
    pub(crate) fn live_items(&self, now: Duration) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let keys = self.items.keys();
        keys.filter_map(|key| Some((key, self.live(key, Reading::Latest, now)?)))
            .map(|(key, item)| (key.clone(), item.value.clone()))
            .collect()
    }

    /// Refuses what is over the limits, before any condition is looked at.
    pub(crate) fn admit(&self, key: &[u8], value: &[u8], ttl: Duration) -> Result<(), Status> {
        self.admit_ttl(ttl)?;
        let size = key.len() as u64 + value.len() as u64;
        if size > self.limits.item_bytes() {
            return Err(item_too_large());
        }
        Ok(())
    }

    pub(crate) fn admit_ttl(&self, ttl: Duration) -> Result<(), Status> {
        if ttl.is_zero() || ttl > self.limits.ttl {
            return Err(Status::invalid_argument(
                "the TTL is zero or over the limit",
            ));
        }
        Ok(())
    }

    pub(crate) fn put(&mut self, key: Vec<u8>, item: Item) {
        let versions = self.items.entry(key).or_default();
        versions.previous = versions.latest.replace(item);
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        if let Some(versions) = self.items.get_mut(key) {
            versions.previous = versions.latest.take();
        }
    }

    /// No new version: a stale read sees the older value, not the older TTL.
    pub(crate) fn expire_at(&mut self, key: &[u8], expires_at: Duration) {
        let latest = self.items.get_mut(key).and_then(|it| it.latest.as_mut());
        if let Some(item) = latest {
            item.expires_at = expires_at;
        }
    }

    pub(crate) fn flush(&mut self) {
        self.items.clear();
    }
}

/// The SDK takes its message from this `err` entry.
fn item_too_large() -> Status {
    let mut status = Status::new(Code::ResourceExhausted, "the item size is over the limit");
    let reason = tonic::metadata::MetadataValue::from_static("item_size_limit_exceeded");
    status.metadata_mut().insert("err", reason);
    status
}
