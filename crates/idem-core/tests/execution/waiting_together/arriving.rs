//! Requests that arrive before the first one's claim is answered.

use idem_core::{IdempotencyKey, OnStoreFailure};
use idem_store_tests::FaultyStore;
use tokio::time::advance;

use super::*;
use crate::support::{Head, LEASE, admit_head};

/// How long a claim takes.
const CLAIM: Duration = Duration::from_millis(100);

/// A server on a store across a network, whose calls are counted.
struct Server {
    idempotency: Idempotency,
    store: FaultyStore<PlantedStore>,
    planted: PlantedStore,
}

impl Server {
    fn with(policy: Policy) -> Self {
        let planted = PlantedStore::default();
        planted.plant(Operation::Claim, Plant::Takes(CLAIM));
        let store = FaultyStore::new(planted.clone());
        Self {
            idempotency: Idempotency::new(store.clone(), policy.lease(LEASE)),
            store,
            planted,
        }
    }

    fn claims(&self) -> usize {
        self.store.calls(Operation::Claim)
    }

    /// An original in another process.
    async fn original(&self) -> Execution {
        let (elsewhere, _) = self.planted.elsewhere().engine(Policy::reference());
        executing(begin(&elsewhere).await)
    }

    async fn has_completed(&self) {
        ends(self.original().await, Duration::ZERO, keep("first"))
            .await
            .unwrap();
    }
}

async fn told(waiters: Vec<JoinHandle<Answered>>) -> Vec<&'static str> {
    let mut told = Vec::new();
    for waiter in waiters {
        told.push(waiter.await.unwrap().0);
    }
    told.sort_unstable();
    told
}

// S38
#[tokio::test(start_paused = true)]
async fn of_a_thousand_requests_that_arrive_at_once_one_claims_and_executes() {
    let server = Server::with(patient());
    let started = Instant::now();
    let mut waiters = duplicates(&server.idempotency, 1_000).await;
    // Nobody asks about a lease of which all know.
    sleep(CLAIM + 5 * MILLISECOND).await;
    assert_eq!(server.claims(), 1);
    sleep(started + SECOND - MILLISECOND - Instant::now()).await;
    assert!(server.claims() <= 10, "{} at first", server.claims());
    assert_eq!(waiters.remove(0).await.unwrap().0, "executed");
    let at = started + CLAIM + SECOND + CLAIM;
    all_got(waiters, "second", at).await;
    assert_eq!(server.store.calls(Operation::Complete), 1);
}

// S38
#[tokio::test(start_paused = true)]
async fn of_a_thousand_duplicates_that_arrive_at_once_one_asks_from_the_first_second_on() {
    let server = Server::with(Policy::reference().wait(6 * SECOND, 1_000));
    let original = ends(server.original().await, 5 * SECOND, keep("first"));
    let started = Instant::now();
    let waiters = duplicates(&server.idempotency, 1_000).await;
    let mut seen = 0;
    for second in 1..=5 {
        sleep(started + second * SECOND - MILLISECOND - Instant::now()).await;
        let asked = server.claims() - seen;
        assert!(asked <= 10, "{asked} in second {second}");
        seen = server.claims();
    }
    original.await.unwrap();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().0, "first");
    }
}

// S38
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_arrive_on_several_threads_at_once_execute_once() {
    let server = Server::with(patient());
    // As short as a timer is.
    let shortly = Plant::Takes(MILLISECOND / 2);
    server.planted.plant(Operation::Claim, shortly);
    for round in 0..100 {
        let key = IdempotencyKey::new(format!("k{round}")).unwrap();
        let run = async |idempotency: Idempotency, key: IdempotencyKey| {
            let work = || async { Ok::<_, std::convert::Infallible>(()) };
            let done = idempotency.run(&key, &(), work).await.unwrap();
            usize::from(!done.is_replay())
        };
        let all = iter::repeat_with(|| tokio::spawn(run(server.idempotency.clone(), key.clone())));
        let all: Vec<_> = all.take(32).collect();
        let mut executed = 0;
        for one in all {
            executed += timeout(5 * SECOND, one).await.unwrap().unwrap();
        }
        assert_eq!(executed, 1);
    }
    // Each claimed for itself without the others.
    assert!(server.claims() < 100 * 32 / 2, "{}", server.claims());
}

