//! The protocol as it is keeps every property in every state.

use std::{collections::BTreeSet, time::Instant};

use crate::{
    explore::explore,
    model::{Bounds, Effects, Model},
    properties::Goal,
};

/// What one world can have and still be explored in seconds.
const BOUNDS: Bounds = Bounds {
    asks: 2,
    tries: 2,
    renewals: 0,
    crashes: 1,
    retentions: 1,
    disconnects: 0,
};

/// The world of most tests.
pub(crate) const INTACT: Model = Model {
    bounds: BOUNDS,
    asked: [1, 1, 1],
    effects: Effects::Apart,
    flaw: None,
};

/// Explores a whole world, and checks which goals are out of reach.
fn keeps_every_property(name: &str, model: &Model, unreachable: &[Goal]) {
    check(name, model, &Goal::ALL, unreachable);
}

/// Explores a whole world, and checks which of the goals are out of reach.
pub(crate) fn check(name: &str, model: &Model, goals: &[Goal], unreachable: &[Goal]) {
    let began = Instant::now();
    let found = explore(model, None);
    println!(
        "{name}: {} states, {} steps, {} deep, in {:?}",
        found.states,
        found.steps,
        found.depth,
        began.elapsed()
    );
    assert!(found.broken.is_empty(), "{:#?}", found.broken);
    let missed: BTreeSet<Goal> = goals
        .iter()
        .copied()
        .filter(|goal| !found.reached.contains(goal))
        .collect();
    assert_eq!(missed, unreachable.iter().copied().collect());
}

const RENEWING: [Goal; 2] = [Goal::RenewalHeld, Goal::LateRenewalIsLost];

#[test]
fn requests_that_ask_the_same_keep_every_property() {
    let [held, lost] = RENEWING;
    let unreachable = [held, lost, Goal::RefusedAsMismatch];
    keeps_every_property("the same", &INTACT, &unreachable);
}

#[test]
#[ignore = "takes minutes unless it is optimised"]
fn all_of_it_at_once_keeps_every_property() {
    let bounds = Bounds {
        renewals: 1,
        crashes: 2,
        ..BOUNDS
    };
    let model = Model { bounds, ..INTACT };
    keeps_every_property("all at once", &model, &[Goal::RefusedAsMismatch]);
}

// S22
#[test]
fn requests_of_which_one_asks_for_something_else_keep_every_property() {
    let model = Model {
        bounds: Bounds { tries: 1, ..BOUNDS },
        asked: [1, 1, 2],
        ..INTACT
    };
    let [held, lost] = RENEWING;
    let unreachable = [held, lost, Goal::RepeatedCompleteIsHeld];
    keeps_every_property("something else", &model, &unreachable);
}

// S34
#[test]
fn requests_that_renew_their_leases_keep_every_property() {
    let bounds = Bounds {
        tries: 1,
        renewals: 1,
        ..BOUNDS
    };
    let model = Model { bounds, ..INTACT };
    let unreachable = [Goal::RefusedAsMismatch, Goal::RepeatedCompleteIsHeld];
    keeps_every_property("renewing", &model, &unreachable);
}

// S45
#[test]
fn requests_whose_clients_disconnect_keep_every_property() {
    let bounds = Bounds {
        tries: 1,
        disconnects: 1,
        ..BOUNDS
    };
    let model = Model { bounds, ..INTACT };
    let [held, lost] = RENEWING;
    let unreachable = [
        held,
        lost,
        Goal::RefusedAsMismatch,
        Goal::RepeatedCompleteIsHeld,
    ];
    keeps_every_property("disconnecting", &model, &unreachable);
}
