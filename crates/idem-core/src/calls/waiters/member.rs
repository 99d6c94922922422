//! One who waits: when it is its turn to ask, and what it learns from the others.

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
    record::{Pending, Record},
};

/// How late a turn may be before another member takes it, because the thread of the one who has it may be blocked.
const LATE: Duration = Duration::from_secs(1);

/// One who waits, until it is dropped.
#[derive(Debug)]
pub(crate) struct Member {
    group: Arc<Group>,
    number: u64,
    /// How many turns had begun when it joined.
    joined_after: u64,
}

/// What a member does next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Claim the key in the turn of this number, and tell the others what it found.
    Ask(u64),
    /// Decide by this record, which stands in the store.
    Found(Record),
    /// Wait in another group for this lease: this one is over, and nobody asked after this member had joined.
    Over(Pending),
}

impl Member {
    /// The founder of a group.
    pub(super) const fn first(group: Arc<Group>) -> Self {
        Self {
            group,
            number: 0,
            joined_after: 0,
        }
    }

    /// Joins a group that is not over. To be called inside the table, so that the group does not leave it meanwhile.
    pub(super) fn join(group: &Arc<Group>, may: impl FnOnce(&State) -> bool) -> Option<Self> {
        let mut state = group.state();
        if state.found.is_some() || !may(&state) {
            return None;
        }
        let number = state.joined;
        state.joined += 1;
        state.members += 1;
        Some(Self {
            group: Arc::clone(group),
            number,
            joined_after: state.turns,
        })
    }

    /// Waits until it is this member's turn, or until it is known what stands in the store. Once its time is over, that
    /// is the lease itself.
    ///
    /// # Cancel safety
    /// Safe: another member takes the turn.
    pub(crate) async fn turn(&self, calls: &Calls, until: Instant) -> Turn {
        loop {
            let mut changed = pin!(self.group.changed());
            // Before the look, so that a change between the two is not missed.
            changed.as_mut().enable();
            match self.look(calls, until) {
                ControlFlow::Break(turn) => return turn,
                ControlFlow::Continue(at) => drop(timeout_at(at, changed).await),
            }
        }
    }

    /// What to do now, or when to look again.
    fn look(&self, calls: &Calls, until: Instant) -> ControlFlow<Turn, Instant> {
        let now = Instant::now();
        let mut state = self.group.state();
        if let Some((turn, record)) = &state.found {
            return ControlFlow::Break(if self.joined_after < *turn {
                Turn::Found(record.clone())
            } else {
                Turn::Over(state.seen)
            });
        }
        // In a drain, a claim is refused before it reaches the store.
        let is_closed = calls.counters.executions.is_closed();
        let is_over = now >= until;
        let has_waited = now.duration_since(state.last_turn) >= state.pause / 2;
        // A member that waits alone looks again at its end, and so does one that came after the last turn had begun. Of
        // many with the same end, one does.
        let looks_again = is_over && (has_waited || state.turns == self.joined_after);
        if is_closed || looks_again {
            return ControlFlow::Break(Turn::Ask(state.begin_turn(now)));
        }
        if is_over {
            // The one that asks is answered soon, or else the store answers nobody.
            if state.answered <= self.joined_after && now < until + state.pause / 2 {
                return ControlFlow::Continue(now + FIRST_PAUSE);
            }
            let lease = state.lease_at(now);
            return ControlFlow::Break(Turn::Found(Record::Pending(lease)));
        }
        if state.next.is_none() || now >= state.turn_at + LATE {
            state.next = Some(self.number);
        }
        if state.next != Some(self.number) {
            return ControlFlow::Continue(until.min(state.turn_at + LATE));
        }
        if !state.is_due && now < state.turn_at {
            return ControlFlow::Continue(until.min(state.turn_at));
        }
        ControlFlow::Break(Turn::Ask(state.begin_turn(now)))
    }

    /// Tells the others what this member found in its turn.
    pub(crate) fn tell(&self, turn: u64, found: &Record) {
        let mut state = self.group.state();
        if state.found.is_some() {
            return;
        }
        if let Some(lease) = self.group.waits_for(found) {
            state.saw(turn, *lease, Instant::now());
            return;
        }
        state.found = Some((turn, found.clone()));
        drop(state);
        table::with(&self.group.key, |groups| {
            groups.retain(|group| !Arc::ptr_eq(group, &self.group));
        });
        self.group.wake_all();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.group.state().found.is_some() {
            // The group has left the table already.
            return;
        }
        let had_turn = table::with(&self.group.key, |groups| {
            let mut state = self.group.state();
            state.members -= 1;
            if state.members == 0 {
                groups.retain(|group| !Arc::ptr_eq(group, &self.group));
            }
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
