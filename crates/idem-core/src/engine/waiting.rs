//! Duplicates that wait for their original: bounded in time and in number.

use std::time::Duration;

use tokio::time::Instant;

use crate::{execution::KeyedRequest, policy::Wait};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A duplicate that waits, from when it took its place.
#[derive(Debug)]
pub(super) struct Waiter<'a> {
    request: &'a KeyedRequest,
    entered: Instant,
    at_most: Duration,
    pause: Duration,
}

/// What a duplicate does next.
pub(super) enum Waited {
    /// It waited a while: the original may have ended.
    AskAgain,
    /// It has waited long enough, or nobody listens any more.
    Enough,
    /// It may wait, but all places are taken.
    NoPlace,
}

/// Waits a while, in the place that the duplicate has or takes now.
pub(super) async fn wait<'a>(
    waiter: &mut Option<Waiter<'a>>,
    request: &'a KeyedRequest,
    wait: Wait,
) -> Waited {
    if request.state().has_vanished() {
        return Waited::Enough;
    }
    if waiter.is_none() {
        let Some(place) = request.calls().counters.place_to_wait(wait.waiters) else {
            return Waited::NoPlace;
        };
        request.state().take_place(place);
    }
    let waiter = waiter.get_or_insert_with(|| Waiter::new(request, wait.at_most));
    waiter.pause().await
}

impl<'a> Waiter<'a> {
    fn new(request: &'a KeyedRequest, at_most: Duration) -> Self {
        Self {
            request,
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
        self.request.state().leave_place();
    }
}
