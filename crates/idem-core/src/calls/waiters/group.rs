//! Those who claim or wait for the same request under one key, and what they know together.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use crate::{
    calls::{Calls, waiters::Key},
    record::{Identity, Pending, Record},
};

pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How old the group's knowledge of a lease may be for a request to rely on it when it joins.
const RECENT: Duration = Duration::from_secs(1);

/// The requests in one [`Idempotency`](crate::Idempotency) and its clones that have one identity, and of which one at
/// most executes.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: Key,
    /// Shared by those clones.
    family: Arc<AtomicUsize>,
    identity: Identity,
    state: Mutex<State>,
    /// Wakes one member when the next turn is nobody's, and all of them when each has to look.
    changed: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) members: usize,
    /// How many have joined so far; each member has its number.
    pub(super) joined: u64,
    /// Whose the next turn is: the last one's, until it is late or leaves.
    pub(super) next: Option<u64>,
    /// Whose claim is on its way.
    pub(super) asking: Option<u64>,
    pub(super) turn_at: Instant,
    /// The next turn is due before its time: an execution has ended, or some do not know yet what stands in the store.
    pub(super) is_due: bool,
    pub(super) pause: Duration,
    /// How many turns there have been, and when the last one began or ended.
    pub(super) turns: u64,
    pub(super) last_turn: Instant,
    /// The latest turn that the store answered, and when.
    pub(super) answered: u64,
    pub(super) answered_at: Instant,
    /// The latest turn that had begun when an execution ended. What it found may be over.
    ended: u64,
    /// The lease that the latest answer found.
    lease: Option<Pending>,
    /// The latest turn that found something else, which ends the wait of those who had joined before it.
    pub(super) found: Option<(u64, Record)>,
}

impl Group {
    /// A group without members, which knows nothing.
    pub(super) fn new(calls: &Calls, key: Key, identity: Identity) -> Self {
        let now = Instant::now();
        Self {
            key,
            family: Arc::clone(calls.counters.family()),
            identity,
            state: Mutex::new(State {
                members: 0,
                joined: 0,
                next: None,
                asking: None,
                turn_at: now,
                is_due: false,
                pause: FIRST_PAUSE / 2,
                turns: 0,
                last_turn: now,
                answered: 0,
                answered_at: now,
                ended: 0,
                lease: None,
                found: None,
            }),
            changed: Notify::new(),
        }
    }

    pub(super) fn is_of(&self, calls: &Calls, identity: &Identity) -> bool {
        self.is_in_family_of(calls) && self.identity == *identity
    }

    pub(super) fn is_in_family_of(&self, calls: &Calls) -> bool {
        Arc::ptr_eq(&self.family, calls.counters.family())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a turn found in the store.
    pub(super) fn learn(&self, turn: u64, found: &Record) {
        let now = Instant::now();
        let mut state = self.state();
        let is_news = match found {
            Record::Pending(lease) if *lease.identity() == self.identity => {
                state.saw(turn, *lease, now)
            }
            _ => state.found(turn, found, now),
        };
        drop(state);
        if is_news {
            self.wake_all();
        }
    }

    /// Makes the next turn due, for any member, because an execution has ended.
    pub(super) fn an_execution_ended(&self) {
        let mut state = self.state();
        state.ended = state.turns;
        state.make_due();
        drop(state);
        self.wake_one();
    }

    /// Resolves when this member or all of them are woken.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(super) fn wake_one(&self) {
        self.changed.notify_one();
    }

    pub(super) fn wake_all(&self) {
        self.changed.notify_waiters();
    }
}

impl State {
    /// Whether the lease was seen since this time, or shortly before.
    pub(super) fn knows_since(&self, time: Instant) -> bool {
        self.lease.is_some() && self.answered_at + RECENT >= time
    }

    /// Whether an execution has ended since the store was asked for what is known.
    pub(super) fn is_outdated(&self) -> bool {
        self.answered <= self.ended
    }

    /// Begins a turn of this member, and tells its number.
    pub(super) fn begin_turn(&mut self, member: u64, now: Instant) -> u64 {
        self.turns += 1;
        self.last_turn = now;
        (self.next, self.asking) = (Some(member), Some(member));
        self.is_due = false;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.turn_at = now + self.pause;
        self.turns
    }

    /// The claim of this member is answered, or comes to nothing.
    pub(super) fn stops_asking(&mut self, member: u64) {
        if self.asking == Some(member) {
            self.asking = None;
        }
    }

    fn make_due(&mut self) {
        self.is_due = true;
        self.next = None;
    }

    /// The lease stands, as this turn found; whether that is news.
    fn saw(&mut self, turn: u64, lease: Pending, now: Instant) -> bool {
        if turn < self.answered {
            return false;
        }
        let was_known = self.knows_since(now);
        self.answer(turn, now);
        self.lease = Some(lease);
        self.turn_at = now + self.pause;
        !was_known
    }

    /// Something else stands there, as this turn found; whether that is news. Those who joined while it was under
    /// way ask again, together.
    fn found(&mut self, turn: u64, record: &Record, now: Instant) -> bool {
        if self
            .found
            .as_ref()
            .is_some_and(|(latest, _)| turn < *latest)
        {
            return false;
        }
        self.answer(turn, now);
        self.lease = None;
        self.found = Some((turn, record.clone()));
        self.pause = FIRST_PAUSE / 2;
        self.make_due();
        true
    }

    fn answer(&mut self, turn: u64, now: Instant) {
        self.answered = self.answered.max(turn);
        (self.answered_at, self.last_turn) = (now, now);
    }

    /// The lease as it is now, if nothing has happened to it since it was seen.
    pub(super) fn lease_at(&self, now: Instant) -> Option<Pending> {
        let lease = self.lease?;
        let passed = now.duration_since(self.answered_at);
        let remaining = lease.remaining();
        let remaining = remaining.map(|remaining| remaining.saturating_sub(passed));
        Some(Pending::new(*lease.owner(), *lease.identity(), remaining))
    }
}
