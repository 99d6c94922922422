//! The task that removes what has run out while nobody calls.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::runtime::Handle;

use super::{SHARDS, Shared, clock::Time, shard::Shard};

/// How often the task looks.
const PERIOD: Duration = Duration::from_secs(1);

/// The most that is removed while a shard is locked once, which takes some ten microseconds.
pub(super) const BATCH: usize = 64;

/// How many records a claim looks at before it is refused, which takes less than a millisecond.
pub(super) const LOOKED_AT: usize = 100_000;

/// Starts the task unless it runs, or there is no runtime to run it on.
///
/// Nobody waits for the task. It holds the store weakly, so it ends within a period of the store's
/// last handle, when the store is empty, or with its runtime; the next claim starts another.
pub(super) fn ensure_running(shared: &Arc<Shared>) {
    if shared.sweeping.load(Ordering::SeqCst) {
        return;
    }
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    if let Some(running) = Running::begin(shared) {
        runtime.spawn(sweep_until_empty(running));
    }
}

/// Marks the task as ended however it ends, its runtime's end included.
struct Running(Weak<Shared>);

impl Running {
    fn begin(shared: &Arc<Shared>) -> Option<Self> {
        let runs_already = shared.sweeping.swap(true, Ordering::SeqCst);
        (!runs_already).then(|| Self(Arc::downgrade(shared)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.sweeping.store(false, Ordering::SeqCst);
        }
    }
}

async fn sweep_until_empty(mut running: Running) {
    loop {
        tokio::time::sleep(PERIOD).await;
        for index in 0..SHARDS {
            while running
                .0
                .upgrade()
                .is_some_and(|shared| sweep_batch(&shared, index, shared.clock.now()).is_some())
            {
                tokio::task::yield_now().await;
            }
        }
        let Some(shared) = running.0.upgrade() else {
            return;
        };
        if shared.is_empty() {
            // Say first that the task ends, then look again: a record that comes in meanwhile
            // is seen here, or its claim sees that it must start another task.
            drop(running);
            if shared.is_empty() {
                return;
            }
            match Running::begin(&shared) {
                Some(again) => running = again,
                None => return,
            }
        }
    }
}

/// Removes all that has run out by this instant.
pub(super) fn sweep_all(shared: &Shared) {
    let now = shared.clock.now();
    for index in 0..SHARDS {
        // By batches, so that nobody waits for long.
        while sweep_batch(shared, index, now).is_some() {}
    }
}

/// Removes what has run out until there is room, or about `most` records were looked at.
///
/// Those that are live are not due again soon, so the next call looks at others.
pub(super) fn make_room(shared: &Shared, mut most: usize) {
    let now = shared.clock.now();
    for index in 0..SHARDS {
        while let Some(looked_at) = sweep_batch(shared, index, now) {
            most = most.saturating_sub(looked_at);
            if most == 0 || shared.has_room() {
                return;
            }
        }
    }
}

/// Removes a batch from one shard, and returns the most records that it may have looked at. `None` if nothing is due
/// there; otherwise there may be more.
fn sweep_batch(shared: &Shared, index: usize, now: Time) -> Option<usize> {
    let sweep = |shard: &mut Shard| {
        let looked_at = shard.size().records;
        shard
            .is_due(now)
            .then(|| (looked_at, shard.sweep(now, BATCH)))
    };
    let (looked_at, _swept) = shared.counting(index, sweep)?;
    Some(looked_at)
}
