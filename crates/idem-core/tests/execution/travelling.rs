//! A lease that travels: claimed here, completed there.

use std::io;

use idem_core::{
    CredentialsDigest, Fenced, Fingerprint, Identity, Lease, OnLeaseEnd, Operation, OwnerToken,
    Policy, RecordKey, Resumed, StoreErrorKind, TravelError, TravellingLease, Verdict,
};
use idem_store_tests::Fault;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::support::{Engine, INSTANT, LEASE, SECOND, keep, slow};

const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

const IN_PROGRESS: &str = "idempotency-in-progress";

/// Claims in one process, and gives the lease as a message has it.
async fn sent(engine: &Engine) -> String {
    engine.execution().await.travel().to_text()
}

fn read(text: &str) -> TravellingLease {
    text.parse().unwrap()
}

/// The same with some of it exchanged, by somebody who can write a valid text.
fn forged(
    lease: &TravellingLease,
    key: Option<RecordKey>,
    owner: Option<OwnerToken>,
    identity: Option<Identity>,
) -> TravellingLease {
    let held = lease.lease();
    let owner = owner.unwrap_or(*held.owner());
    let identity = identity.unwrap_or(*held.identity());
    TravellingLease::new(
        lease.key().clone(),
        key.unwrap_or(*lease.record_key()),
        Lease::of_owner(owner, identity, held.duration()),
    )
}

/// Work that must not run.
async fn never() -> (Verdict, &'static str) {
    panic!("nothing may run under a lease that does not hold")
}

/// A handler that sends its lease away, and answers its own client.
async fn travelling(
    engine: &Engine,
    duration: std::time::Duration,
    verdict: Verdict,
) -> (String, &'static str) {
    let execution = engine.execution().await;
    let current = execution.current().clone();
    let mut queue = String::new();
    let answer = execution
        .run(async {
            let send = async |lease: TravellingLease| Ok::<_, io::Error>(lease.to_text());
            queue = current.travel(duration, send).await.unwrap();
            (verdict, "accepted")
        })
        .await;
    (queue, answer)
}

#[tokio::test(start_paused = true)]
async fn what_is_claimed_here_is_completed_there() {
    let (here, there) = twins();
    let text = sent(&here).await;
    assert_eq!(here.duplicate().await, IN_PROGRESS);
    let ran = there
        .idempotency
        .resume(read(&text))
        .run(slow(SECOND, "shipped"))
        .await;
    assert_eq!(ran.unwrap(), Resumed::Ended("shipped"));
    assert_eq!(here.duplicate().await, "shipped");
    let here = here.log.lines();
    assert_eq!(here[..2], ["execute", "travelled"], "{here:?}");
    assert_eq!(there.log.lines(), ["resumed Held", "recorded"]);
}

