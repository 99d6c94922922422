//! Requests for the same under one key: one of them asks the store for all.
//!
//! The first one claims the key, and those that come meanwhile wait for what it [tells](Member::tell). From then on they
//! take turns. The member whose turn it is claims the key for itself. If the key is free, it executes, and the others
//! wait for it. The pause between two turns belongs to the group, so it does not depend on who joins and leaves. If a
//! claim fails or is dropped, another member has the next turn. When an execution ends in this process, the next turn is
//! due at once.
//!
//! A member uses what another one found only if that one asked after this member joined. So whatever a member is told
//! stood in the store while the member waited. A lease is no exception: it only makes the member wait.

use std::{sync::Arc, time::Duration};

use crate::{
    calls::{Calls, counters::somebody_waits},
    contract::StoreIdentity,
    events::shielded,
    record::{Identity, RecordKey},
};

mod group;
mod member;
mod table;

use group::Group;
pub(crate) use member::{Member, Turn};

/// A record in one of the stores of this process.
type Key = (StoreIdentity, RecordKey);

impl Calls {
    /// Joins the group of those that ask for the same, or founds it.
    pub(crate) fn join_waiters(
        &self,
        key: &RecordKey,
        identity: &Identity,
        call_timeout: Duration,
    ) -> Member {
        let key = self.key(key);
        table::with(&key, |groups| {
            if let Some(group) = groups.iter().find(|group| group.is_of(self, identity)) {
                return Member::of(group, call_timeout);
            }
            let group = Arc::new(Group::new(self, key, *identity));
            let founder = Member::of(&group, call_timeout);
            groups.push(group);
            founder
        })
    }

    /// Makes a turn due for everybody who waits for this key, because an execution under it has ended. It reaches
    /// each [`Idempotency`](crate::Idempotency) on the same store.
    pub(crate) fn wake_waiters(&self, key: &RecordKey) {
        if !somebody_waits() {
            return;
        }
        for group in table::groups(&self.key(key)) {
            group.an_execution_ended();
        }
    }

    /// Wakes everybody who waits here, because no more executions begin.
    pub(crate) fn dismiss_waiters(&self) {
        for group in table::all() {
            if group.is_in_family_of(self) {
                group.wake_all();
            }
        }
    }

