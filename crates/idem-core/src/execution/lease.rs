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

use std::{
    fmt, mem,
    pin::pin,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::{
    sync::{self, Notify},
    time::Instant,
};

use crate::{calls::Place, events::End, policy::LeaseTerm, record::Lease};

/// A lease as this process knows it.
pub(crate) struct LeaseState {
    /// What is claimed; it does not change once a claim was sent.
    claimed: OnceLock<(Lease, LeaseTerm)>,
    known: Mutex<Known>,
    /// Wakes whoever waits for a lease to come back or to leave.
    settled: Notify,
    /// Renewals go one by one, so that one for a short time does not land after one for a long time.
    renewals: sync::Mutex<()>,
}

struct Known {
    phase: Phase,
    deadline: Instant,
    lost: bool,
    caller_vanished: bool,
    /// Where the caller waits, if it is a duplicate that does.
    place: Option<Place>,
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
    /// The work has returned: the store is told the end, or was.
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

/// Why a lease does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stays {
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
}

impl LeaseState {
    /// A lease that is not claimed yet.
    pub(super) fn unclaimed() -> Self {
        Self::new(Phase::Unclaimed)
    }

    /// A lease that travelled here; how much of it remains is not known before a renewal.
    pub(super) fn arrived(lease: Lease, term: LeaseTerm) -> Self {
        let state = Self::new(Phase::Held);
        state.claimed.get_or_init(|| (lease, term));
        state
    }

    fn new(phase: Phase) -> Self {
        Self {
            claimed: OnceLock::new(),
            known: Mutex::new(Known {
                phase,
                deadline: Instant::now(),
                lost: false,
                caller_vanished: false,
                place: None,
            }),
            settled: Notify::new(),
            renewals: sync::Mutex::new(()),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A claim is about to be sent: from now on the key may be ours.
    pub(crate) fn claim_sent(&self, lease: &Lease, term: LeaseTerm) {
        self.claimed.get_or_init(|| (*lease, term));
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
        known.deadline = deadline;
        known.caller_vanished
    }

    /// The store runs the lease until this time at least.
    pub(crate) fn runs_until(&self, deadline: Instant) {
        self.known().deadline = deadline;
    }

    /// The lease is not, or no longer, ours; answers whether that is news.
    pub(super) fn lose(&self) -> bool {
        !mem::replace(&mut self.known().lost, true)
    }

    /// The lease sets out for another process.
    pub(super) fn leave(&self) -> Result<(), Stays> {
        let mut known = self.known();
        match known.phase {
            Phase::Held => {
                known.phase = Phase::Leaving;
                Ok(())
            }
            Phase::Leaving | Phase::Left => Err(Stays::Travelled),
            Phase::Unclaimed | Phase::Claiming | Phase::Ended => Err(Stays::Ended),
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
        self.settled.notify_waiters();
        Ok(())
    }

    /// The work has returned: the store is told next, unless the lease has left. One that is on its way
    /// has taken too long, and comes to a lease that is lost.
    pub(super) fn begin_end(&self) -> Settled {
        let mut known = self.known();
        if known.phase == Phase::Left {
            return Settled::Elsewhere;
        }
        known.phase = Phase::Ended;
        Settled::Here
    }

    /// The execution is dropped: how it has ended, if the store was not told.
    pub(super) fn dropped(&self) -> Option<End> {
        match self.known().phase {
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
            .expect("a lease is asked about once its claim was sent")
    }

    /// Until when it runs, as far as is known here.
    pub(super) fn deadline(&self) -> Instant {
        self.known().deadline
    }

    pub(super) fn is_lost(&self) -> bool {
        self.known().lost
    }

    /// Whose the end is, if the lease is not on its way.
    pub(super) fn now_settled(&self) -> Option<Settled> {
        self.known().settled()
    }

    /// Waits until the lease is not on its way.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub(super) async fn settled(&self) -> Settled {
        loop {
            let mut woken = pin!(self.settled.notified());
            // Before the look, so that a change between the two is not missed.
            woken.as_mut().enable();
            if let Some(settled) = self.now_settled() {
                return settled;
            }
            woken.await;
        }
    }

    /// Waits for the turn to renew.
    pub(super) async fn turn_to_renew(&self) -> sync::MutexGuard<'_, ()> {
        self.renewals.lock().await
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
        state.claim_sent(&Lease::new(identity, TERM), TERM.into());
        assert!(!state.owned(Instant::now() + TERM));
        state
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_request_was_doing_is_told_when_its_caller_vanishes() {
        assert_eq!(LeaseState::unclaimed().vanish(), Stage::Apart);
        let state = held();
        assert_eq!(state.vanish(), Stage::Executing);
        state.claim_sent(&state.lease().clone(), TERM.into());
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
        assert_eq!(state.begin_end(), Settled::Elsewhere);
        assert_eq!(state.dropped(), Some(End::Travelled));

        let state = held();
        assert_eq!(state.leave(), Ok(()));
        assert_eq!(state.begin_end(), Settled::Here);
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
