//! A member of a group: when it is its turn to ask, and what it learns from the others.

use std::{ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::{
    calls::{
        Calls,
        waiters::{
            group::{FIRST_PAUSE, Group, State},
            table,
        },
    },
    record::Record,
};

/// How late a turn may be before another member takes it, because the thread of the one who has it may be blocked. It is
/// less if the store has less time for a call.
const LATE: Duration = Duration::from_secs(1);

/// One who claims or waits, until it is dropped.
#[derive(Debug)]
pub(crate) struct Member {
    group: Arc<Group>,
    number: u64,
    /// How many turns had begun when it joined.
    joined_after: u64,
    joined_at: Instant,
    /// How long one of its calls to the store may take.
    call_timeout: Duration,
}

/// What a member does next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Claim the key in the turn of this number, and tell the others what it found.
    Ask(u64),
    /// Decide by this record, which stands in the store.
    Found(Record),
    /// Take a place to wait in, because the lease stands in the store.
    Known,
    /// Go on as if its own claim had failed: the store had time to answer one, and answered nobody.
    Unanswered,
}

impl Member {
    /// Joins a group. To be called inside the table, so that the group does not leave it meanwhile.
    pub(super) fn of(group: &Arc<Group>, call_timeout: Duration) -> Self {
        let mut state = group.state();
        let number = state.joined;
        state.joined += 1;
        state.members += 1;
        Self {
            group: Arc::clone(group),
            number,
            joined_after: state.turns,
            joined_at: Instant::now(),
            call_timeout,
        }
    }

    /// Begins a turn if this member, which has just joined, has nothing to wait for: no claim is on its way, and no
    /// lease was seen lately.
    pub(crate) fn asks_first(&self) -> Option<u64> {
        let mut state = self.group.state();
        let waits = state.asking.is_some() || state.knows_since(self.joined_at);
        (!waits).then(|| state.begin_turn(self.number, Instant::now()))
    }

    /// Whether the lease was seen since it joined, or shortly before.
    #[cfg(test)]
    pub(super) fn knows(&self) -> bool {
        self.group.state().knows_since(self.joined_at)
    }

    /// Waits until it is this member's turn, or until it is known what stands in the store. Once its time is over, that
    /// is the lease itself. Without a time, it has no place yet to wait for the lease.
    ///
    /// # Cancel safety
    /// Safe: another member takes the turn.
    pub(crate) async fn turn(&self, calls: &Calls, until: Option<Instant>) -> Turn {
        // How long it was not polled although it was due, because this thread was blocked or the whole process stood
        // still. The store could not answer during that time.
        let mut stalled = Duration::ZERO;
        loop {
            let mut changed = pin!(self.group.changed());
            // Before the look, so that a change between the two is not missed.
            changed.as_mut().enable();
            match self.look(calls, until, stalled) {
                ControlFlow::Break(turn) => return turn,
                ControlFlow::Continue(at) => {
                    drop(timeout_at(at, changed).await);
                    stalled += at.elapsed();
                }
            }
        }
    }

    /// What to do now, or when to look again.
    fn look(
        &self,
        calls: &Calls,
        until: Option<Instant>,
        stalled: Duration,
    ) -> ControlFlow<Turn, Instant> {
        let now = Instant::now();
        let mut state = self.group.state();
        if let Some((turn, record)) = &state.found {
            if self.joined_after < *turn {
                return ControlFlow::Break(Turn::Found(record.clone()));
            }
        }
        // In a drain, a claim is refused before it reaches the store.
        if calls.counters.executions.is_closed() {
            return ControlFlow::Break(Turn::Ask(state.begin_turn(self.number, now)));
        }
        if state.knows_since(self.joined_at) {
            match until {
                Some(until) if now >= until => {
                    return self.look_last(&mut state, now, until + stalled);
                }
                Some(until) => return self.look_at(&mut state, now, until),
                None if !state.is_outdated() => return ControlFlow::Break(Turn::Known),
                None => {}
            }
        }
        let asked_at = self.joined_at.max(state.answered_at);
        let unanswered = asked_at + 2 * self.call_timeout + stalled;
        if now >= unanswered {
            return ControlFlow::Break(Turn::Unanswered);
        }
        self.look_at(&mut state, now, unanswered)
    }

    /// Asks if it is this member's turn.
    fn look_at(&self, state: &mut State, now: Instant, end: Instant) -> ControlFlow<Turn, Instant> {
        let late = state.turn_at + LATE.min(self.call_timeout);
        if state.next.is_none() || now >= late {
            state.next = Some(self.number);
        }
        if state.next != Some(self.number) {
            return ControlFlow::Continue(end.min(late));
        }
        if !state.is_due && now < state.turn_at {
            return ControlFlow::Continue(end.min(state.turn_at));
        }
        ControlFlow::Break(Turn::Ask(state.begin_turn(self.number, now)))
    }

    /// Decides at the end of its wait. A member asks again if it waits alone, if it came after the last turn had begun, or if an
    /// execution has ended since. Of many with the same end, one does. The others wait for it if what they know is
    /// old.
    fn look_last(
        &self,
        state: &mut State,
        now: Instant,
        until: Instant,
    ) -> ControlFlow<Turn, Instant> {
        let has_waited = now.duration_since(state.last_turn) >= state.pause / 2;
        if has_waited || state.is_due || state.turns == self.joined_after {
            return ControlFlow::Break(Turn::Ask(state.begin_turn(self.number, now)));
        }
        // The one that asks is answered soon, or else the store answers nobody.
        let is_old =
            state.answered <= self.joined_after || state.is_outdated() || !state.knows_since(now);
        if is_old && now < until + state.pause / 2 {
            return ControlFlow::Continue(now + FIRST_PAUSE);
        }
        let lease = state.lease_at(now).map(Record::Pending);
        ControlFlow::Break(lease.map_or(Turn::Unanswered, Turn::Found))
    }

    /// Tells the others what this member found in its turn.
    pub(crate) fn tell(&self, turn: u64, found: &Record) {
        self.group.state().stops_asking(self.number);
        self.group.learn(turn, found);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let had_turn = table::with(&self.group.key, |groups| {
            let mut state = self.group.state();
            state.members -= 1;
            if state.members == 0 {
                groups.retain(|group| !Arc::ptr_eq(group, &self.group));
            }
            state.stops_asking(self.number);
            let had_turn = state.next.is_none_or(|next| next == self.number);
            if had_turn {
                state.next = None;
            }
            had_turn
        });
        if had_turn {
            self.group.wake_one();
        }
    }
}