// S38
#[tokio::test(start_paused = true)]
async fn a_record_is_told_to_all_that_came_before_it_was_asked_for() {
    for (payload, what) in [
        (b"{}".as_slice(), "first"),
        (b"[1]", "idempotency-key-reused"),
    ] {
        let server = Server::with(patient());
        server.has_completed().await;
        let started = Instant::now();
        let duplicate = || duplicate_with(&server.idempotency, payload);
        let mut waiters: Vec<_> = iter::repeat_with(duplicate).take(1_000).collect();
        settle().await;
        // The first one's claim may have seen the store as it was before the others came.
        all_got(vec![waiters.remove(0)], what, started + CLAIM).await;
        all_got(waiters, what, started + 2 * CLAIM).await;
        assert_eq!(server.claims(), 2);
    }
}

// S38
#[tokio::test(start_paused = true)]
async fn a_key_that_is_freed_while_it_is_asked_for_is_refused_to_nobody_who_came_later() {
    let server = Server::with(patient());
    let (elsewhere, _) = server.planted.elsewhere().engine(Policy::reference());
    let other = executing(elsewhere.begin(admit(&elsewhere), b"[1]").await);
    // The answer is on its way while the key is freed.
    server
        .planted
        .plant_once(Operation::Claim, Plant::Answers(CLAIM));
    let first = duplicate(&server.idempotency);
    settle().await;
    other.run(async { (Verdict::Free, ()) }).await.unwrap();
    let later = duplicates(&server.idempotency, 2).await;
    assert_eq!(first.await.unwrap().0, "idempotency-key-reused");
    assert_eq!(told(later).await, ["executed", "second"]);
}

// S23
#[tokio::test(start_paused = true)]
async fn requests_with_another_payload_get_no_response_of_the_first_one() {
    let server = Server::with(patient());
    let mut waiters = duplicates(&server.idempotency, 2).await;
    let other = || duplicate_with(&server.idempotency, b"[1]");
    let others: Vec<_> = iter::repeat_with(other).take(5).collect();
    waiters.extend(duplicates(&server.idempotency, 2).await);
    assert_eq!(told(others).await, ["idempotency-key-reused"; 5]);
    let told = told(waiters).await;
    assert_eq!(told, ["executed", "second", "second", "second"]);
}

// S21
#[tokio::test(start_paused = true)]
async fn requests_with_other_credentials_get_no_response_of_the_first_one() {
    let server = Server::with(patient());
    let begin = async |credentials| {
        let lines = [("idempotency-key", "k"), ("authorization", credentials)];
        let request = admit_head(&server.idempotency, &Head(&lines));
        match server.idempotency.begin(request, b"{}").await {
            Begin::Execute(execution) => {
                let work = async { (keep("first"), ()) };
                execution.run(work).await.unwrap();
                "executed"
            }
            Begin::Replay(_) => "replay",
            Begin::Refused(refusal) => refusal.code(),
            Begin::Unprotected => "unprotected",
        }
    };
    let later = async |credentials| {
        sleep(MILLISECOND).await;
        begin(credentials).await
    };
    let told = tokio::join!(
        begin("heidi"),
        later("peter"),
        later("heidi"),
        later("peter")
    );
    let other = "idempotency-key-of-other-caller";
    assert_eq!(told, ("executed", other, "replay", other));
}

// S38
#[tokio::test(start_paused = true)]
async fn another_one_claims_if_the_first_ones_claim_fails() {
    let server = Server::with(patient());
    server
        .planted
        .plant_once(Operation::Claim, Plant::Fails(CLAIM));
    let started = Instant::now();
    let mut waiters = duplicates(&server.idempotency, 10).await;
    // Once the first claim has failed, they take no time.
    server.planted.clear();
    let first = vec![waiters.remove(0)];
    all_got(first, "idempotency-store-unavailable", started + CLAIM).await;
    let second = waiters.remove(0).await.unwrap();
    assert_eq!(second, ("executed", started + CLAIM));
    all_got(waiters, "second", started + CLAIM + SECOND).await;
}

