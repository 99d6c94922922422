//! When a duplicate is told to ask again while its original runs.

use std::{sync::Arc, time::Duration};

use idem_core::{
    Idempotency, LeaseTerm, OnLeaseEnd, Policy, Refusal,
    adapter::Begin,
    store::{Claim, Lease, MockIdempotencyStore, Pending, Record},
};
use tokio::time::{Instant, advance, sleep};

use crate::support::{Engine, LEASE, SECOND, admit, begin, executing, slow, spawn};

/// What a duplicate is told now, as its client reads it; `None` if it executes.
async fn told(idempotency: &Idempotency) -> Option<u64> {
    match begin(idempotency).await {
        Begin::Execute(_) => None,
        Begin::Refused(refusal @ Refusal::InProgress { .. }) => Some(seconds(&refusal)),
        other => panic!("{other:?}"),
    }
}

fn seconds(refusal: &Refusal) -> u64 {
    let response = refusal.to_response(&Policy::reference());
    let value = response.headers().values("retry-after").next().unwrap();
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

/// An owner that crashed: nobody renews its lease.
async fn crash(engine: &Engine, term: impl Into<LeaseTerm>) {
    let request = admit(&engine.idempotency).lease(term);
    std::mem::forget(executing(engine.idempotency.begin(request, b"{}").await));
}

#[tokio::test(start_paused = true)]
async fn a_click_that_comes_twice_has_its_answer_within_a_second_of_the_original() {
    let engine = Engine::new();
    let original = spawn(&engine, slow(2 * SECOND, "done"));
    sleep(Duration::from_millis(100)).await;
    let mut waited = Duration::ZERO;
    while let Begin::Refused(Refusal::InProgress { retry_after }) = begin(&engine.idempotency).await
    {
        sleep(retry_after).await;
        waited += retry_after;
    }
    assert!(waited <= 3 * SECOND, "{waited:?}");
    assert_eq!(original.await.unwrap(), "done");
}

#[tokio::test(start_paused = true)]
async fn the_pauses_of_a_client_that_waits_as_told_double_up_to_the_end_of_the_lease() {
    let engine = Engine::new();
    crash(&engine, LEASE).await;
    let mut pauses = Vec::new();
    while let Some(seconds) = told(&engine.idempotency).await {
        pauses.push(seconds);
        advance(Duration::from_secs(seconds)).await;
    }
    assert_eq!(pauses, [1, 1, 2, 4, 8, 14]);
}

// S28
#[tokio::test(start_paused = true)]
async fn whatever_a_rule_says_is_at_least_a_second_and_no_more_than_is_left() {
    let rules: [fn(Duration) -> Duration; 4] = [
        |age| age,
        |_| Duration::ZERO,
        |_| Duration::from_millis(1_001),
        |_| Duration::MAX,
    ];
    for rule in rules {
        let engine = Engine::with(Policy::reference().retry_after(rule));
        crash(&engine, LEASE).await;
        let step = Duration::from_millis(700);
        let mut left = LEASE;
        while let Some(seconds) = told(&engine.idempotency).await {
            let most = left.as_secs().max(1);
            let asked = rule(LEASE - left).as_millis().div_ceil(1_000).max(1);
            assert_eq!(u128::from(seconds), asked.min(most.into()), "{left:?}");
            left = left.saturating_sub(step);
            advance(step).await;
        }
        assert!(left.is_zero(), "{left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_another_length_than_the_duplicate_s_is_only_younger_or_older() {
    for (original, told_at_once) in [
        (90 * SECOND, 1),
        (SECOND, 1),
        (Duration::MAX, 1),
        (Duration::from_secs(20), 10),
    ] {
        let engine = Engine::new();
        crash(&engine, original).await;
        let told = told(&engine.idempotency).await;
        assert_eq!(told, Some(told_at_once), "{original:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_lease_s_end_is_refused_the_age_is_counted_on_and_the_lease_bounds_it() {
    let engine = Engine::with(Policy::reference().on_lease_end(OnLeaseEnd::Refuse));
    crash(&engine, LEASE).await;
    let crashed = Instant::now();
    for (age, expected) in [(0, 1), (5, 5), (29, 29), (31, 30), (3_000, 30), (3_595, 5)] {
        advance(Duration::from_secs(age) - crashed.elapsed()).await;
        assert_eq!(told(&engine.idempotency).await, Some(expected), "{age} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_tell_what_is_left_has_an_age_of_zero_and_a_whole_lease() {
    for (policy, expected) in [
        (Policy::reference(), 1),
        (Policy::reference().retry_after(|_| Duration::MAX), 30),
        (
            Policy::reference()
                .retry_after(|_| Duration::MAX)
                .on_lease_end(OnLeaseEnd::Refuse),
            30,
        ),
    ] {
        let mut store = MockIdempotencyStore::new();
        store.expect_claim().returning(|_, lease: &Lease| {
            let other = Lease::new(*lease.identity(), lease.duration());
            let pending = Pending::new(*other.owner(), *other.identity(), None);
            Ok(Claim::Taken(Record::Pending(pending)))
        });
        let idempotency = Idempotency::new(Arc::new(store), policy);
        assert_eq!(told(&idempotency).await, Some(expected));
    }
}
