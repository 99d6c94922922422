//! The stores that benches measure: each has a file here, and one line in [`STORES`].

use std::{any::Any, sync::Arc, time::Duration};

use idem_benches::interleaved::cpu_time;
use idem_core::IdempotencyStore;
use tokio::{runtime::Runtime, time::Instant};

#[path = "memory.rs"]
mod memory;
#[cfg(feature = "momento")]
#[path = "momento.rs"]
mod momento;
#[cfg(feature = "postgres")]
#[path = "postgres.rs"]
mod postgres;
#[cfg(feature = "redis")]
#[path = "redis.rs"]
mod redis;
#[path = "sqlite.rs"]
mod sqlite;

type AnyError = Box<dyn std::error::Error>;

/// Opens a store, and starts the server that it needs.
type Open = fn(&Runtime) -> Result<Opened, AnyError>;

const STORES: &[(&str, Open)] = &[
    ("memory store", memory::open),
    ("SQLite", sqlite::open),
    #[cfg(feature = "redis")]
    ("Redis", redis::open),
    #[cfg(feature = "postgres")]
    ("PostgreSQL", postgres::open),
    #[cfg(feature = "momento")]
    ("Momento's stand-in", momento::open),
];

const BY_FEATURE: [(&str, &str, bool); 3] = [
    ("Redis", "redis", cfg!(feature = "redis")),
    ("PostgreSQL", "postgres", cfg!(feature = "postgres")),
    ("Momento's stand-in", "momento", cfg!(feature = "momento")),
];

/// A store, ready to be called.
#[allow(
    dead_code,
    reason = "the overview and the bench `stores` each use a part of it"
)]
pub(crate) struct Opened {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn IdempotencyStore>,
    /// Whether it answers without waiting for a disk or a socket.
    pub(crate) is_in_process: bool,
    /// Makes an empty one, for a store whose records would fill the memory.
    emptied: Option<fn() -> Arc<dyn IdempotencyStore>>,
    used: u64,
    opened_at: Instant,
    /// What the store lives in, and ends with this.
    _home: Box<dyn Any>,
}

#[allow(
    dead_code,
    reason = "the overview and the bench `stores` each use a part of it"
)]
impl Opened {
    /// After so many fresh keys a store in memory starts from an empty one.
    const FRESH: u64 = 200_000;

    /// A store behind a disk or a socket.
    pub(crate) fn behind(store: impl IdempotencyStore + 'static, home: impl Any) -> Self {
        Self {
            name: "",
            store: Arc::new(store),
            is_in_process: false,
            emptied: None,
            used: 0,
            opened_at: Instant::now(),
            _home: Box::new(home),
        }
    }

    /// The CPU time of this thread, or for a store that it waits for the time on the wall.
    pub(crate) fn now(&self) -> Duration {
        match self.is_in_process {
            true => cpu_time(),
            false => self.opened_at.elapsed(),
        }
    }

    /// How many fresh keys it takes until there is one more look at this.
    pub(crate) fn room(&mut self) -> u64 {
        let Some(emptied) = self.emptied else {
            return u64::MAX;
        };
        if self.used >= Self::FRESH {
            (self.store, self.used) = (emptied(), 0);
        }
        Self::FRESH - self.used
    }

    /// A number that no earlier key has in this store.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.used += 1;
        self.used
    }
}

/// All stores that are built and can be opened, and why others are missing.
pub(crate) fn open_each(runtime: &Runtime) -> (Vec<Opened>, Vec<String>) {
    let (mut stores, mut left_out) = (Vec::new(), Vec::new());
    for (name, open) in STORES {
        match open(runtime) {
            Ok(opened) => stores.push(Opened { name, ..opened }),
            Err(error) => left_out.push(format!("{name}, which could not be opened: {error}")),
        }
    }
    for (name, feature, is_built) in BY_FEATURE {
        if !is_built {
            left_out.push(format!("{name}, which `--features {feature}` adds"));
        }
    }
    (stores, left_out)
}