fn twins() -> (Engine, Engine) {
    let here = Engine::new();
    let there = here.another();
    (here, there)
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_sent_its_lease_is_neither_recorded_nor_freed() {
    for verdict in [keep("accepted"), Verdict::Free] {
        let (here, there) = twins();
        let (text, answer) = travelling(&here, LEASE, verdict).await;
        assert_eq!(answer, "accepted", "its own client gets its response");
        assert_eq!(here.log.lines(), ["execute", "renewal Held", "travelled"]);
        assert_eq!(here.store.calls(Operation::Complete), 0);
        assert_eq!(here.store.calls(Operation::Release), 0);
        assert_eq!(here.duplicate().await, IN_PROGRESS);
        let shipped = there
            .idempotency
            .resume(read(&text))
            .run(async { (keep("shipped"), ()) });
        assert_eq!(shipped.await.unwrap(), Resumed::Ended(()));
        assert_eq!(here.duplicate().await, "shipped");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_after_its_lease_has_left_frees_nothing() {
    let (here, there) = twins();
    let execution = here.execution().await;
    let current = execution.current().clone();
    let (queue, mut messages) = tokio::sync::mpsc::channel(1);
    let work = async move {
        let send = async |lease: TravellingLease| queue.send(lease.to_text()).await;
        current.travel(LEASE, send).await.unwrap();
        panic!("a planted panic")
    };
    let panicking = tokio::spawn(execution.run::<()>(work));
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(here.log.lines(), ["execute", "renewal Held", "travelled"]);
    assert_eq!(here.duplicate().await, IN_PROGRESS);
    let text = messages.recv().await.unwrap();
    let resumption = there.idempotency.resume(read(&text));
    assert_eq!(resumption.release().await.unwrap(), Fenced::Held);
    assert_eq!(here.duplicate().await, "execute");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_could_not_be_sent_is_where_it_was() {
    for dropped in [false, true] {
        let (here, there) = twins();
        let execution = here.execution().await;
        let current = execution.current().clone();
        let mut text = String::new();
        let work = async {
            let send = async |lease: TravellingLease| {
                text = lease.to_text();
                sleep(if dropped { LEASE } else { SECOND }).await;
                Err::<(), _>(io::Error::other("the queue is gone"))
            };
            match timeout(2 * SECOND, current.travel(LEASE, send)).await {
                Ok(travelled) => assert!(matches!(travelled, Err(TravelError::Send(_)))),
                Err(_) => assert!(dropped),
            }
            // It is renewed again as ever.
            sleep(3 * LEASE).await;
            assert!(!current.is_lost());
            (Verdict::Free, ())
        };
        execution.run(work).await;
        assert_eq!(here.log.count("freed"), 1, "{:?}", here.log.lines());
        assert_eq!(here.log.count("travelled"), 0);
        // What was sent in spite of the error is worth nothing.
        let late = there.idempotency.resume(read(&text)).run(never()).await;
        assert_eq!(late.unwrap(), Resumed::Lost);
        assert_eq!(here.duplicate().await, "execute");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_travels_once_from_where_it_is() {
    let here = Engine::new();
    let execution = here.execution().await;
    let current = execution.current().clone();
    let work = async {
        let send = async |_| Ok::<_, io::Error>(());
        current.travel(LEASE, send).await.unwrap();
        let again = current.travel(LEASE, send).await;
        assert!(matches!(again, Err(TravelError::Travelled)), "{again:?}");
        (Verdict::Free, ())
    };
    execution.run(work).await;
    assert_eq!(
        here.duplicate().await,
        IN_PROGRESS,
        "it has left all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_of_a_lease_that_cannot_be_renewed() {
    let here = Engine::new();
    let execution = here.execution().await;
    let current = execution.current().clone();
    let store = here.store.clone();
    let work = async move {
        let send = async |_| -> Result<(), io::Error> { panic!("nothing is to be sent") };
        store.fail(Operation::Renew, UNAVAILABLE);
        let down = current.travel(LEASE, send).await;
        assert!(matches!(down, Err(TravelError::Store(_))), "{down:?}");
        store.heal();
        advance(LEASE).await;
        let lost = current.travel(LEASE, send).await;
        assert!(matches!(lost, Err(TravelError::Lost)), "{lost:?}");
        assert!(current.is_lost());
        (keep("done"), ())
    };
    execution.run(work).await;
    assert_eq!(here.log.count("lost at renew"), 1, "{:?}", here.log.lines());
    assert_eq!(
        here.duplicate().await,
        "done",
        "it goes on as an execution here"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_travels_for_as_long_as_it_was_sent_for_and_no_shorter_than_it_was() {
    for (asked, runs) in [(4 * LEASE, 4 * LEASE), (SECOND, LEASE)] {
        let here = Engine::new();
        let (text, _) = travelling(&here, asked, keep("accepted")).await;
        assert_eq!(read(&text).duration(), runs);
        advance(runs - INSTANT).await;
        assert_eq!(here.duplicate().await, IN_PROGRESS);
        advance(INSTANT).await;
        assert_eq!(here.duplicate().await, "execute");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_may_take_over_a_lease_travels_for_the_whole_retention() {
    let here = Engine::with(Policy::reference().on_lease_end(OnLeaseEnd::Refuse));
    travelling(&here, LEASE, keep("accepted")).await;
    advance(10 * LEASE).await;
    assert_eq!(here.duplicate().await, IN_PROGRESS);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_renewed_here_once_the_lease_has_left() {
    let (here, there) = twins();
    let execution = here.execution().await;
    let current = execution.current().clone();
    let work = async {
        let send = async |lease: TravellingLease| {
            // While it is on its way, too: the other may be done already.
            let resumed = there.idempotency.resume(lease);
            assert_eq!(
                resumed.run(async { (keep("shipped"), ()) }).await.unwrap(),
                Resumed::Ended(())
            );
            sleep(2 * LEASE).await;
            Ok::<_, io::Error>(())
        };
        current.travel(LEASE, send).await.unwrap();
        sleep(2 * LEASE).await;
        assert!(!current.is_lost());
        (keep("accepted"), ())
    };
    execution.run(work).await;
    assert_eq!(here.log.lines(), ["execute", "renewal Held", "travelled"]);
    assert_eq!(
        here.store.calls(Operation::Renew),
        2,
        "the handler's last and the worker's first"
    );
    assert_eq!(here.duplicate().await, "shipped");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_under_way_does_not_cut_the_travelling_lease_short() {
    let here = Engine::new();
    let execution = here.execution().await;
    let current = execution.current().clone();
    let work = async {
        sleep(LEASE / 3 - INSTANT).await;
        // The next renewal has no answer, and has a timeout; then it is this one's turn.
        here.store.fail_next(Operation::Renew, Fault::Mute);
        sleep(2 * INSTANT).await;
        let sent = async |lease| Ok::<_, io::Error>(lease);
        let started = Instant::now();
        current.travel(4 * LEASE, sent).await.unwrap();
        assert!(!started.elapsed().is_zero(), "it waited for the other");
        assert_eq!(current.lease_deadline(), Instant::now() + 4 * LEASE);
        (Verdict::Free, ())
    };
    execution.run(work).await;
    advance(4 * LEASE - INSTANT).await;
    assert_eq!(here.duplicate().await, IN_PROGRESS);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_waits_for_the_travelling_lease_is_not_sent() {
    let here = Engine::new();
    let execution = here.execution().await;
    let current = execution.current().clone();
    let work = async {
        sleep(LEASE / 3 - INSTANT).await;
        let send = async |lease| Ok::<_, io::Error>(lease);
        // While this has no answer, the next renewal is due, and waits.
        here.store.fail_next(Operation::Renew, Fault::Mute);
        let mute = current.travel(4 * LEASE, send).await;
        assert!(matches!(mute, Err(TravelError::Store(_))), "{mute:?}");
        current.travel(4 * LEASE, send).await.unwrap();
        sleep(INSTANT).await;
        (Verdict::Free, ())
    };
    execution.run(work).await;
    assert_eq!(
        here.store.calls(Operation::Renew),
        2,
        "one to no avail, and one for the way"
    );
}

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

fn outcome(body: &'static str) -> idem_core::Outcome {
    match keep(body) {
        Verdict::Keep(outcome) => outcome,
        Verdict::Free => unreachable!("it is kept"),
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
    execution.run(work).await;
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
