//! Processes that take a lease up which travelled to them.

use std::{io, time::Duration};

use idem_core::{
    RecordKey, Resumed, TravellingLease, Verdict,
    store::{CredentialsDigest, Fenced, Fingerprint, Identity, Lease, Operation, OwnerToken},
};
use tokio::time::{Instant, advance, sleep, timeout};

use super::{IN_PROGRESS, UNAVAILABLE, forged, never, outcome, read, sent, travelling, twins};
use crate::support::{Engine, INSTANT, LEASE, SECOND, keep, slow};

// S34
#[tokio::test(start_paused = true)]
async fn work_of_five_leases_runs_once_there() {
    let (here, there) = twins();
    let text = sent(&here).await;
    let idempotency = there.idempotency.clone();
    let lease = read(&text);
    let running =
        tokio::spawn(async move { idempotency.resume(lease).run(slow(5 * LEASE, "done")).await });
    for _ in 0..29 {
        sleep(5 * SECOND).await;
        assert_eq!(here.duplicate().await, IN_PROGRESS);
    }
    assert_eq!(running.await.unwrap().unwrap(), Resumed::Ended("done"));
    assert_eq!(here.duplicate().await, "done");
    assert_eq!(there.log.count("renewal Held"), 14);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ran_out_runs_nothing_and_takes_nothing() {
    let (here, there) = twins();
    let text = sent(&here).await;
    advance(LEASE).await;
    let late = there.idempotency.resume(read(&text)).run(never()).await;
    assert_eq!(late.unwrap(), Resumed::Lost);
    assert_eq!(there.log.lines(), ["resumed Lost"]);
    assert_eq!(here.duplicate().await, "execute");
}

#[tokio::test(start_paused = true)]
async fn a_stale_lease_changes_nothing_of_what_took_over() {
    for ended in [false, true] {
        let (here, there) = twins();
        let text = sent(&here).await;
        advance(LEASE).await;
        let next = here.execution().await.travel();
        if ended {
            let done = here
                .idempotency
                .resume(next.clone())
                .run(async { (keep("theirs"), ()) });
            assert_eq!(done.await.unwrap(), Resumed::Ended(()));
        }
        let stale = || there.idempotency.resume(read(&text));
        assert_eq!(stale().renew().await.unwrap(), Fenced::Lost);
        assert_eq!(stale().run(never()).await.unwrap(), Resumed::Lost);
        assert_eq!(stale().release().await.unwrap(), Fenced::Lost);
        assert_eq!(
            stale().complete(outcome("ours")).await.unwrap(),
            Fenced::Lost
        );
        if !ended {
            assert_eq!(here.duplicate().await, IN_PROGRESS);
            let theirs = here
                .idempotency
                .resume(next)
                .complete(outcome("theirs"))
                .await;
            assert_eq!(theirs.unwrap(), Fenced::Held);
        }
        assert_eq!(here.duplicate().await, "theirs");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_lost_while_the_work_runs_overwrites_nothing() {
    let (here, there) = twins();
    let lease = read(&sent(&here).await);
    let (worker, store) = (there.idempotency.clone(), there.store.clone());
    let running = tokio::spawn(async move {
        let work = async move {
            store.fail(Operation::Renew, UNAVAILABLE);
            sleep(2 * LEASE).await;
            store.heal();
            (keep("late"), "late")
        };
        worker.resume(lease).run(work).await
    });
    sleep(LEASE + SECOND).await;
    let next = here.execution().await.travel();
    assert_eq!(
        running.await.unwrap().unwrap(),
        Resumed::LostMeanwhile("late")
    );
    assert_eq!(
        there.log.count("lost at complete"),
        1,
        "{:?}",
        there.log.lines()
    );
    let done = here
        .idempotency
        .resume(next)
        .complete(outcome("theirs"))
        .await;
    assert_eq!(done.unwrap(), Fenced::Held);
    assert_eq!(here.duplicate().await, "theirs");
}

#[tokio::test(start_paused = true)]
async fn what_has_been_done_is_remembered_though_the_lease_ran_out() {
    let (here, there) = twins();
    let text = sent(&here).await;
    advance(2 * LEASE).await;
    let resumption = there.idempotency.resume(read(&text));
    assert_eq!(
        resumption.complete(outcome("done")).await.unwrap(),
        Fenced::Held
    );
    assert_eq!(here.duplicate().await, "done");
}

// S37
#[tokio::test(start_paused = true)]
async fn a_message_that_comes_again_changes_nothing() {
    let (here, there) = twins();
    let text = sent(&here).await;
    let deliver = || there.idempotency.resume(read(&text));
    let first = deliver().run(async { (keep("first"), ()) }).await;
    assert_eq!(first.unwrap(), Resumed::Ended(()));
    assert_eq!(deliver().run(never()).await.unwrap(), Resumed::Lost);
    assert_eq!(
        deliver().complete(outcome("second")).await.unwrap(),
        Fenced::Held
    );
    assert_eq!(deliver().release().await.unwrap(), Fenced::Lost);
    assert_eq!(deliver().renew().await.unwrap(), Fenced::Lost);
    assert_eq!(here.duplicate().await, "first");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_died_is_followed_by_the_next_delivery() {
    let (here, there) = twins();
    let text = sent(&here).await;
    let dying = there
        .idempotency
        .resume(read(&text))
        .run(slow(LEASE, "never"));
    assert!(timeout(SECOND, dying).await.is_err());
    assert_eq!(there.log.lines(), ["resumed Held", "abandoned"]);
    assert_eq!(
        here.duplicate().await,
        IN_PROGRESS,
        "its key is taken until then"
    );
    let next = there
        .idempotency
        .resume(read(&text))
        .run(slow(SECOND, "shipped"))
        .await;
    assert_eq!(next.unwrap(), Resumed::Ended("shipped"));
    assert_eq!(here.duplicate().await, "shipped");
}

#[tokio::test(start_paused = true)]
async fn an_altered_lease_changes_nothing() {
    let (here, there) = twins();
    let sent = read(&sent(&here).await);
    let stranger = forged(&sent, None, Some(OwnerToken::random()), None);
    let nobodys = RecordKey::from_bytes([9; 32]);
    let elsewhere = forged(&sent, Some(nobodys), None, None);
    for altered in [stranger.clone(), elsewhere] {
        let resume = || there.idempotency.resume(altered.clone());
        assert_eq!(resume().renew().await.unwrap(), Fenced::Lost);
        assert_eq!(resume().run(never()).await.unwrap(), Resumed::Lost);
        assert_eq!(resume().release().await.unwrap(), Fenced::Lost);
    }
    let completed = there
        .idempotency
        .resume(stranger)
        .complete(outcome("theirs"))
        .await;
    assert_eq!(completed.unwrap(), Fenced::Lost);
    assert_eq!(here.duplicate().await, IN_PROGRESS);

    // The record stays what was asked for, whatever a lease says of it.
    let other = Identity::new(Fingerprint::from_bytes([0; 32]))
        .with_credentials(Some(CredentialsDigest::from_bytes([0; 32])));
    let altered = forged(&sent, None, None, Some(other));
    let _ = there
        .idempotency
        .resume(altered)
        .run(async { (keep("shipped"), ()) })
        .await
        .unwrap();
    assert_eq!(here.duplicate().await, "shipped");
}

#[tokio::test(start_paused = true)]
async fn a_lease_longer_than_a_clock_can_add_is_taken_up() {
    let (here, there) = twins();
    let sent = read(&sent(&here).await);
    let lease = Lease::of_owner(
        *sent.lease().owner(),
        *sent.lease().identity(),
        Duration::MAX,
    );
    let endless = TravellingLease::new(sent.key().clone(), *sent.record_key(), lease);
    let resume = || there.idempotency.resume(endless.clone());
    assert_eq!(resume().renew().await.unwrap(), Fenced::Held);
    assert_eq!(resume().release().await.unwrap(), Fenced::Held);
}

#[tokio::test(start_paused = true)]
async fn both_may_renew() {
    let (here, there) = twins();
    let execution = here.execution().await;
    let current = execution.current().clone();
    let work = async {
        let sent = async |lease| Ok::<_, io::Error>(lease);
        let lease = current.travel(LEASE, sent).await.unwrap();
        for engine in [&here, &there, &here] {
            sleep(LEASE - INSTANT).await;
            let renewed = engine.idempotency.resume(lease.clone()).renew().await;
            assert_eq!(renewed.unwrap(), Fenced::Held);
        }
        (Verdict::Free, ())
    };
    execution.run(work).await.unwrap();
    advance(LEASE - INSTANT).await;
    assert_eq!(there.duplicate().await, IN_PROGRESS);
    advance(INSTANT).await;
    assert_eq!(there.duplicate().await, "execute");
}

#[tokio::test(start_paused = true)]
async fn a_lease_travels_on_from_step_to_step() {
    let first = Engine::new();
    let (second, third) = (first.another(), first.another());
    let (text, _) = travelling(&first, LEASE, keep("accepted")).await;
    let resumption = second.idempotency.resume(read(&text));
    let (current, mut queue) = (resumption.current().clone(), String::new());
    let payment = current.derived_key("payment");
    let work = async {
        let send = async |lease: TravellingLease| Ok::<_, io::Error>(lease.to_text());
        queue = current.travel(2 * LEASE, send).await.unwrap();
        (Verdict::Free, ())
    };
    assert_eq!(resumption.run(work).await.unwrap(), Resumed::Ended(()));
    assert_eq!(
        second.log.lines(),
        ["resumed Held", "renewal Held", "travelled"]
    );
    assert_eq!(first.duplicate().await, IN_PROGRESS);
    let resumption = third.idempotency.resume(read(&queue));
    assert_eq!(resumption.current().derived_key("payment"), payment);
    assert_eq!(resumption.current().key().as_str(), "k");
    assert_eq!(
        resumption.complete(outcome("done")).await.unwrap(),
        Fenced::Held
    );
    assert_eq!(first.duplicate().await, "done");
}

#[tokio::test(start_paused = true)]
async fn work_that_panics_there_frees_the_key() {
    let (here, there) = twins();
    let lease = read(&sent(&here).await);
    let worker = there.idempotency.clone();
    let work = async {
        sleep(SECOND).await;
        panic!("a planted panic")
    };
    let panicking = tokio::spawn(async move { worker.resume(lease).run::<()>(work).await });
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(there.log.lines(), ["resumed Held", "panicked"]);
    assert_eq!(here.duplicate().await, "execute");
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_told_what_the_store_did_not_take() {
    let (here, there) = twins();
    let text = sent(&here).await;
    let deliver = || there.idempotency.resume(read(&text));
    there.store.fail(Operation::Renew, UNAVAILABLE);
    let down = deliver().run(never()).await.unwrap_err();
    assert_eq!(down.operation(), Operation::Renew);
    there.store.heal();
    there.store.fail(Operation::Complete, UNAVAILABLE);
    let down = deliver()
        .run(async { (keep("done"), ()) })
        .await
        .unwrap_err();
    assert_eq!(down.operation(), Operation::Complete);
    assert_eq!(there.log.count("unrecorded: complete"), 1);
    assert_eq!(
        there.store.calls(Operation::Complete),
        4,
        "it was tried again"
    );
    there.store.heal();
    assert_eq!(
        deliver().complete(outcome("done")).await.unwrap(),
        Fenced::Held
    );
    assert_eq!(here.duplicate().await, "done");
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_no_lease_that_has_left_and_for_work_that_came() {
    let (here, there) = twins();
    let (text, _) = travelling(&here, 4 * LEASE, keep("accepted")).await;
    let started = Instant::now();
    here.idempotency.drain().await;
    assert!(started.elapsed().is_zero(), "nothing is under way here");

    let (worker, lease) = (there.idempotency.clone(), read(&text));
    let work = tokio::spawn(async move { worker.resume(lease).run(slow(SECOND, "done")).await });
    sleep(INSTANT).await;
    assert_eq!(there.idempotency.under_way(), 1);
    there.idempotency.drain().await;
    assert_eq!(started.elapsed(), SECOND);
    assert_eq!(work.await.unwrap().unwrap(), Resumed::Ended("done"));
    let refused = there.idempotency.resume(read(&text)).run(never()).await;
    assert_eq!(refused.unwrap(), Resumed::ShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_any_length_is_taken_up() {
    for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        for runs in [false, true] {
            let (here, there) = twins();
            let lease = here.execution().await.travel();
            let held = lease.lease();
            let held = Lease::of_owner(*held.owner(), *held.identity(), duration);
            let lease = TravellingLease::new(lease.key().clone(), *lease.record_key(), held);
            let resumption = there.idempotency.resume(lease);
            if runs {
                let ran = resumption.run(slow(SECOND, "shipped")).await;
                assert!(!matches!(ran, Ok(Resumed::Lost) | Err(_)), "{ran:?}");
            } else {
                let completed = resumption.complete(outcome("shipped")).await;
                assert_eq!(completed.unwrap(), Fenced::Held);
            }
            assert_eq!(here.duplicate().await, "shipped");
        }
    }
}
