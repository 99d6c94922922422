//! Duplicates that wait for their original: bounded in time and in number.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::policy::Wait;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Counts who waits.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    inside: AtomicUsize,
}

/// What a duplicate does next.
pub(crate) enum Waited {
    /// It waited a while: the original may have ended.
    AskAgain,
    /// It has waited long enough.
    Enough,
    /// It may wait, but all places are taken.
    NoPlace,
}

impl WaitingRoom {
    /// Waits a while, in the place that the duplicate has or takes now.
    pub(crate) async fn wait<'a>(&'a self, place: &mut Option<Waiter<'a>>, wait: Wait) -> Waited {
        if place.is_none() {
            *place = self.enter(wait);
        }
        match place {
            None => Waited::NoPlace,
            Some(waiter) => waiter.pause().await,
        }
    }

    /// Takes a place, unless all are taken.
    fn enter(&self, wait: Wait) -> Option<Waiter<'_>> {
        let next = |inside| (inside < wait.waiters).then_some(inside + 1);
        self.inside
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .ok()?;
        Some(Waiter {
            room: self,
            entered: Instant::now(),
            at_most: wait.at_most,
            pause: FIRST_PAUSE,
        })
    }
}

/// A place among those who wait; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Waiter<'a> {
    room: &'a WaitingRoom,
    entered: Instant,
    at_most: Duration,
    pause: Duration,
}

impl Waiter<'_> {
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
        self.room.inside.fetch_sub(1, Ordering::Relaxed);
    }
}
