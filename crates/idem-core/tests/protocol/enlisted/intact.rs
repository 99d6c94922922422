//! The intact enlisted ending keeps every property in every reachable state.

use crate::{
    intact::check,
    model::{Bounds, Effects, Model},
    properties::Goal,
};

/// What one world can have and still be explored in seconds.
const BOUNDS: Bounds = Bounds {
    asks: 1,
    tries: 1,
    renewals: 0,
    crashes: 0,
    retentions: 0,
    disconnects: 0,
};

/// The smallest world, which most flaws need no more than.
pub(crate) const INTACT: Model = Model {
    bounds: BOUNDS,
    asked: [1, 1, 1],
    effects: Effects::Enlisted { deliveries: 0 },
    flaw: None,
};

/// What no enlisted world reaches. The first two are the point: the duplicates that the other
/// worlds own up to cannot happen here, whoever crashes and whatever lease runs out.
const NEVER: [Goal; 6] = [
    Goal::DuplicateAfterCrash,
    Goal::DuplicateAfterOverrun,
    // Completions stay in their transactions.
    Goal::LateCompleteIsLost,
    Goal::RepeatedCompleteIsHeld,
    // No world here has renewals.
    Goal::RenewalHeld,
    Goal::LateRenewalIsLost,
];

const RETENTION: [Goal; 2] = [
    Goal::ExecutedAfterRetention,
    Goal::RecordedAgainAfterRetention,
];

fn keeps_every_property(name: &str, model: &Model, unreachable: &[Goal]) {
    let goals: Vec<Goal> = Goal::ALL.into_iter().chain(Goal::ENLISTED).collect();
    check(name, model, &goals, &[&NEVER, unreachable].concat());
}

// S63
#[test]
fn crashes_and_ends_of_retention_repeat_no_enlisted_effect() {
    let bounds = Bounds {
        crashes: 1,
        retentions: 1,
        ..BOUNDS
    };
    let model = Model { bounds, ..INTACT };
    let unreachable = [Goal::RefusedAsMismatch, Goal::OwnedOnAskingAgain];
    keeps_every_property("enlisted", &model, &unreachable);
}

#[test]
fn requests_that_ask_for_something_else_repeat_no_enlisted_effect() {
    let model = Model {
        asked: [1, 1, 2],
        ..INTACT
    };
    let [after, again] = RETENTION;
    let unreachable = [
        after,
        again,
        Goal::OwnedOnAskingAgain,
        Goal::TakeoverAfterCrash,
    ];
    keeps_every_property("enlisted, something else", &model, &unreachable);
}

// S79
#[test]
fn a_lease_that_is_delivered_twice_repeats_no_enlisted_effect() {
    let model = Model {
        effects: Effects::Enlisted { deliveries: 1 },
        ..INTACT
    };
    let [after, again] = RETENTION;
    let unreachable = [
        after,
        again,
        Goal::RefusedAsMismatch,
        Goal::OwnedOnAskingAgain,
        Goal::TakeoverAfterCrash,
    ];
    keeps_every_property("enlisted, delivered twice", &model, &unreachable);
}

#[test]
#[ignore = "takes minutes unless it is optimised"]
fn all_of_it_at_once_repeats_no_enlisted_effect() {
    let bounds = Bounds {
        asks: 2,
        crashes: 1,
        retentions: 1,
        ..BOUNDS
    };
    let model = Model {
        bounds,
        effects: Effects::Enlisted { deliveries: 1 },
        ..INTACT
    };
    keeps_every_property("enlisted, all at once", &model, &[Goal::RefusedAsMismatch]);
}
