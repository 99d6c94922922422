//! What is known here of one lease, from its claim to its end: one place, one lock, and transitions
//! as its only methods.
//!
//! ```text
//!  unclaimed ──claim_sent──▶ claiming ──owned──▶ held ──leave──▶ leaving ──left──▶ left
//!      ▲                        │                │ ▲               │
//!      └────────taken───────────┘                │ └───came_back───┘
//!                                                └──begin_end──▶ ended
//! ```
//!
//! Beside its phase a lease has a deadline, which renewals put off, and may be known to be lost.
//! Losing it ends nothing here: the work goes on, and the store's fence refuses what comes too late.
//! Whether anybody still listens is known here too, since it decides with the phase what becomes of a
//! request that is dropped.
//!
//! While the lease is held a transaction may take the place of its ending, and be handed over there. It
//! then neither leaves nor takes another one.

use std::{
    fmt, mem,
    pin::pin,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    sync::{self, Notify},
    time::Instant,
};

use crate::{
    calls::Place,
    contract::Ending,
    events::{End, shielded},
    execution::reservation::{EnlistError, Renewals},
    policy::LeaseTerm,
    record::Lease,
};

/// A lease as this process knows it.
pub(crate) struct LeaseState {
    /// What is claimed, once it is known; it does not change.
    claimed: OnceLock<(Lease, LeaseTerm)>,
    known: Mutex<Known>,
    /// Whether it was claimed in this process, so that nobody else bears it.
    claimed_here: bool,
    /// Whether it was ever sent to another process, which may bear it although that seemed to fail.
    has_set_out: AtomicBool,
    /// Made when it is first needed: few requests live long enough.
    queues: OnceLock<Box<Queues>>,
}

/// Who waits for a lease.
#[derive(Default)]
struct Queues {
    /// For it to come back or to leave, or for a transaction to be over.
    changed: Notify,
    /// Renewals go one by one, so that one for a short time does not land after one for a long time.
    renewals: sync::Mutex<()>,
}

struct Known {
    phase: Phase,
    /// Unset while nothing is known of it: most requests are duplicates, and reading a clock takes time.
    deadline: Option<Instant>,
    lost: bool,
    caller_vanished: bool,
    /// Where the caller waits, if it is a duplicate that does.
    place: Option<Place>,
    ending: EndingPlace,
}

/// The place of a transaction that commits together with the record.
enum EndingPlace {
    Free,
    /// A transaction was begun.
    Reserved(Renewals),
    /// It was handed over, to be committed or rolled back here.
    Enlisted(Renewals, Box<dyn Ending>),
    /// The execution is over, and would not end with one.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was sent, or somebody else has the key: dropping the request costs nothing.
    Unclaimed,
    /// A claim was sent, and may land.
    Claiming,
    /// Ours to renew and to end.
    Held,
    /// Being sent to another process; it comes back if that fails.
    Leaving,
    /// Another process ends it.
    Left,
    /// The work has returned: its end is sent to the store, or was.
    Ended,
}

/// Whose the end of a lease is, once it is not on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// This process ends it.
    Here,
    /// It has left, and another process ends it.
    Elsewhere,
}

/// What the end of an execution is sent with.
pub(super) enum EndsBy {
    /// Nothing: the lease has left, and another process ends it.
    Leaving,
    /// A call to the store.
    Call,
    /// The transaction that was handed over.
    Transaction(Box<dyn Ending>),
}

/// Why a lease does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stays {
    /// A transaction was begun in its execution, and ends it here.
    Enlisted,
    /// It is on its way already, or has left.
    Travelled,
    /// Its execution has ended.
    Ended,
}

/// What a request was doing when its caller vanished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its key is not ours, and no claim is on its way.
    Apart,
    /// Its claim is on its way.
    Claiming,
    /// Its key is ours.
    Executing,
}

impl Known {
    fn settled(&self) -> Option<Settled> {
        match self.phase {
            Phase::Leaving => None,
            Phase::Left => Some(Settled::Elsewhere),
            _ => Some(Settled::Here),
        }
    }

    fn renewable(&self) -> Option<Settled> {
        match self.ending {
            EndingPlace::Reserved(Renewals::Pause) | EndingPlace::Enlisted(Renewals::Pause, _) => {
                None
            }
            _ => self.settled(),
        }
    }

