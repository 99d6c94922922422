//! What a cache takes.

use std::time::Duration;

use momento_protos::control_client::CacheLimits;

/// The limits of a cache, as `ListCaches` tells them and writes are held to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest item in KiB, its key included.
    pub item_kib: u32,
    /// The longest TTL. `ListCaches` tells it in whole seconds.
    pub ttl: Duration,
}

impl Default for Limits {
    /// What Momento documents for an account on demand: 5 MB and 24 hours.
    fn default() -> Self {
        Self {
            item_kib: 5 * 1024,
            ttl: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Limits {
    pub(crate) fn item_bytes(self) -> u64 {
        u64::from(self.item_kib) * 1024
    }

    /// The rates are what Momento documents or documented; nothing here enforces them.
    pub(crate) fn to_message(self) -> CacheLimits {
        CacheLimits {
            max_traffic_rate: 100,
            max_throughput_kbps: 1024,
            max_item_size_kb: self.item_kib,
            max_ttl_seconds: self.ttl.as_secs(),
        }
    }
}
