//! The suite catches stores that are right but for one thing.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod alteration;
mod caught;
mod defect;
mod store;
mod table;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use caught::{CAUGHT, TIMED, TRACED};
use defect::Defect;
use idem_store_tests::{CASES, Case, Clock, Fixture};
use store::ReferenceStore;

#[test]
fn each_defect_is_caught_by_its_case() {
    for (defect, name) in CAUGHT {
        assert!(catches(named(name), *defect), "{name} misses {defect:?}");
    }
}

#[test]
fn the_trace_catches_every_wrong_transition() {
    let trace = named("trace::random_calls_are_answered_as_by_the_model");
    for defect in TRACED {
        assert!(catches(trace, *defect), "it misses {defect:?}");
    }
}

#[test]
fn a_real_clock_catches_what_runs_out_at_the_wrong_time() {
    let clock = Clock::real().with_unit(Duration::from_millis(200));
    for (defect, name) in TIMED {
        let caught = fails(named(name), clock, || fixture(Some(*defect)));
        assert!(caught, "{name} misses {defect:?}");
    }
}

#[test]
fn a_store_that_ends_late_passes_within_the_tolerance_alone() {
    let clock = Clock::real().with_unit(Duration::from_millis(200));
    let tolerant = clock.with_tolerance(Duration::from_millis(150));
    for name in [
        "expiry::a_lease_that_ran_out_is_taken_over",
        "expiry::a_result_that_ran_out_is_absent_to_claim",
        "meeting::a_late_completion_and_a_takeover_exclude_each_other",
        "trace::random_calls_are_answered_as_by_the_model",
    ] {
        named(name).run(tolerant, async || fixture(Some(Defect::EndsLate)));
    }
    let late = named("expiry::a_lease_that_ran_out_is_taken_over");
    assert!(fails(late, clock, || fixture(Some(Defect::EndsLate))));
    let never = || fixture(Some(Defect::LeasesNeverEnd));
    assert!(fails(late, tolerant, never));
}

#[test]
fn a_store_without_defect_passes_on_a_slow_machine() {
    let clock = Clock::real().with_unit(Duration::from_millis(40));
    let slow = || Fixture::new(ReferenceStore::new(None).slow(Duration::from_millis(30)));
    for name in [
        "claim::claiming_again_does_not_extend_the_lease",
        "expiry::a_result_is_not_prolonged_by_those_who_find_it",
        "renew::a_lease_can_be_renewed_many_times",
        "trace::random_calls_are_answered_as_by_the_model",
    ] {
        named(name).run(clock, async || slow());
    }
}

#[test]
fn a_store_without_defect_passes_every_case() {
    for case in CASES {
        case.run(Clock::paused(), async || fixture(None));
    }
}

#[test]
fn every_case_catches_a_defect() {
    let idle: Vec<_> = CASES.iter().filter(|case| !catches_any(case)).collect();
    assert!(idle.is_empty(), "these catch nothing: {idle:#?}");
}

fn catches_any(case: &Case) -> bool {
    let listed = CAUGHT.iter().any(|(_, name)| *name == case.name());
    listed || CAUGHT.iter().any(|(defect, _)| catches(case, *defect))
}

fn named(name: &str) -> &'static Case {
    let found = CASES.iter().find(|case| case.name() == name);
    found.unwrap_or_else(|| panic!("there is no case {name}"))
}

fn catches(case: &Case, defect: Defect) -> bool {
    fails(case, Clock::paused(), || fixture(Some(defect)))
}

fn fails(case: &Case, clock: Clock, fixture: impl Fn() -> Fixture) -> bool {
    let run = || case.run(clock, async || fixture());
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

/// Two clients of one store, and a way to lose its replies.
fn fixture(defect: Option<Defect>) -> Fixture {
    let store = ReferenceStore::new(defect);
    let faulty = store.clone();
    Fixture::new(store.clone())
        .client(store.other_client())
        .faults(move |operation| faulty.lose_next_reply(operation))
}