    /// The store's identity only decides who is woken. A wrong one costs time or a call, and never gives a wrong
    /// answer.
    fn key(&self, key: &RecordKey) -> Key {
        let identity = shielded(|| self.store.identity());
        let identity = identity.unwrap_or_else(|| StoreIdentity::of_parts([""; 0]));
        (identity, *key)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::{
        MemoryStore, Policy,
        record::{Completed, NotKept, OwnerToken, Pending, Record},
        request::Fingerprint,
    };

    const WAIT: Duration = Duration::from_secs(5);
    const CALL: Duration = Duration::from_secs(1);

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

    /// So many who ask for what the lease is of.
    fn join<const N: usize>(calls: &Calls, lease: &Pending) -> [Member; N] {
        [(); N].map(|()| calls.join_waiters(&key(), lease.identity(), CALL))
    }

    /// One whose claim has found the lease.
    fn first(calls: &Calls, lease: &Pending) -> Member {
        let [first] = join(calls, lease);
        let turn = first.asks_first().unwrap();
        first.tell(turn, &Record::Pending(*lease));
        first
    }

    async fn asks(member: &Member, calls: &Calls) -> u64 {
        match member.turn(calls, Some(Instant::now() + WAIT)).await {
            Turn::Ask(turn) => turn,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_those_that_come_together_the_first_asks() {
        let (calls, lease) = (calls(), lease());
        let [first, second] = join(&calls, &lease);
        let turn = first.asks_first().unwrap();
        assert_eq!(second.asks_first(), None);
        assert!(!second.knows());
        first.tell(turn, &Record::Pending(lease));
        assert!(second.knows());
        let [third] = join(&calls, &lease);
        assert_eq!(third.asks_first(), None);
        // What is known is old by now, and nobody has asked since.
        tokio::time::sleep(2 * CALL).await;
        let [late, later] = join(&calls, &lease);
        assert!(!late.knows() && late.asks_first().is_some());
        assert_eq!(later.asks_first(), None, "a claim is on its way");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_before_one_came_is_not_told_to_it() {
        let (calls, lease) = (calls(), lease());
        let [first, early] = join(&calls, &lease);
        let turn = first.asks_first().unwrap();
        let [late, other] = join(&calls, &lease);
        first.tell(turn, &completed(&lease));
        let (started, until) = (Instant::now(), Some(Instant::now() + WAIT));
        assert!(matches!(early.turn(&calls, until).await, Turn::Found(_)));
        // Together with others that came too late, it asks at once.
        let turn = asks(&late, &calls).await;
        assert!(started.elapsed().is_zero());
        late.tell(turn, &completed(&lease));
        assert!(matches!(other.turn(&calls, until).await, Turn::Found(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_does_not_replace_a_later_one() {
        let (calls, lease) = (calls(), lease());
        let [slow, fast, other] = join(&calls, &lease);
        let slow_turn = slow.asks_first().unwrap();
        let fast_turn = asks(&fast, &calls).await;
        fast.tell(fast_turn, &completed(&lease));
        slow.tell(slow_turn, &Record::Pending(lease));
        slow.tell(slow_turn, &Record::Unreadable);
        assert!(!other.knows());
        let found = other.turn(&calls, Some(Instant::now() + WAIT)).await;
        assert!(
            matches!(found, Turn::Found(Record::Completed(_))),
            "{found:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_wait_does_not_end_with_what_was_known_before_it() {
        let (calls, lease) = (calls(), lease());
        let first = first(&calls, &lease);
        // The pauses are long by then.
        for _ in 0..6 {
            let turn = asks(&first, &calls).await;
            first.tell(turn, &Record::Pending(lease));
        }
        let shortly = Instant::now() + Duration::from_millis(20);
        let [asking, other] = join(&calls, &lease);
        let Turn::Ask(turn) = asking.turn(&calls, Some(shortly)).await else {
            panic!("nobody has asked since it came");
        };
        let told = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            asking.tell(turn, &completed(&lease));
        };
        let (found, ()) = tokio::join!(other.turn(&calls, Some(shortly)), told);
        assert!(
            matches!(found, Turn::Found(Record::Completed(_))),
            "{found:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_even_if_the_store_never_answers() {
        let (calls, lease) = (calls(), lease());
        let _first = first(&calls, &lease);
        let shortly = Instant::now() + Duration::from_millis(20);
        for member in join::<100>(&calls, &lease) {
            // The one that asks forgets to tell, as if it had been refused.
            drop(member.turn(&calls, Some(shortly)).await);
        }
        assert!(shortly.elapsed() < Duration::from_millis(250));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_know_nothing_give_up_when_their_own_claim_would_have() {
        let (calls, lease) = (calls(), lease());
        let started = Instant::now();
        let [stalled, next, other] = join(&calls, &lease);
        stalled.asks_first().unwrap();
        // Nobody polls it any more.
        asks(&next, &calls).await;
        assert!(started.elapsed() < 2 * CALL);
        let end = other.turn(&calls, Some(started + WAIT)).await;
        assert!(matches!(end, Turn::Unanswered), "{end:?}");
        assert_eq!(started.elapsed(), 2 * CALL);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_of_a_key_for_which_nobody_asks_any_more() {
        let (calls, lease) = (calls(), lease());
        let name = calls.key(&key());
        let [first, second, third] = join(&calls, &lease);
        assert_eq!(table::groups(&name).len(), 1);
        let turn = first.asks_first().unwrap();
        first.tell(turn, &completed(&lease));
        drop([first, second]);
        assert_eq!(table::groups(&name).len(), 1);
        drop(third);
        assert!(table::groups(&name).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn those_of_one_layer_do_not_rely_on_what_those_of_another_find() {
        let lease = lease();
        let store: Arc<MemoryStore> = Arc::default();
        let here = Calls::new(store.clone(), Policy::default());
        let there = Calls::new(store, Policy::default());
        let _first = first(&here, &lease);
        let [other] = join(&there, &lease);
        assert!(!other.knows());
        let [clone] = join(&here.with_policy(Policy::ietf()), &lease);
        assert!(clone.knows());
    }
}