    fn begin_end(&mut self) -> EndsBy {
        if self.phase == Phase::Left {
            return EndsBy::Leaving;
        }
        self.phase = Phase::Ended;
        match mem::replace(&mut self.ending, EndingPlace::Closed) {
            EndingPlace::Enlisted(_, ending) => EndsBy::Transaction(ending),
            // One that was begun and not handed over comes too late from now on.
            EndingPlace::Free | EndingPlace::Reserved(_) | EndingPlace::Closed => EndsBy::Call,
        }
    }
}

impl LeaseState {
    /// A lease that is not claimed yet.
    pub(super) fn unclaimed() -> Self {
        Self::new(Phase::Unclaimed, true)
    }

    /// A lease that travelled here; how much of it remains is not known before a renewal.
    pub(super) fn arrived(lease: Lease, term: LeaseTerm) -> Self {
        let state = Self::new(Phase::Held, false);
        state.claims(lease, term);
        state
    }

    fn new(phase: Phase, claimed_here: bool) -> Self {
        Self {
            claimed: OnceLock::new(),
            known: Mutex::new(Known {
                phase,
                deadline: None,
                lost: false,
                caller_vanished: false,
                place: None,
                ending: EndingPlace::Free,
            }),
            claimed_here,
            has_set_out: AtomicBool::new(false),
            queues: OnceLock::new(),
        }
    }

    fn queues(&self) -> &Queues {
        self.queues.get_or_init(Box::default)
    }