// S38
#[tokio::test(start_paused = true)]
async fn another_one_claims_if_the_first_one_is_cancelled() {
    let server = Server::with(patient());
    let started = Instant::now();
    let mut first = Box::pin(begin(&server.idempotency));
    assert!(timeout(CLAIM / 2, &mut first).await.is_err());
    let mut waiters = duplicates(&server.idempotency, 10).await;
    assert_eq!(server.claims(), 1);
    drop(first);
    let second = waiters.remove(0).await.unwrap();
    assert_eq!(second, ("executed", started + CLAIM / 2 + CLAIM));
    assert_eq!(told(waiters).await, ["second"; 9]);
}

// S38
#[tokio::test(start_paused = true)]
async fn the_first_one_executes_for_the_others_though_its_client_hangs_up_while_it_claims() {
    let server = Server::with(patient());
    let mut waiters = duplicates(&server.idempotency, 10).await;
    sleep(CLAIM / 2).await;
    waiters.remove(0).abort();
    assert_eq!(told(waiters).await, ["second"; 9]);
    assert_eq!(server.store.calls(Operation::Complete), 1);
}

// S38
#[tokio::test(start_paused = true)]
async fn another_one_claims_if_the_first_one_stalls() {
    let server = Server::with(patient());
    let started = Instant::now();
    let mut first = Box::pin(begin(&server.idempotency));
    assert!(timeout(CLAIM / 2, &mut first).await.is_err());
    let waiters = duplicates(&server.idempotency, 2).await;
    assert_eq!(told(waiters).await, ["executed", "second"]);
    assert!(started.elapsed() < 4 * SECOND, "{:?}", started.elapsed());
    drop(first);
}

// S38
#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_keeps_nobody_longer_than_a_claim_of_its_own() {
    for (on_failure, what) in [
        (OnStoreFailure::Refuse, "idempotency-store-unavailable"),
        (OnStoreFailure::RunUnprotected, "unprotected"),
    ] {
        let server = Server::with(patient().on_store_failure(on_failure));
        server.store.fail(Operation::Claim, Fault::Mute);
        let started = Instant::now();
        let mut waiters = duplicates(&server.idempotency, 1_000).await;
        // The second one asks when the first is late.
        let second = waiters.remove(1);
        all_got(waiters, what, started + 2 * SECOND).await;
        assert_eq!(second.await.unwrap().0, what);
        assert!(started.elapsed() < 4 * SECOND, "{:?}", started.elapsed());
        assert!(server.claims() <= 4, "{}", server.claims());
    }
}

// S60
#[tokio::test(start_paused = true)]
async fn a_drain_refuses_at_once_all_but_the_one_that_claims() {
    let server = Server::with(patient());
    let started = Instant::now();
    let mut waiters = duplicates(&server.idempotency, 10).await;
    sleep(CLAIM / 2).await;
    let first = waiters.remove(0);
    let drain = async {
        server.idempotency.drain().await;
        Instant::now()
    };
    let refused = all_got(waiters, "idempotency-shutting-down", started + CLAIM / 2);
    let (drained, ()) = tokio::join!(drain, refused);
    assert_eq!(drained, started + CLAIM + SECOND);
    assert_eq!(first.await.unwrap().0, "executed");
    assert_eq!(server.claims(), 1);
}

// S38
#[tokio::test(start_paused = true)]
async fn they_need_a_place_once_it_is_known_that_they_have_to_wait() {
    let server = Server::with(Policy::reference().wait(5 * SECOND, 3));
    let original = ends(server.original().await, 2 * SECOND, keep("first"));
    let started = Instant::now();
    let mut waiters = duplicates(&server.idempotency, 10).await;
    let refused = waiters.split_off(3);
    let full = "idempotency-too-many-waiters";
    all_got(refused, full, started + CLAIM).await;
    let claims = server.claims();
    assert_eq!(claims, 1);
    let late = duplicates(&server.idempotency, 100).await;
    all_got(late, full, Instant::now()).await;
    assert_eq!(server.claims(), claims);
    original.await.unwrap();
    assert_eq!(told(waiters).await, ["first"; 3]);
}

