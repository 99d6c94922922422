//! Duplicates that wait for one original: one of them asks the store for all.
//!
//! The one whose turn it is claims the key for itself, so that it executes if the key is free, and otherwise
//! [tells](Member::tell) the others what stands there. The pause between two turns belongs to the group, so it
//! does not depend on who comes and goes. The end of an execution in this process makes it the next one's turn at once.
//!
//! A member uses what another one found only if that was asked for after it came. So whatever it is told stood in
//! the store while it waited.

use std::{
    ops::ControlFlow,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    calls::Calls,
    contract::StoreIdentity,
    events::shielded,
    record::{Identity, Pending, Record, RecordKey},
};

mod table;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How late a turn may be before another member takes it: the thread of the one who has it may be blocked.
const LATE: Duration = Duration::from_secs(1);

/// How old a group's knowledge may be for a request to join without a claim of its own.
const RECENT: Duration = Duration::from_secs(1);

/// Those who wait for the same request under one key.
#[derive(Debug)]
struct Group {
    key: Key,
    /// Shared by the clones of one [`Idempotency`](crate::Idempotency), to which the group belongs.
    family: Arc<AtomicUsize>,
    identity: Identity,
    state: Mutex<State>,
    /// Wakes one member when a turn is free, and all of them when each has to look.
    changed: Notify,
}

/// A record in one of the stores of this process.
type Key = (StoreIdentity, RecordKey);

#[derive(Debug)]
struct State {
    members: usize,
    /// How many came, which gives each a number.
    came: u64,
    /// Who takes the next turn.
    next: Option<u64>,
    turn_at: Instant,
    /// It is time for a turn whatever the pause: an execution has ended.
    is_due: bool,
    pause: Duration,
    /// How many turns there were, and when the last one began or ended.
    turns: u64,
    last_turn: Instant,
    /// The lease that stands in the store, and when it was seen there.
    seen: Pending,
    seen_at: Instant,
    /// What stands there instead, and the turn in which it was found. The group is over then.
    found: Option<(u64, Record)>,
}

/// One who waits, until it is dropped.
#[derive(Debug)]
pub(crate) struct Member {
    group: Arc<Group>,
    number: u64,
    /// How many turns there were when it came.
    came_after: u64,
}

/// What a member does next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It claims the key in the turn of this number, and tells what it found.
    Ask(u64),
    /// This stands in the store.
    Found(Record),
    /// The group is over by what was asked for before this member came: it waits in another one.
    Over(Pending),
}

impl Calls {
    /// Joins those who wait for the same, if there are any and they asked a short while ago.
    pub(crate) fn join_waiters(&self, key: &RecordKey, identity: &Identity) -> Option<Member> {
        if table::is_empty() {
            return None;
        }
        let key = self.key(key);
        table::with(&key, |groups| {
            let group = groups.iter().find(|group| group.is_of(self, identity))?;
            Group::join(group, |state| state.seen_at.elapsed() <= RECENT)
        })
    }

    /// Joins those who wait for the end of this lease, or is the first of them.
    pub(crate) fn wait_for(&self, key: &RecordKey, lease: &Pending, first: FirstTurn) -> Member {
        let key = self.key(key);
        table::with(&key, |groups| {
            let same = |group: &&Arc<Group>| group.is_of(self, lease.identity());
            let joined = groups.iter().find(same);
            if let Some(member) = joined.and_then(|group| Group::join(group, |_| true)) {
                return member;
            }
            let group = Arc::new(Group::new(self, key, *lease, first));
            groups.push(Arc::clone(&group));
            Member {
                group,
                number: 0,
                came_after: 0,
            }
        })
    }

    /// An execution has ended: those who wait for its key look at once, whichever
    /// [`Idempotency`](crate::Idempotency) on the store theirs is.
    pub(crate) fn wake_waiters(&self, key: &RecordKey) {
        if table::is_empty() {
            return;
        }
        for group in table::groups(&self.key(key)) {
            let mut state = group.state();
            state.is_due = true;
            state.next = None;
            drop(state);
            group.changed.notify_one();
        }
    }

    /// No more executions begin here, which all who wait have to know.
    pub(crate) fn dismiss_waiters(&self) {
        for group in table::all() {
            if Arc::ptr_eq(&group.family, self.counters.family()) {
                group.changed.notify_waiters();
            }
        }
    }