    /// Wakes everyone who waits for a change that was made. A later waiter creates the queue before it looks,
    /// so it sees the change.
    fn wake(&self) {
        if let Some(queues) = self.queues.get() {
            queues.changed.notify_waiters();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is going to be claimed.
    pub(crate) fn claims(&self, lease: Lease, term: LeaseTerm) {
        self.claimed.get_or_init(|| (lease, term));
    }

    /// A claim is about to be sent: from now on the key may be ours.
    pub(crate) fn claim_sent(&self) {
        self.known().phase = Phase::Claiming;
    }

    /// Somebody else has the key.
    pub(crate) fn taken(&self) {
        self.known().phase = Phase::Unclaimed;
    }

    /// The claim was answered, and the lease runs until this time at least; answers whether the caller
    /// vanished meanwhile.
    pub(super) fn owned(&self, deadline: Instant) -> bool {
        let mut known = self.known();
        known.phase = Phase::Held;
        known.deadline = Some(deadline);
        known.caller_vanished
    }

    /// The store runs the lease until this time at least.
    pub(crate) fn runs_until(&self, deadline: Instant) {
        self.known().deadline = Some(deadline);
    }

    /// The lease is not, or no longer, ours; answers whether that is news.
    pub(super) fn lose(&self) -> bool {
        !mem::replace(&mut self.known().lost, true)
    }

    /// The lease sets out for another process.
    pub(super) fn leave(&self) -> Result<(), Stays> {
        let mut known = self.known();
        match (known.phase, &known.ending) {
            (Phase::Held, EndingPlace::Free | EndingPlace::Closed) => {
                known.phase = Phase::Leaving;
                self.has_set_out.store(true, Ordering::Relaxed);
                Ok(())
            }
            (Phase::Held, _) => Err(Stays::Enlisted),
            (Phase::Leaving | Phase::Left, _) => Err(Stays::Travelled),
            (Phase::Unclaimed | Phase::Claiming | Phase::Ended, _) => Err(Stays::Ended),
        }
    }

    /// It could not be sent, and is here again.
    pub(super) fn came_back(&self) {
        // Its execution may have waited long enough meanwhile, and ended.
        let _ = self.arrive_at(Phase::Held);
    }

    /// It was sent.
    pub(super) fn left(&self) -> Result<(), Stays> {
        self.arrive_at(Phase::Left)
    }

    fn arrive_at(&self, phase: Phase) -> Result<(), Stays> {
        let mut known = self.known();
        if known.phase != Phase::Leaving {
            return Err(Stays::Ended);
        }
        known.phase = phase;
        drop(known);
        self.wake();
        Ok(())
    }

    /// The work has returned: the store is told next, unless the lease has left. One that is on its way
    /// has taken too long, and comes to a lease that is lost.
    pub(super) fn begin_end(&self) -> EndsBy {
        self.known().begin_end()
    }

    /// The same, unless the lease is on its way.
    pub(super) fn begin_end_if_settled(&self) -> Option<EndsBy> {
        let mut known = self.known();
        known.settled()?;
        Some(known.begin_end())
    }

    /// Takes a transaction that was handed over, before it is known whether the execution ends with it.
    pub(super) fn take_enlisted(&self) -> Option<Box<dyn Ending>> {
        let mut known = self.known();
        match mem::replace(&mut known.ending, EndingPlace::Free) {
            EndingPlace::Enlisted(_, ending) => Some(ending),
            other => {
                known.ending = other;
                None
            }
        }
    }

    /// The end is sent to the store by a transaction.
    pub(super) fn end(&self) {
        self.known().phase = Phase::Ended;
    }

    /// Takes the place of the ending, for a transaction that is about to begin.
    pub(super) fn reserve(&self, renewals: Renewals) -> Result<(), EnlistError> {
        let mut known = self.known();
        match (known.phase, &known.ending) {
            (Phase::Held, EndingPlace::Free) => {
                known.ending = EndingPlace::Reserved(renewals);
                Ok(())
            }
            (Phase::Held, EndingPlace::Closed) => Err(EnlistError::Ended),
            (Phase::Held, _) => Err(EnlistError::AlreadyBegun),
            (Phase::Leaving | Phase::Left, _) => Err(EnlistError::Travelled),
            (Phase::Unclaimed | Phase::Claiming | Phase::Ended, _) => Err(EnlistError::Ended),
        }
    }

    /// Gives the place back: the transaction was dropped.
    pub(super) fn give_back(&self) {
        let mut known = self.known();
        if let EndingPlace::Reserved(_) = known.ending {
            known.ending = EndingPlace::Free;
            drop(known);
            self.wake();
        }
    }

    /// Puts a transaction into the place that it took; it comes back if the handler has returned.
    pub(super) fn enlist(&self, ending: Box<dyn Ending>) -> Result<(), Box<dyn Ending>> {
        let mut known = self.known();
        match (known.phase, &known.ending) {
            (Phase::Held, EndingPlace::Reserved(renewals)) => {
                known.ending = EndingPlace::Enlisted(*renewals, ending);
                Ok(())
            }
            _ => Err(ending),
        }
    }

    /// The execution is dropped: how it has ended, if the store was not told.
    pub(super) fn dropped(&self) -> Option<End> {
        let (phase, ending) = {
            let mut known = self.known();
            let ending = mem::replace(&mut known.ending, EndingPlace::Closed);
            (known.phase, ending)
        };
        // Rolls back what was handed over, outside the lock, and while a panic unwinds perhaps.
        shielded(|| drop(ending));
        match phase {
            Phase::Ended => None,
            Phase::Left => Some(End::Travelled),
            _ => Some(End::Abandoned),
        }
    }

    /// Nobody listens any more: the place among those who wait is free at once. Answers what the request
    /// was doing.
    pub(super) fn vanish(&self) -> Stage {
        let mut known = self.known();
        known.caller_vanished = true;
        known.place = None;
        match known.phase {
            Phase::Unclaimed => Stage::Apart,
            Phase::Claiming => Stage::Claiming,
            Phase::Held | Phase::Leaving | Phase::Left | Phase::Ended => Stage::Executing,
        }
    }

    /// The request waits in this place.
    pub(crate) fn take_place(&self, place: Place) {
        self.known().place = Some(place);
    }

    /// The request waits no longer.
    pub(crate) fn leave_place(&self) {
        self.known().place = None;
    }

    /// Whether nobody listens any more.
    pub(crate) fn has_vanished(&self) -> bool {
        self.known().caller_vanished
    }

    /// What was claimed.
    pub(crate) fn lease(&self) -> &Lease {
        &self.claimed().0
    }

    /// What was asked for, of which the lease may be longer: one that is refused at its end stays.
    pub(super) fn term(&self) -> &LeaseTerm {
        &self.claimed().1
    }

    fn claimed(&self) -> &(Lease, LeaseTerm) {
        self.claimed
            .get()
            .expect("a lease is asked about once it is known what it claims")
    }

    /// Until when it runs, as far as is known here.
    pub(super) fn deadline(&self) -> Instant {
        self.known().deadline.unwrap_or_else(Instant::now)
    }

    /// Whether it was claimed in this process, so that its owner's record is this execution's.
    pub(super) fn was_claimed_here(&self) -> bool {
        self.claimed_here
    }

    pub(super) fn is_lost(&self) -> bool {
        self.known().lost
    }

    /// Whether another process may bear it, too.
    pub(super) fn has_set_out(&self) -> bool {
        self.has_set_out.load(Ordering::Relaxed)
    }

    /// Waits until the lease is not on its way.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub(super) async fn settled(&self) -> Settled {
        self.wait_for(Known::settled).await
    }

    /// Waits until the lease may be renewed, and tells whose that is.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub(super) async fn renewable(&self) -> Settled {
        self.wait_for(Known::renewable).await
    }

