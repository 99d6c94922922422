//! Duplicates that wait for their original: bounded in time and in number.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{execution::Watch, policy::Wait};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Counts who waits.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    inside: Arc<AtomicUsize>,
}

/// A place in the room; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

/// What a duplicate does next.
pub(crate) enum Waited {
    /// It waited a while: the original may have ended.
    AskAgain,
    /// It has waited long enough, or nobody listens any more.
    Enough,
    /// It may wait, but all places are taken.
    NoPlace,
}

impl WaitingRoom {
    /// Waits a while, in the place that the duplicate has or takes now.
    pub(crate) async fn wait<'a>(
        &self,
        waiter: &mut Option<Waiter<'a>>,
        watch: &'a Watch,
        wait: Wait,
    ) -> Waited {
        if watch.has_vanished() {
            return Waited::Enough;
        }
        if waiter.is_none() {
            let Some(place) = self.enter(wait.waiters) else {
                return Waited::NoPlace;
            };
            watch.take_place(place);
        }
        let waiter = waiter.get_or_insert_with(|| Waiter::new(watch, wait.at_most));
        waiter.pause().await
    }

    /// Takes a place, unless all are taken.
    fn enter(&self, places: usize) -> Option<Place> {
        let next = |inside| (inside < places).then_some(inside + 1);
        self.inside
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .ok()?;
        Some(Place(Arc::clone(&self.inside)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The time that a duplicate has for waiting. It leaves its place when it is dropped, or before, when its
/// caller vanishes: it may have a claim under way then, which somebody else brings to its end.
#[derive(Debug)]
pub(crate) struct Waiter<'a> {
    watch: &'a Watch,
    entered: Instant,
    at_most: Duration,
    pause: Duration,
}

impl<'a> Waiter<'a> {
    fn new(watch: &'a Watch, at_most: Duration) -> Self {
        Self {
            watch,
            entered: Instant::now(),
            at_most,
            pause: FIRST_PAUSE,
        }
    }

    async fn pause(&mut self) -> Waited {
        let left = self.at_most.saturating_sub(self.entered.elapsed());
        if left.is_zero() {
            return Waited::Enough;
        }
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Waited::AskAgain
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.watch.leave_place();
    }
}
