//! Who is under way here, and who waits: counted together for all policies over one store.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio_util::task::TaskTracker;

/// The counters. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// Executions, wherever they run; once it is closed no more begin.
    pub(crate) executions: TaskTracker,
    /// The tasks of those whose caller vanished; what they execute is counted above.
    pub(crate) handed_over: TaskTracker,
    waiting: Arc<AtomicUsize>,
}

/// How many wait in this process: nearly always none, which is all that most requests need to know.
///
/// The load orders nothing, so an execution that ends just as a duplicate begins to wait may not see that duplicate. If
/// nobody else waits with it, its first pause is short.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Whether anybody in this process waits for anything: one relaxed load.
pub(super) fn somebody_waits() -> bool {
    WAITING.load(Ordering::Relaxed) > 0
}

/// One who waits, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(());

impl Waiting {
    pub(crate) fn begin() -> Self {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place among those who wait for an original; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Counters {
    /// What tells all clones from others.
    pub(super) fn family(&self) -> &Arc<AtomicUsize> {
        &self.waiting
    }

    /// Takes one of so many places, unless all are taken.
    pub(crate) fn place_to_wait(&self, places: usize) -> Option<Place> {
        let next = |inside| (inside < places).then_some(inside + 1);
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .ok()?;
        Some(Place(Arc::clone(&self.waiting)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
