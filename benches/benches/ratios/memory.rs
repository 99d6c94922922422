//! The memory store against a bare concurrent map, on one thread.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use dashmap::DashMap;
use idem_benches::interleaved::{Comparison, cpu_time, print_side_by_side};
use idem_core::{
    IdempotencyStore, MemoryLimits, MemoryStore, RecordKey, Response,
    store::{Fingerprint, Identity, Lease, Outcome, OwnerToken},
};
use sha2::{Digest, Sha256};
use tokio::{runtime::Builder, time::Instant};

const LEASE: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(3600);

/// As many fresh keys as one sample takes; both start from nothing and grow.
const KEYS: u32 = 200_000;

pub(crate) fn run(rounds: usize) {
    let keys: Vec<RecordKey> = (0..KEYS)
        .map(|number| RecordKey::from_bytes(Sha256::digest(number.to_be_bytes()).into()))
        .collect();
    let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
    let lease = Lease::of_owner(OwnerToken::from_bytes([2; 16]), identity, LEASE);
    let outcome = outcome();
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    let figures = Comparison::new("claim + complete of 200,000 fresh keys")
        .timed("dashmap 6: insert + update", |calls| {
            let map = DashMap::new();
            let start = cpu_time();
            for key in &keys[..calls as usize] {
                map.insert(*key, pending(&lease));
                if let Some(mut entry) = map.get_mut(key) {
                    entry.complete(&outcome);
                }
            }
            cpu_time() - start
        })
        .timed("memory store: claim + complete", |calls| {
            let limits = MemoryLimits::default()
                .records(usize::MAX)
                .bytes(usize::MAX);
            let store = MemoryStore::with_limits(limits);
            runtime.block_on(async {
                let start = cpu_time();
                for key in &keys[..calls as usize] {
                    let _ = store.claim(key, &lease).await;
                    let _ = store.complete(key, &lease, &outcome, RETENTION).await;
                }
                cpu_time() - start
            })
        })
        .run_batches(KEYS, rounds.div_ceil(15));
    print_side_by_side(&[("a fresh key", figures)]);
}

/// What a store must keep of a record, at the least.
struct Entry {
    lease: Lease,
    outcome: Option<Outcome>,
    deadline: Instant,
}

fn pending(lease: &Lease) -> Entry {
    Entry {
        lease: *lease,
        outcome: None,
        deadline: Instant::now() + lease.duration(),
    }
}

impl Entry {
    fn complete(&mut self, outcome: &Outcome) {
        self.outcome = Some(outcome.clone());
        self.deadline = Instant::now() + RETENTION;
        std::hint::black_box((&self.lease, &self.deadline));
    }
}

fn outcome() -> Outcome {
    let headers = [("content-type", b"application/json".as_slice())]
        .into_iter()
        .collect();
    Outcome::Response(Arc::new(Response::new(
        201,
        headers,
        Bytes::from_static(&[b'x'; 200]),
    )))
}
