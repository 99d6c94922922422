//! Duplicates that wait for one original: one of them asks the store for all.
//!
//! The member whose turn it is claims the key for itself. If the key is free, it executes. Otherwise it
//! [tells](Member::tell) the others what it found. The pause between two turns belongs to the group, so it does not depend
//! on who joins and leaves. When an execution ends in this process, the next turn is due at once.
//!
//! A member uses what another one found only if that one asked after this member joined. So whatever a member is told
//! stood in the store while the member waited.

use std::sync::Arc;

use crate::{
    calls::Calls,
    contract::StoreIdentity,
    events::shielded,
    record::{Identity, Pending, RecordKey},
};

mod group;
mod member;
mod table;

pub(crate) use group::FirstTurn;
use group::{Group, State};
pub(crate) use member::{Member, Turn};

/// A record in one of the stores of this process.
type Key = (StoreIdentity, RecordKey);

impl Calls {
    /// Joins a group that waits for the same request, if there is one and it asked the store recently.
    pub(crate) fn join_waiters(&self, key: &RecordKey, identity: &Identity) -> Option<Member> {
        if table::is_empty() {
            return None;
        }
        table::with(&self.key(key), |groups| {
            let group = groups.iter().find(|group| group.is_of(self, identity))?;
            Member::join(group, State::is_recent)
        })
    }

    /// Joins the group that waits for this lease to end, or founds it.
    pub(crate) fn wait_for(&self, key: &RecordKey, lease: &Pending, first: FirstTurn) -> Member {
        let key = self.key(key);
        table::with(&key, |groups| {
            let same = |group: &&Arc<Group>| group.is_of(self, lease.identity());
            let found = groups.iter().find(same);
            if let Some(member) = found.and_then(|group| Member::join(group, |_| true)) {
                return member;
            }
            let group = Arc::new(Group::new(self, key, *lease, first));
            groups.push(Arc::clone(&group));
            Member::first(group)
        })
    }

    /// Makes a turn due for everybody who waits for this key, because an execution under it has ended. It reaches
    /// each [`Idempotency`](crate::Idempotency) on the same store.
    pub(crate) fn wake_waiters(&self, key: &RecordKey) {
        if table::is_empty() {
            return;
        }
        for group in table::groups(&self.key(key)) {
            group.make_due();
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
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::{
        MemoryStore, Policy,
        record::{Completed, NotKept, OwnerToken, Record},
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
    async fn a_short_wait_does_not_end_with_what_was_known_before_it() {
        let (calls, key, lease) = (calls(), key(), lease());
        let first = calls.wait_for(&key, &lease, FirstTurn::AfterPause);
        // The pauses are long by then.
        for _ in 0..6 {
            let turn = asks(&first, &calls).await;
            first.tell(turn, &Record::Pending(lease));
        }
        let shortly = Instant::now() + Duration::from_millis(20);
        let [asking, other] = [(); 2].map(|()| calls.join_waiters(&key, lease.identity()).unwrap());
        let Turn::Ask(turn) = asking.turn(&calls, shortly).await else {
            panic!("nobody has asked since it came");
        };
        let told = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            asking.tell(turn, &completed(&lease));
        };
        let (found, ()) = tokio::join!(other.turn(&calls, shortly), told);
        assert!(
            matches!(found, Turn::Found(Record::Completed(_))),
            "{found:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_even_if_the_store_never_answers() {
        let (calls, key, lease) = (calls(), key(), lease());
        let _first = calls.wait_for(&key, &lease, FirstTurn::AfterPause);
        let shortly = Instant::now() + Duration::from_millis(20);
        let members = [(); 100].map(|()| calls.join_waiters(&key, lease.identity()).unwrap());
        for member in members {
            // The one that asks forgets to tell, as if it had been refused.
            drop(member.turn(&calls, shortly).await);
        }
        assert!(shortly.elapsed() < Duration::from_millis(250));
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
