//! Duplicates that wait for their original: bounded in time and in number.

use tokio::time::Instant;

use crate::{
    calls::{FirstTurn, Member, Place, Turn},
    execution::KeyedRequest,
    policy::{LONGEST, Wait},
    record::{Pending, Record},
};

/// A duplicate that waits, from when it took its place.
#[derive(Debug)]
pub(super) struct Waiter<'a> {
    request: &'a KeyedRequest,
    member: Member,
    until: Instant,
}

/// Whether a duplicate waits.
pub(super) enum Entry<'a> {
    Waits(Waiter<'a>),
    /// Nobody listens any more.
    NobodyListens,
    /// It may wait, but all places are taken.
    NoPlace,
}

/// What a duplicate that waited does next.
pub(super) enum Waited {
    /// It claims the key, in the turn of this number.
    Ask(u64),
    /// It decides by this.
    Found(Record),
}

impl<'a> Waiter<'a> {
    /// Joins others that wait for the same request, without asking the store first: only if there are any, and a place.
    pub(super) fn among_others(request: &'a KeyedRequest, wait: Wait) -> Option<Self> {
        let calls = request.calls();
        let identity = request.lease().identity();
        let member = calls.join_waiters(request.record_key(), identity)?;
        let place = calls.counters.place_to_wait(wait.waiters)?;
        Some(Self::new(request, member, place, wait))
    }

    /// Waits for the end of this lease.
    pub(super) fn enter(request: &'a KeyedRequest, lease: &Pending, wait: Wait) -> Entry<'a> {
        if request.state().has_vanished() {
            return Entry::NobodyListens;
        }
        let calls = request.calls();
        let Some(place) = calls.counters.place_to_wait(wait.waiters) else {
            return Entry::NoPlace;
        };
        let member = calls.wait_for(request.record_key(), lease, FirstTurn::AfterPause);
        Entry::Waits(Self::new(request, member, place, wait))
    }

    fn new(request: &'a KeyedRequest, member: Member, place: Place, wait: Wait) -> Self {
        request.state().take_place(place);
        Self {
            request,
            member,
            until: Instant::now() + wait.at_most.min(LONGEST),
        }
    }

    /// Waits until there is something to do.
    pub(super) async fn turn(&mut self) -> Waited {
        let calls = self.request.calls();
        loop {
            match self.member.turn(calls, self.until).await {
                Turn::Ask(turn) => return Waited::Ask(turn),
                Turn::Found(record) => return Waited::Found(record),
                Turn::Over(lease) => {
                    let key = self.request.record_key();
                    self.member = calls.wait_for(key, &lease, FirstTurn::AtOnce);
                }
            }
        }
    }

    /// Tells the others what this one found in its turn.
    pub(super) fn tell(&self, turn: u64, found: &Record) {
        self.member.tell(turn, found);
    }

    /// Whether it has waited long enough, or nobody listens any more.
    pub(super) fn is_over(&self) -> bool {
        self.request.state().has_vanished() || Instant::now() >= self.until
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.request.state().leave_place();
    }
}