    /// A store's identity decides only who is woken: a wrong one costs time or a call, and gives no wrong answer.
    fn key(&self, key: &RecordKey) -> Key {
        let identity = shielded(|| self.store.identity());
        let identity = identity.unwrap_or_else(|| StoreIdentity::of_parts([""; 0]));
        (identity, *key)
    }
}

/// When a group first asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FirstTurn {
    /// The lease was seen just now.
    AfterPause,
    /// Nobody knows what stands there now.
    AtOnce,
}

impl Group {
    fn new(calls: &Calls, key: Key, lease: Pending, first: FirstTurn) -> Self {
        let now = Instant::now();
        Self {
            key,
            family: Arc::clone(calls.counters.family()),
            identity: *lease.identity(),
            state: Mutex::new(State {
                members: 1,
                came: 1,
                next: None,
                turn_at: now + FIRST_PAUSE,
                is_due: matches!(first, FirstTurn::AtOnce),
                pause: FIRST_PAUSE,
                turns: 0,
                last_turn: now,
                seen: lease,
                seen_at: now,
                found: None,
            }),
            changed: Notify::new(),
        }
    }

    /// Called within the table, so that the group does not leave it meanwhile.
    fn join(group: &Arc<Self>, if_so: impl FnOnce(&State) -> bool) -> Option<Member> {
        let mut state = group.state();
        if state.found.is_some() || !if_so(&state) {
            return None;
        }
        let number = state.came;
        state.came += 1;
        state.members += 1;
        Some(Member {
            group: Arc::clone(group),
            number,
            came_after: state.turns,
        })
    }

    fn is_of(&self, calls: &Calls, identity: &Identity) -> bool {
        Arc::ptr_eq(&self.family, calls.counters.family()) && self.identity == *identity
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_turn(&mut self, now: Instant) -> Turn {
        self.turns += 1;
        self.last_turn = now;
        self.is_due = false;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.turn_at = now + self.pause;
        Turn::Ask(self.turns)
    }

    /// What is left of the lease is less by what has passed since.
    fn seen(&self, now: Instant) -> Pending {
        let passed = now.duration_since(self.seen_at);
        let remaining = self.seen.remaining();
        let remaining = remaining.map(|remaining| remaining.saturating_sub(passed));
        Pending::new(*self.seen.owner(), *self.seen.identity(), remaining)
    }
}

impl Member {
    /// Waits until it is this member's turn, or it is known what stands in the store. That is the lease itself once
    /// its time is over.
    ///
    /// # Cancel safety
    /// Safe: a turn that was about to be this member's is another's.
    pub(crate) async fn turn(&self, calls: &Calls, until: Instant) -> Turn {
        loop {
            let mut changed = pin!(self.group.changed.notified());
            // Before the look, so that a change between the two is not missed.
            changed.as_mut().enable();
            match self.look(calls, until) {
                ControlFlow::Break(turn) => return turn,
                ControlFlow::Continue(at) => drop(timeout_at(at, changed).await),
            }
        }
    }

