//! Requests whose policy lets duplicates wait: bounded in time and in number.

use tokio::time::Instant;

use crate::{
    calls::{Member, Turn, Waiting},
    execution::KeyedRequest,
    policy::{LONGEST, Wait},
    record::{Pending, Record},
};

/// A request that claims its key, or waits for another one that has claimed it.
#[derive(Debug)]
pub(super) struct Waiter<'a> {
    request: &'a KeyedRequest,
    wait: Wait,
    member: Member,
    /// The turn that it began when it joined.
    first: Option<u64>,
    /// Counts it among those who wait, from the moment it begins to.
    waiting: Option<Waiting>,
    /// Until when it waits, once it has a place.
    until: Option<Instant>,
}

impl<'a> Waiter<'a> {
    /// Joins the requests that ask for the same, if there are any.
    pub(super) fn enter(request: &'a KeyedRequest, wait: Wait) -> Self {
        let calls = request.calls();
        let timeout = calls.policy.call_timeout(request.term().duration());
        let identity = request.lease().identity();
        let member = calls.join_waiters(request.record_key(), identity, timeout);
        Self {
            request,
            wait,
            first: member.asks_first(),
            member,
            waiting: None,
            until: None,
        }
    }

    /// Takes a place among those who wait, unless all are taken.
    pub(super) fn takes_place(&mut self) -> bool {
        let counters = &self.request.calls().counters;
        let Some(place) = counters.place_to_wait(self.wait.waiters) else {
            return false;
        };
        self.request.state().take_place(place);
        self.until = Some(Instant::now() + self.wait.at_most.min(LONGEST));
        true
    }

    /// Waits until there is something to do.
    pub(super) async fn turn(&mut self) -> Turn {
        if let Some(turn) = self.first.take() {
            return Turn::Ask(turn);
        }
        self.waiting.get_or_insert_with(Waiting::begin);
        self.member.turn(self.request.calls(), self.until).await
    }

    /// Tells the others what this one found in its turn.
    pub(super) fn tell(&self, turn: u64, found: &Record) {
        self.member.tell(turn, found);
    }

    /// Tells the others that the key was free in its turn, and is now its own.
    pub(super) fn tell_own(&self, turn: u64) {
        let lease = self.request.lease();
        let lease = Pending::new(*lease.owner(), *lease.identity(), Some(lease.duration()));
        self.tell(turn, &Record::Pending(lease));
    }

    /// Whether it has waited long enough, or nobody listens any more.
    pub(super) fn is_over(&self) -> bool {
        let is_past = |until| Instant::now() >= until;
        self.request.state().has_vanished() || self.until.is_some_and(is_past)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.request.state().leave_place();
    }
}