    /// Whether it may be renewed now.
    pub(super) fn is_renewable(&self) -> bool {
        self.known().renewable() == Some(Settled::Here)
    }

    async fn wait_for<T>(&self, look: impl Fn(&Known) -> Option<T>) -> T {
        loop {
            let mut woken = pin!(self.queues().changed.notified());
            // Before the look, so that a change between the two is not missed.
            woken.as_mut().enable();
            let seen = look(&self.known());
            if let Some(seen) = seen {
                return seen;
            }
            woken.await;
        }
    }

    /// Waits for the turn to renew.
    pub(super) async fn turn_to_renew(&self) -> sync::MutexGuard<'_, ()> {
        self.queues().renewals.lock().await
    }
}

impl fmt::Debug for LeaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known();
        f.debug_struct("LeaseState")
            .field("phase", &known.phase)
            .field("deadline", &known.deadline)
            .field("lost", &known.lost)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{record::Identity, request::Fingerprint};

    const TERM: Duration = Duration::from_secs(30);

    fn held() -> LeaseState {
        let identity = Identity::new(Fingerprint::from_bytes([1; 32]));
        let state = LeaseState::unclaimed();
        state.claims(Lease::new(identity, TERM), TERM.into());
        state.claim_sent();
        assert!(!state.owned(Instant::now() + TERM));
        state
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_request_was_doing_is_told_when_its_caller_vanishes() {
        assert_eq!(LeaseState::unclaimed().vanish(), Stage::Apart);
        let state = held();
        assert_eq!(state.vanish(), Stage::Executing);
        state.claim_sent();
        assert_eq!(state.vanish(), Stage::Claiming);
        assert!(state.owned(Instant::now()), "the caller has vanished");
        state.taken();
        assert_eq!(state.vanish(), Stage::Apart);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_leaves_once_and_not_after_its_end() {
        let state = held();
        assert_eq!(
            (state.leave(), state.leave()),
            (Ok(()), Err(Stays::Travelled))
        );
        state.came_back();
        assert_eq!((state.leave(), state.left()), (Ok(()), Ok(())));
        assert_eq!(state.leave(), Err(Stays::Travelled));
        assert!(matches!(state.begin_end(), EndsBy::Leaving));
        assert_eq!(state.dropped(), Some(End::Travelled));

        let state = held();
        assert_eq!(state.leave(), Ok(()));
        assert!(matches!(state.begin_end(), EndsBy::Call));
        assert_eq!(
            (state.left(), state.leave()),
            (Err(Stays::Ended), Err(Stays::Ended))
        );
        state.came_back();
        assert_eq!(state.dropped(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_leaving_lease_learns_where_it_ends() {
        let left: fn(&LeaseState) = |state| state.left().unwrap();
        for (arrive, expected) in [
            (left, Settled::Elsewhere),
            (LeaseState::came_back, Settled::Here),
        ] {
            let state = Arc::new(held());
            assert_eq!(state.leave(), Ok(()));
            let waiting = tokio::spawn({
                let state = Arc::clone(&state);
                async move { state.settled().await }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            arrive(&state);
            assert_eq!(waiting.await.unwrap(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn losing_a_lease_is_news_once() {
        let state = held();
        assert!(state.lose() && !state.lose() && state.is_lost());
    }
}