    fn look(&self, calls: &Calls, until: Instant) -> ControlFlow<Turn, Instant> {
        let now = Instant::now();
        let mut state = self.group.state();
        if let Some((turn, record)) = &state.found {
            return ControlFlow::Break(if self.came_after < *turn {
                Turn::Found(record.clone())
            } else {
                Turn::Over(state.seen)
            });
        }
        // Whoever asks in a drain is told so, and asks no store.
        if calls.counters.executions.is_closed() {
            return ControlFlow::Break(state.take_turn(now));
        }
        if now >= until {
            // One who waits alone looks a last time. Of many who came together only some do.
            let is_stale = now.duration_since(state.last_turn) >= state.pause / 2;
            return ControlFlow::Break(if is_stale {
                state.take_turn(now)
            } else {
                Turn::Found(Record::Pending(state.seen(now)))
            });
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
        ControlFlow::Break(state.take_turn(now))
    }

    /// Tells the others what was found in this member's turn.
    pub(crate) fn tell(&self, turn: u64, found: &Record) {
        let mut state = self.group.state();
        if state.found.is_some() {
            return;
        }
        let now = Instant::now();
        match found {
            Record::Pending(lease) if *lease.identity() == self.group.identity => {
                (state.seen, state.seen_at) = (*lease, now);
                state.last_turn = now;
                state.turn_at = now + state.pause;
            }
            other => {
                state.found = Some((turn, other.clone()));
                drop(state);
                table::with(&self.group.key, |groups| {
                    groups.retain(|group| !Arc::ptr_eq(group, &self.group));
                });
                self.group.changed.notify_waiters();
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.group.state().found.is_some() {
            // It has left the table already.
            return;
        }
        let has_turn = table::with(&self.group.key, |groups| {
            let mut state = self.group.state();
            state.members -= 1;
            if state.members == 0 {
                groups.retain(|group| !Arc::ptr_eq(group, &self.group));
            }
            let has_turn = state.next.is_none_or(|next| next == self.number);
            if has_turn {
                state.next = None;
            }
            has_turn
        });
        if has_turn {
            self.group.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MemoryStore, Policy,
        record::{Completed, NotKept, OwnerToken},
        request::Fingerprint,
    };

    const WAIT: Duration = Duration::from_secs(5);

    fn calls() -> Calls {
        Calls::new(Arc::new(MemoryStore::new()), Policy::default())
    }

    fn key() -> RecordKey {
        RecordKey::from_bytes([7; 32])
    }

    fn lease() -> Pending {
        let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
        Pending::new(OwnerToken::random(), identity, None)
    }

    fn completed(lease: &Pending) -> Record {
        let outcome = NotKept::Stream.into();
        Record::Completed(Completed::new(*lease.owner(), *lease.identity(), outcome))
    }

    async fn asks(member: &Member, calls: &Calls) -> u64 {
        match member.turn(calls, Instant::now() + WAIT).await {
            Turn::Ask(turn) => turn,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_before_one_came_is_not_told_to_it() {
        let (calls, key, lease) = (calls(), key(), lease());
        let first = calls.wait_for(&key, &lease, FirstTurn::AfterPause);
        let early = calls.join_waiters(&key, lease.identity()).unwrap();
        let turn = asks(&first, &calls).await;
        let late = calls.join_waiters(&key, lease.identity()).unwrap();
        first.tell(turn, &completed(&lease));
        let until = Instant::now() + WAIT;
        assert!(matches!(early.turn(&calls, until).await, Turn::Found(_)));
        assert!(matches!(late.turn(&calls, until).await, Turn::Over(_)));
        // Together with others that came too late, it asks at once.
        let started = Instant::now();
        let again = calls.wait_for(&key, &lease, FirstTurn::AtOnce);
        let other = calls.wait_for(&key, &lease, FirstTurn::AtOnce);
        let turn = asks(&again, &calls).await;
        assert!(started.elapsed().is_zero());
        again.tell(turn, &completed(&lease));
        assert!(matches!(other.turn(&calls, until).await, Turn::Found(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_of_a_key_for_which_nobody_waits_any_more() {
        let (calls, key, lease) = (calls(), key(), lease());
        let name = calls.key(&key);
        let members = [(); 3].map(|()| calls.wait_for(&key, &lease, FirstTurn::AfterPause));
        assert_eq!(table::groups(&name).len(), 1);
        drop(members);
        assert!(table::groups(&name).is_empty());

        let first = calls.wait_for(&key, &lease, FirstTurn::AfterPause);
        let turn = asks(&first, &calls).await;
        first.tell(turn, &completed(&lease));
        assert!(table::groups(&name).is_empty(), "nobody joins it any more");
        let next = calls.wait_for(&key, &lease, FirstTurn::AfterPause);
        drop(first);
        assert_eq!(table::groups(&name).len(), 1);
        drop(next);
        assert!(table::groups(&name).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn those_of_one_layer_do_not_rely_on_what_those_of_another_find() {
        let (key, lease) = (key(), lease());
        let store: Arc<MemoryStore> = Arc::default();
        let here = Calls::new(store.clone(), Policy::default());
        let there = Calls::new(store, Policy::default());
        let _waits = here.wait_for(&key, &lease, FirstTurn::AfterPause);
        assert!(there.join_waiters(&key, lease.identity()).is_none());
        let clone = here.with_policy(Policy::ietf());
        assert!(clone.join_waiters(&key, lease.identity()).is_some());
    }
}
