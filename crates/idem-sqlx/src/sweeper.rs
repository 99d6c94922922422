//! The task that removes what ran out, a batch at a time.

use std::{
    future::Future,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::task::AbortHandle;

/// While there is less to remove than a batch, the task looks this many times more seldom.
const IDLE: u32 = 10;

/// A shorter interval would keep a core busy, and a longer one would never sweep.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A store that can remove a batch of what ran out.
pub(crate) trait Sweep: Send + Sync + 'static {
    /// The most that one batch removes.
    const BATCH: u32;

    fn sweep(&self) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;
}

/// A task that sweeps, until this is dropped.
#[derive(Debug)]
pub(crate) struct Sweeper(AbortHandle);

impl Sweeper {
    /// Starts the task. Nobody waits for it: it holds the store weakly, and ends with the store's last
    /// clone or with its runtime. What it leaves behind the next sweep of any process removes.
    pub(crate) fn start<S: Sweep>(store: &Arc<S>, interval: Duration) -> Self {
        let task = sweep_on(Arc::downgrade(store), interval);
        Self(tokio::spawn(task).abort_handle())
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn sweep_on<S: Sweep>(store: Weak<S>, interval: Duration) {
    let interval = interval.clamp(SHORTEST, LONGEST);
    let mut pause = interval;
    loop {
        // Servers that were started together should not sweep together.
        tokio::time::sleep(pause.mul_f64(rand::random_range(1.0..1.5))).await;
        let Some(store) = store.upgrade() else {
            return;
        };
        let swept = store.sweep().await;
        drop(store);
        pause = match swept {
            Ok(rows) if rows >= u64::from(S::BATCH) => interval,
            Ok(_) => interval.saturating_mul(IDLE),
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "expired records were not swept; trying again later");
                interval.saturating_mul(IDLE)
            }
        };
    }
}
