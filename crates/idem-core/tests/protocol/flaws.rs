//! The protocol with one point of it broken: the properties notice.

use crate::{
    explore::explore,
    intact::INTACT,
    model::{Bounds, Effects, Model},
    properties::{Goal, Property},
    store::Flaw,
};

/// What a flaw needs to show, and no more.
const FEW: Bounds = Bounds {
    asks: 1,
    tries: 1,
    renewals: 0,
    crashes: 0,
    retentions: 0,
    disconnects: 0,
};

fn breaks(flaw: Flaw, property: Property, bounds: Bounds) {
    let model = Model {
        bounds,
        asked: [1, 1, 2],
        effects: Effects::Apart,
        flaw: Some(flaw),
    };
    breaks_in(&model, property);
}

/// Explores a flawed world until it breaks the property.
pub(crate) fn breaks_in(model: &Model, property: Property) {
    let flaw = model.flaw;
    let found = explore(model, Some(property));
    let Some(way) = found.broken.get(&property) else {
        panic!("{flaw:?} does not break {property:?}");
    };
    println!(
        "{flaw:?} breaks {property:?} in {} steps: {way:?}",
        way.len()
    );
}

#[test]
fn a_claim_in_two_steps_executes_in_anothers_lease() {
    breaks(
        Flaw::ClaimInTwoSteps,
        Property::NoExecutionInAnothersLease,
        FEW,
    );
    breaks(Flaw::ClaimInTwoSteps, Property::OneEffectWithoutFault, FEW);
}

#[test]
fn an_unfenced_completion_replaces_a_record() {
    breaks(Flaw::CompleteUnfenced, Property::OneRecorder, FEW);
    breaks(Flaw::CompleteUnfenced, Property::ReplayIsRecorded, FEW);
}

#[test]
fn a_completion_that_needs_a_lease_forgets_what_was_done() {
    breaks(Flaw::CompleteNeedsLease, Property::DoneIsRemembered, FEW);
}

#[test]
fn an_unfenced_release_lets_another_into_a_running_lease() {
    breaks(
        Flaw::ReleaseUnfenced,
        Property::NoExecutionInAnothersLease,
        FEW,
    );
}

#[test]
fn an_unfenced_renewal_repeats_the_effect() {
    let bounds = Bounds { renewals: 1, ..FEW };
    breaks(Flaw::RenewUnfenced, Property::OneEffectWithoutFault, bounds);
}

#[test]
fn a_renewal_brings_no_lease_back() {
    let bounds = Bounds { renewals: 1, ..FEW };
    breaks(Flaw::RenewResurrects, Property::LeaseBeginsByClaim, bounds);
}

#[test]
fn a_lease_without_an_end_is_stuck_after_a_crash() {
    let bounds = Bounds { crashes: 1, ..FEW };
    breaks(Flaw::LeaseWithoutEnd, Property::NeverStuck, bounds);
}

#[test]
fn a_lost_fingerprint_answers_another_request() {
    breaks(
        Flaw::FingerprintLost,
        Property::OtherFingerprintRefused,
        FEW,
    );
}

#[test]
fn a_release_after_a_completion_repeats_the_effect() {
    breaks(
        Flaw::ReleaseAfterComplete,
        Property::OneEffectWithoutFault,
        FEW,
    );
}

#[test]
fn an_ambiguous_claim_taken_for_owned_executes_unclaimed() {
    breaks(Flaw::ExecuteUnasked, Property::NoExecutionUnclaimed, FEW);
    breaks(Flaw::ExecuteUnasked, Property::OneEffectWithoutFault, FEW);
}

#[test]
fn a_fresh_token_for_asking_again_is_refused_by_its_own_lease() {
    let bounds = Bounds { asks: 2, ..FEW };
    breaks(Flaw::FreshToken, Property::NotRefusedByItself, bounds);
}

#[test]
fn a_fresh_token_never_owns_on_asking_again() {
    let bounds = Bounds { asks: 2, ..FEW };
    let flawed = Model {
        bounds,
        flaw: Some(Flaw::FreshToken),
        ..INTACT
    };
    let intact = Model { bounds, ..INTACT };
    let owned = |model| {
        explore(model, None)
            .reached
            .contains(&Goal::OwnedOnAskingAgain)
    };
    assert!(!owned(&flawed) && owned(&intact));
}

#[test]
fn an_answer_later_than_the_lease_executes_in_anothers_lease() {
    breaks(Flaw::WaitPastLease, Property::ExecutionInOwnLease, FEW);
    breaks(
        Flaw::WaitPastLease,
        Property::NoExecutionInAnothersLease,
        FEW,
    );
    breaks(Flaw::WaitPastLease, Property::OneEffectWithoutFault, FEW);
}

#[test]
fn a_disconnect_that_cancels_the_handler_repeats_the_effect() {
    let bounds = Bounds {
        disconnects: 1,
        ..FEW
    };
    breaks(
        Flaw::DisconnectCancels,
        Property::OneEffectWithoutFault,
        bounds,
    );
}
