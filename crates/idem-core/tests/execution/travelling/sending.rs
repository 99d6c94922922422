//! Handlers that send their lease away.

use std::io;

use idem_core::{
    Fenced, OnLeaseEnd, Operation, Policy, Resumed, TravelError, TravellingLease, Verdict,
};
use idem_store_tests::Fault;
use tokio::time::{Instant, advance, sleep, timeout};

use super::{IN_PROGRESS, UNAVAILABLE, never, read, sent, travelling, twins};
use crate::support::{Engine, INSTANT, LEASE, SECOND, keep, slow};

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
