//! A lease that is renewed, lost, or taken over.

use std::sync::{Arc, Mutex};

use idem_core::{
    Idempotency, IdempotencyKey, OnLeaseEnd, Policy, RecordKey, Resumed, TravellingLease, Verdict,
    adapter::Begin,
    store::{
        Claim, Fenced, Lease, MockIdempotencyStore, Operation, Pending, Record, StoreErrorKind,
        Stored,
    },
};
use idem_store_tests::Fault;
use tokio::time::{advance, sleep};

use crate::support::{Engine, INSTANT, LEASE, SECOND, begin, executing, keep, slow, spawn};

const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

// S34
#[tokio::test(start_paused = true)]
async fn work_of_five_leases_runs_once() {
    let engine = Engine::new();
    let original = spawn(&engine, slow(5 * LEASE, "done"));
    for _ in 0..29 {
        sleep(5 * SECOND).await;
        assert_eq!(engine.duplicate().await, "idempotency-in-progress");
    }
    assert_eq!(original.await.unwrap(), "done");
    assert_eq!(engine.duplicate().await, "done");
    assert_eq!(
        engine.log.count("renewal Held"),
        14,
        "each third of a lease"
    );
    assert_eq!(engine.log.count("lost at renew"), 0);
}

// S31
#[tokio::test(start_paused = true)]
async fn a_crashed_owner_blocks_its_key_for_one_lease_only() {
    let engine = Engine::new();
    std::mem::forget(engine.execution().await);
    advance(LEASE - INSTANT).await;
    assert_eq!(engine.duplicate().await, "idempotency-in-progress");
    advance(INSTANT).await;
    assert_eq!(engine.duplicate().await, "execute");
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_refuse_to_take_over() {
    let engine = Engine::with(Policy::reference().on_lease_end(OnLeaseEnd::Refuse));
    std::mem::forget(engine.execution().await);
    advance(10 * LEASE).await;
    assert_eq!(engine.duplicate().await, "idempotency-in-progress");
    let refusal = match engine.begin("{}").await {
        Begin::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    let retry_after = refusal.to_response(engine.idempotency.policy());
    let retry_after = retry_after
        .headers()
        .values("retry-after")
        .next()
        .unwrap()
        .to_vec();
    assert_eq!(
        retry_after, b"30",
        "the lease, not the hour that the record stays"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_takes_over_must_outlast_a_crash_of_the_store() {
    for (end, durable) in [(OnLeaseEnd::TakeOver, false), (OnLeaseEnd::Refuse, true)] {
        let (store, seen) = store_that_writes_leases_down();
        let policy = Policy::reference().lease(LEASE).on_lease_end(end);
        let idempotency = Idempotency::new(Arc::new(store), policy.retention(LEASE));
        let execution = executing(begin(&idempotency).await);
        let failing = async {
            sleep(LEASE / 2).await;
            (Verdict::Free, ())
        };
        execution.run(failing).await.unwrap();
        // An operator frees a key that the look-up finds pending.
        let key = RecordKey::from_bytes([7; 32]);
        idempotency.free(&key).await.unwrap();
        // A worker renews one that came from another process.
        let lease = seen.lock().unwrap()[0].1;
        let lease = TravellingLease::new(IdempotencyKey::new("k").unwrap(), key, lease);
        let continuation = idempotency.resume(lease.to_text().parse().unwrap());
        let resumed = continuation.run(async { (Verdict::Free, ()) }).await;
        assert_eq!(resumed.unwrap(), Resumed::Ended(()));

        let seen: Vec<_> = seen.lock().unwrap().clone();
        let operations: Vec<_> = seen.iter().map(|(operation, _)| *operation).collect();
        use Operation::{Claim, Release, Renew};
        assert_eq!(operations, [Claim, Renew, Release, Release, Renew, Release]);
        let as_durable = |(_, lease): &(_, Lease)| lease.is_durable() == durable;
        assert!(seen.iter().all(as_durable), "{end:?}: {seen:?}");
    }
}

type Seen = Arc<Mutex<Vec<(Operation, Lease)>>>;

/// A store in which each write succeeds, and every key is pending to a look-up.
fn store_that_writes_leases_down() -> (MockIdempotencyStore, Seen) {
    let seen = Seen::default();
    let write = |operation| {
        let seen = Arc::clone(&seen);
        move |lease: &Lease| seen.lock().unwrap().push((operation, *lease))
    };
    let (claim, renew, release) = (
        write(Operation::Claim),
        write(Operation::Renew),
        write(Operation::Release),
    );
    let mut store = MockIdempotencyStore::new();
    store.expect_claim().returning(move |_, lease| {
        claim(lease);
        Ok(Claim::Owned)
    });
    store.expect_renew().returning(move |_, lease| {
        renew(lease);
        Ok(Fenced::Held)
    });
    store.expect_release().returning(move |_, lease| {
        release(lease);
        Ok(Fenced::Held)
    });
    let first = Arc::clone(&seen);
    store.expect_look_up().returning(move |_| {
        let (_, lease) = first.lock().unwrap()[0];
        let pending = Pending::new(*lease.owner(), *lease.identity(), Some(LEASE));
        Ok(Some(Stored::new(Record::Pending(pending), Some(LEASE))))
    });
    (store, seen)
}

// S31b
#[tokio::test(start_paused = true)]
async fn an_owner_whose_lease_ran_out_unclaimed_is_recorded_late() {
    let engine = Engine::new();
    engine.store.fail(Operation::Renew, UNAVAILABLE);
    let original = spawn(&engine, slow(2 * LEASE, "late"));
    assert_eq!(original.await.unwrap(), "late");
    assert_eq!(engine.duplicate().await, "late");
    assert_eq!(
        engine.log.count("lost at renew"),
        1,
        "reported once: {:?}",
        engine.log.lines()
    );
    assert_eq!(engine.log.count("recorded"), 1);
}

/// A loses its lease to B while both run; `end` is how A ends, after B or before it.
async fn taken_over(a_takes: std::time::Duration, end: Verdict) -> (Engine, Engine) {
    let a = Engine::new();
    let b = a.another();
    a.store.fail(Operation::Renew, UNAVAILABLE);
    let first = spawn(&a, async move {
        sleep(a_takes).await;
        (end, "a")
    });
    sleep(LEASE + SECOND).await;
    a.store.heal();
    let second = spawn(&b, slow(LEASE, "b"));
    assert_eq!(first.await.unwrap(), "a", "A's client gets A's response");
    assert_eq!(b.log.count("lost at renew"), 0);
    if a_takes < 2 * LEASE {
        assert_eq!(
            a.duplicate().await,
            "idempotency-in-progress",
            "B's lease stands"
        );
    }
    assert_eq!(second.await.unwrap(), "b");
    assert_eq!(b.log.count("recorded"), 1);
    assert_eq!(a.duplicate().await, "b", "B's record stands");
    (a, b)
}

// S32
#[tokio::test(start_paused = true)]
async fn a_late_owner_does_not_overwrite_the_one_who_took_over() {
    for a_takes in [LEASE + 10 * SECOND, 3 * LEASE] {
        let (a, _) = taken_over(a_takes, keep("a")).await;
        assert_eq!(a.log.count("lost at complete"), 1, "{:?}", a.log.lines());
        assert_eq!(a.log.count("recorded"), 0);
    }
}

// S33
#[tokio::test(start_paused = true)]
async fn a_late_owner_that_fails_does_not_free_the_lease_of_the_one_who_took_over() {
    for a_takes in [LEASE + 10 * SECOND, 3 * LEASE] {
        let (a, _) = taken_over(a_takes, Verdict::Free).await;
        assert_eq!(a.log.count("lost at release"), 1, "{:?}", a.log.lines());
        assert_eq!(a.log.count("freed"), 0);
    }
}

// S35
#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_once_is_made_up_for() {
    let engine = Engine::new();
    engine.store.fail_next(Operation::Renew, UNAVAILABLE);
    let original = spawn(&engine, slow(2 * LEASE, "done"));
    sleep(LEASE + SECOND).await;
    assert_eq!(engine.duplicate().await, "idempotency-in-progress");
    assert_eq!(original.await.unwrap(), "done");
    assert_eq!(engine.log.count("renewal failed"), 1);
    assert_eq!(engine.log.count("lost at renew"), 0);
}

// S35
#[tokio::test(start_paused = true)]
async fn a_mute_store_does_not_hold_the_work_up() {
    let engine = Engine::new();
    engine.store.fail(Operation::Renew, Fault::Mute);
    let started = tokio::time::Instant::now();
    let original = spawn(&engine, slow(20 * SECOND, "done"));
    assert_eq!(original.await.unwrap(), "done");
    assert_eq!(started.elapsed().as_secs(), 20);
    assert!(engine.log.count("renewal failed") >= 1);
}

// S36
#[tokio::test(start_paused = true)]
async fn nothing_is_renewed_after_the_end() {
    let engine = Engine::new();
    assert_eq!(spawn(&engine, slow(SECOND, "done")).await.unwrap(), "done");
    sleep(3 * LEASE).await;
    assert_eq!(engine.store.calls(Operation::Renew), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_its_lease_move_and_end() {
    let engine = Engine::new();
    let execution = engine.execution().await;
    let (current, start) = (execution.current().clone(), tokio::time::Instant::now());
    assert_eq!(current.key().as_str(), "k");
    assert_eq!(
        tokio::time::Instant::now() + current.lease_remaining(),
        start + LEASE
    );
    // A retry may come after an upgrade: with another key, the service that is called would charge twice.
    assert_eq!(
        current.derived_key("charge"),
        "ebc05dabc543297316838cfea5ffbae448981715013a0c2c737dc033d6af6655"
    );
    assert_ne!(current.derived_key("charge"), current.derived_key("mail"));
    let inside = current.clone();
    let store = engine.store.clone();
    let work = async move {
        sleep(LEASE / 2).await;
        assert_eq!(
            tokio::time::Instant::now() + inside.lease_remaining(),
            start + LEASE / 3 + LEASE
        );
        assert!(!inside.is_lost());
        store.fail(Operation::Renew, UNAVAILABLE);
        sleep(2 * LEASE).await;
        assert!(inside.is_lost());
        (Verdict::Free, ())
    };
    execution.run(work).await.unwrap();
}