// S38
#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_claim_take_no_place_from_those_who_wait_for_an_original() {
    let policy = Policy::reference().wait(5 * SECOND, 1);
    let server = Server::with(policy.clone());
    server.has_completed().await;
    let with_other_keys = server.idempotency.with_policy(policy.namespace("other"));
    let execution = executing(begin(&with_other_keys).await);
    ends(execution, SECOND, keep("second"));
    let replayed = duplicates(&server.idempotency, 3).await;
    let waiters = duplicates(&with_other_keys, 1).await;
    assert_eq!(told(waiters).await, ["second"]);
    assert_eq!(told(replayed).await, ["first"; 3]);
}

// S38
#[tokio::test(start_paused = true)]
async fn a_wait_that_is_shorter_than_a_claim_begins_once_the_first_one_is_answered() {
    let server = Server::with(Policy::reference().wait(CLAIM / 2, 10));
    forget(server.original().await);
    let started = Instant::now();
    for waiter in duplicates(&server.idempotency, 10).await {
        let (what, at) = waiter.await.unwrap();
        assert_eq!(what, "idempotency-in-progress");
        let took = at - started;
        assert!(took >= CLAIM + CLAIM / 2, "{took:?}");
        // One or two ask a last time.
        assert!(took <= 3 * CLAIM, "{took:?}");
    }
}

// S38
#[tokio::test(start_paused = true)]
async fn nobody_is_refused_for_want_of_a_place_where_nobody_has_to_wait() {
    let server = Server::with(Policy::reference().wait(5 * SECOND, 1));
    server.has_completed().await;
    let waiters = duplicates(&server.idempotency, 10).await;
    assert_eq!(told(waiters).await, ["first"; 10]);
}

// S38
#[tokio::test(start_paused = true)]
async fn without_waiting_each_claims_for_itself() {
    let server = Server::with(Policy::reference());
    let started = Instant::now();
    let mut all = duplicates(&server.idempotency, 10).await;
    assert_eq!(server.claims(), 10);
    let first = all.remove(0);
    all_got(all, "idempotency-in-progress", started + CLAIM).await;
    assert_eq!(first.await.unwrap().0, "executed");
}

// S38
#[tokio::test(start_paused = true)]
async fn a_place_is_wanted_by_nobody_whose_original_has_just_ended() {
    let server = Server::with(Policy::reference().wait(5 * SECOND, 1));
    let execution = executing(begin(&server.idempotency).await);
    let original = ends(execution, END, keep("first"));
    let mut waiters = duplicates(&server.idempotency, 1).await;
    original.await.unwrap();
    // The one who waits has asked, and is not answered yet.
    sleep(CLAIM / 2).await;
    waiters.extend(duplicates(&server.idempotency, 1).await);
    assert_eq!(told(waiters).await, ["first", "first"]);
}

// S38
#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_just_after_the_original_ends_with_its_response() {
    let server = Server::with(Policy::reference().wait(END + CLAIM / 2, 10));
    let execution = executing(begin(&server.idempotency).await);
    let original = ends(execution, END, keep("first"));
    let waiters = duplicates(&server.idempotency, 3).await;
    original.await.unwrap();
    assert_eq!(told(waiters).await, ["first"; 3]);
}

// S38
#[tokio::test(start_paused = true)]
async fn nobody_gives_the_store_up_because_the_process_stood_still() {
    for on_failure in [OnStoreFailure::Refuse, OnStoreFailure::RunUnprotected] {
        let server = Server::with(patient().on_store_failure(on_failure));
        let lost = Plant::Answers(20 * SECOND);
        server.planted.plant_once(Operation::Claim, lost);
        let waiters = duplicates(&server.idempotency, 5).await;
        server.planted.plant(Operation::Claim, Plant::Takes(CLAIM));
        advance(3 * SECOND).await;
        let mut all = ["second"; 5];
        all[0] = "executed";
        assert_eq!(told(waiters).await, all);
    }
}

// S38
#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_while_the_process_stands_still_ends_with_what_is_known_then() {
    let server = Server::with(patient());
    let original = server.original().await;
    let waiters = duplicates(&server.idempotency, 5).await;
    sleep(SECOND).await;
    original.run(async { (keep("first"), ()) }).await.unwrap();
    advance(6 * SECOND).await;
    assert_eq!(told(waiters).await, ["first"; 5]);
}
