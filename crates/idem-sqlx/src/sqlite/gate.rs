//! The gate before all writers of one file in this process.
//!
//! SQLite lets waiting writers try again after pauses that grow, so the one that has waited longest
//! is the least likely to be next: with 16 of them, some waited for seconds. Here they are served in order.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// The gates of all files that a store of this process uses.
static GATES: Mutex<Vec<(PathBuf, Weak<Semaphore>)>> = Mutex::new(Vec::new());

/// One for each file, whichever stores and pools write to it.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Semaphore>);

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn(#[allow(dead_code)] OwnedSemaphorePermit);

impl Gate {
    /// The gate of this file, whose path must be canonical.
    pub(super) fn of(file: &Path) -> Self {
        let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|(_, gate)| gate.strong_count() > 0);
        let there = gates.iter().find(|(path, _)| path == file);
        if let Some(gate) = there.and_then(|(_, gate)| gate.upgrade()) {
            return Self(gate);
        }
        let gate = Arc::new(Semaphore::new(1));
        gates.push((file.to_owned(), Arc::downgrade(&gate)));
        Self(gate)
    }

    /// Waits for its turn, behind those that came before.
    pub(super) async fn turn(&self, until: Instant) -> Result<Turn, sqlx::Error> {
        timeout_at(until, Arc::clone(&self.0).acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map(Turn)
            .map_err(|_| sqlx::Error::PoolClosed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_file_has_one_gate_and_it_opens_again() {
        let (one, same) = (Gate::of(Path::new("/a")), Gate::of(Path::new("/a")));
        let other = Gate::of(Path::new("/b"));
        let soon = Instant::now() + Duration::from_millis(10);
        let turn = one.turn(soon).await.unwrap();
        assert!(other.turn(soon).await.is_ok());
        assert!(matches!(
            same.turn(soon).await,
            Err(sqlx::Error::PoolTimedOut)
        ));
        drop(turn);
        assert!(same.turn(soon).await.is_ok());
    }
}
