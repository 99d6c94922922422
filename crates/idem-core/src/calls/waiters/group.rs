//! Those who wait for the same request under one key, and what they know together.

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

/// How old a group's knowledge may be for a request to join without a claim of its own.
const RECENT: Duration = Duration::from_secs(1);

/// The duplicates of one request that wait in one [`Idempotency`](crate::Idempotency) and its clones.
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
    /// Whose the next turn is.
    pub(super) next: Option<u64>,
    pub(super) turn_at: Instant,
    /// The next turn is due before its time, because an execution has ended.
    pub(super) is_due: bool,
    pub(super) pause: Duration,
    /// How many turns there have been, and when the last one began or ended.
    pub(super) turns: u64,
    pub(super) last_turn: Instant,
    /// The latest turn that found the lease.
    pub(super) answered: u64,
    /// The lease that stands in the store, and when it was seen there.
    pub(super) seen: Pending,
    seen_at: Instant,
    /// What stands there instead, and the turn that found it. The group is over then.
    pub(super) found: Option<(u64, Record)>,
}

/// When a new group asks for the first time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FirstTurn {
    /// The lease was seen just now.
    AfterPause,
    /// Something else may stand there by now.
    AtOnce,
}

impl Group {
    /// A group of one member.
    pub(super) fn new(calls: &Calls, key: Key, lease: Pending, first: FirstTurn) -> Self {
        let now = Instant::now();
        Self {
            key,
            family: Arc::clone(calls.counters.family()),
            identity: *lease.identity(),
            state: Mutex::new(State {
                members: 1,
                joined: 1,
                next: None,
                turn_at: now + FIRST_PAUSE,
                is_due: matches!(first, FirstTurn::AtOnce),
                pause: FIRST_PAUSE,
                turns: 0,
                last_turn: now,
                answered: 0,
                seen: lease,
                seen_at: now,
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

    /// Whether this is the lease of the request that the group waits for.
    pub(super) fn waits_for<'r>(&self, record: &'r Record) -> Option<&'r Pending> {
        match record {
            Record::Pending(lease) if *lease.identity() == self.identity => Some(lease),
            _ => None,
        }
    }

    /// Makes the next turn due, for any member.
    pub(super) fn make_due(&self) {
        let mut state = self.state();
        state.is_due = true;
        state.next = None;
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
    /// Whether a newcomer can do without a claim of its own.
    pub(super) fn is_recent(&self) -> bool {
        self.seen_at.elapsed() <= RECENT
    }

    /// Begins a turn, and tells its number.
    pub(super) fn begin_turn(&mut self, now: Instant) -> u64 {
        self.turns += 1;
        self.last_turn = now;
        self.is_due = false;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.turn_at = now + self.pause;
        self.turns
    }

    /// The lease still stands, as this turn found.
    pub(super) fn saw(&mut self, turn: u64, lease: Pending, now: Instant) {
        self.answered = self.answered.max(turn);
        (self.seen, self.seen_at) = (lease, now);
        self.last_turn = now;
        self.turn_at = now + self.pause;
    }

    /// The lease as it is now, if nothing has happened to it since it was seen.
    pub(super) fn lease_at(&self, now: Instant) -> Pending {
        let passed = now.duration_since(self.seen_at);
        let remaining = self.seen.remaining();
        let remaining = remaining.map(|remaining| remaining.saturating_sub(passed));
        Pending::new(*self.seen.owner(), *self.seen.identity(), remaining)
    }
}
