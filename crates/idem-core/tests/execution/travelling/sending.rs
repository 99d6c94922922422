//! Handlers that send their lease away.

use std::{io, time::Duration};

use idem_core::{
    OnLeaseEnd, Policy, Resumed, TravelError, TravellingLease, Verdict,
    store::{Fenced, Operation},
};
use idem_store_tests::Fault;
use tokio::{
    task::JoinHandle,
    time::{Instant, advance, sleep, timeout},
};

use super::{IN_PROGRESS, UNAVAILABLE, never, read, sent, travelling, twins};
use crate::support::{Engine, INSTANT, LEASE, SECOND, keep, slow};

/// No lease is longer.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

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
        execution.run(work).await.unwrap();
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
    execution.run(work).await.unwrap();
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
    execution.run(work).await.unwrap();
    assert_eq!(here.log.count("lost at renew"), 1, "{:?}", here.log.lines());
    assert_eq!(
        here.duplicate().await,
        "done",
        "it goes on as an execution here"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_travels_for_as_long_as_it_was_sent_for_and_no_shorter_than_it_was() {
    for (asked, runs) in [
        (4 * LEASE, 4 * LEASE),
        (SECOND, LEASE),
        (Duration::ZERO, LEASE),
        (Duration::MAX, CENTURY),
    ] {
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
    execution.run(work).await.unwrap();
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
        assert_eq!(
            Instant::now() + current.lease_remaining(),
            Instant::now() + 4 * LEASE
        );
        (Verdict::Free, ())
    };
    execution.run(work).await.unwrap();
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
    execution.run(work).await.unwrap();
    assert_eq!(
        here.store.calls(Operation::Renew),
        2,
        "one to no avail, and one for the way"
    );
}

/// A handler that has its lease sent by another task, for an hour, and answers meanwhile.
async fn sent_by_another_task<F>(
    here: &Engine,
    verdict: Verdict,
    send: impl FnOnce(TravellingLease) -> F + Send + 'static,
) -> JoinHandle<Result<(), TravelError<io::Error>>>
where
    F: Future<Output = Result<(), io::Error>> + Send,
{
    let execution = here.execution().await;
    let current = execution.current().clone();
    let work = async {
        let sending = tokio::spawn(async move { current.travel(120 * LEASE, send).await });
        tokio::task::yield_now().await;
        (verdict, sending)
    };
    execution.run(work).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_answers_before_its_lease_has_left_is_recorded_or_freed_if_that_fails() {
    for (verdict, end, after) in [
        (keep("accepted"), "recorded", "accepted"),
        (Verdict::Free, "freed", "execute"),
    ] {
        let here = Engine::new();
        let fails = async |_| {
            sleep(SECOND).await;
            Err(io::Error::other("the queue is gone"))
        };
        let sending = sent_by_another_task(&here, verdict.clone(), fails).await;
        assert!(matches!(sending.await.unwrap(), Err(TravelError::Send(_))));
        assert_eq!(here.log.lines(), ["execute", "renewal Held", end]);
        assert_eq!(here.duplicate().await, after);

        let here = Engine::new();
        let panics = async |_| -> Result<(), io::Error> {
            sleep(SECOND).await;
            panic!("a planted panic")
        };
        let sending = sent_by_another_task(&here, verdict.clone(), panics).await;
        assert!(sending.await.unwrap_err().is_panic());
        assert_eq!(here.duplicate().await, after);

        let here = Engine::new();
        here.store.fail(Operation::Renew, UNAVAILABLE);
        let never = async |_| panic!("nothing is to be sent");
        let sending = sent_by_another_task(&here, verdict, never).await;
        assert!(matches!(sending.await.unwrap(), Err(TravelError::Store(_))));
        assert_eq!(here.duplicate().await, after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_answers_before_its_lease_has_left_leaves_it_to_the_other_if_that_works() {
    for verdict in [keep("accepted"), Verdict::Free] {
        let (here, there) = twins();
        let (queue, mut messages) = tokio::sync::mpsc::channel(1);
        let send = async move |lease: TravellingLease| {
            sleep(SECOND).await;
            queue.send(lease.to_text()).await.map_err(io::Error::other)
        };
        let sending = sent_by_another_task(&here, verdict, send).await;
        sending.await.unwrap().unwrap();
        assert_eq!(here.log.lines(), ["execute", "renewal Held", "travelled"]);
        let text = messages.recv().await.unwrap();
        let work = async { (keep("shipped"), ()) };
        let resumed = there.idempotency.resume(read(&text)).run(work).await;
        assert_eq!(resumed.unwrap(), Resumed::Ended(()));
        assert_eq!(here.duplicate().await, "shipped");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_on_its_way_for_ever_holds_up_a_drain_for_one_lease() {
    let (here, there) = twins();
    let (queue, mut messages) = tokio::sync::mpsc::channel(1);
    let send = async move |lease: TravellingLease| {
        queue.send(lease.to_text()).await.unwrap();
        sleep(2 * LEASE).await;
        Ok(())
    };
    let started = Instant::now();
    let sending = sent_by_another_task(&here, keep("accepted"), send).await;
    here.idempotency.drain().await;
    assert_eq!(started.elapsed(), LEASE);
    assert_eq!(here.log.lines(), ["execute", "renewal Held", "recorded"]);
    let travelled = sending.await.unwrap();
    assert!(
        matches!(travelled, Err(TravelError::Ended)),
        "{travelled:?}"
    );
    // What was sent all the same is worth nothing.
    let text = messages.recv().await.unwrap();
    let late = there.idempotency.resume(read(&text)).run(never()).await;
    assert_eq!(late.unwrap(), Resumed::Lost);
    assert_eq!(there.duplicate().await, "accepted");
}

#[tokio::test(start_paused = true)]
async fn a_lease_whose_sender_is_cancelled_is_back_at_once() {
    let here = Engine::new();
    let execution = here.execution().await;
    let current = execution.current().clone();
    let work = async {
        let send = async |_| {
            sleep(120 * LEASE).await;
            Ok::<_, io::Error>(())
        };
        let travelling = async move { current.travel(LEASE, send).await };
        let sending = tokio::spawn(timeout(SECOND, travelling));
        tokio::task::yield_now().await;
        (keep("accepted"), sending)
    };
    let started = Instant::now();
    let sending = execution.run(work).await.unwrap();
    assert!(sending.await.unwrap().is_err());
    assert_eq!(started.elapsed(), SECOND);
    assert_eq!(here.duplicate().await, "accepted");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_of_an_execution_that_ends_or_has_ended() {
    for ends in [Operation::Complete, Operation::Release] {
        let here = Engine::new();
        let execution = here.execution().await;
        let current = execution.current().clone();
        let verdict = match ends {
            Operation::Complete => keep("done"),
            _ => Verdict::Free,
        };
        // The end is on its way for a while.
        here.store.fail_next(ends, Fault::LandsMute);
        let send = async |_| -> Result<(), io::Error> { panic!("nothing is to be sent") };
        let late = async {
            tokio::task::yield_now().await;
            let ending = current.travel(LEASE, send).await;
            assert!(matches!(ending, Err(TravelError::Ended)), "{ending:?}");
        };
        let (ran, ()) = tokio::join!(execution.run(async { (verdict, ()) }), late);
        ran.unwrap();
        let ended = current.travel(LEASE, send).await;
        assert!(matches!(ended, Err(TravelError::Ended)), "{ended:?}");
        assert_eq!(here.log.count("renewal Held"), 0);
    }
}
