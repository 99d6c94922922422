//! An enlisted ending with one point of it broken: the properties notice.

use crate::{
    enlisted::intact::INTACT,
    flaws::breaks_in,
    model::{Effects, Model},
    properties::Property,
    store::Flaw,
};

fn breaks(flaw: Flaw, property: Property) {
    let model = Model {
        flaw: Some(flaw),
        ..INTACT
    };
    breaks_in(&model, property);
}

// S64
#[test]
fn a_transaction_without_the_fence_repeats_the_effect() {
    breaks(Flaw::CompleteUnfenced, Property::OneEffect);
    breaks(Flaw::CompleteUnfenced, Property::OneRecorder);
    breaks(Flaw::CompleteUnfenced, Property::FenceHoldsUntilCommit);
}

#[test]
fn a_release_before_the_rollback_has_ended_frees_what_is_still_open() {
    breaks(Flaw::ReleaseBeforeRollback, Property::UndoneWhenFreed);
    breaks(Flaw::ReleaseBeforeRollback, Property::AloneWithoutFault);
}

#[test]
fn a_release_after_a_rollback_of_which_nobody_heard_frees_what_is_still_open() {
    breaks(Flaw::ReleaseUnheard, Property::UndoneWhenFreed);
    breaks(Flaw::ReleaseUnheard, Property::AloneWithoutFault);
}

// S67
#[test]
fn a_key_freed_on_an_unknown_commit_repeats_the_effect() {
    breaks(Flaw::FreedOnUnknown, Property::UndoneWhenFreed);
    breaks(Flaw::FreedOnUnknown, Property::OneEffect);
    breaks(Flaw::FreedOnUnknown, Property::OneEffectAfterUnknown);
}

// S64
#[test]
fn an_own_answer_after_a_lost_lease_tells_of_an_undone_effect() {
    breaks(Flaw::OwnAnswerAfterLost, Property::ToldOnlyWhatWasDone);
}

#[test]
fn an_own_answer_before_the_commit_has_landed_tells_of_an_undone_effect() {
    breaks(Flaw::OwnAnswerBeforeCommit, Property::ToldOnlyWhatWasDone);
}

// S67
#[test]
fn an_own_answer_of_which_nobody_knows_tells_of_an_undone_effect() {
    breaks(Flaw::OwnAnswerOnUnknown, Property::ToldOnlyWhatWasDone);
}

#[test]
fn a_question_that_does_not_wait_takes_for_undone_what_lands() {
    breaks(Flaw::QuestionByRead, Property::UndoneIsFinal);
}

#[test]
fn a_question_that_waits_only_for_a_running_lease_takes_for_undone_what_lands() {
    breaks(Flaw::QuestionMissesLapsed, Property::UndoneIsFinal);
}

// S63
#[test]
fn a_record_outside_the_transaction_repeats_the_effect() {
    breaks(Flaw::RecordOutside, Property::EffectIsKept);
    breaks(Flaw::RecordOutside, Property::OneEffect);
}

#[test]
fn a_fence_that_takes_no_lock_repeats_the_effect() {
    breaks(Flaw::FenceWithoutLock, Property::FenceHoldsUntilCommit);
    breaks(Flaw::FenceWithoutLock, Property::OneEffect);
}

#[test]
fn a_takeover_that_does_not_wait_for_the_row_repeats_the_effect() {
    breaks(Flaw::TakeoverDoesNotWait, Property::FenceHoldsUntilCommit);
    breaks(Flaw::TakeoverDoesNotWait, Property::OneEffect);
}

#[test]
fn a_commit_although_the_lease_is_lost_repeats_the_effect() {
    breaks(Flaw::CommitAlthoughLost, Property::OneEffect);
    breaks(Flaw::CommitAlthoughLost, Property::EffectIsKept);
}

// S66
#[test]
fn an_effect_of_a_failed_handler_that_is_kept_is_repeated() {
    breaks(Flaw::EffectKeptOnFree, Property::UndoneIsFinal);
    breaks(Flaw::EffectKeptOnFree, Property::OneEffect);
}

#[test]
fn a_release_that_frees_its_own_record_repeats_the_effect() {
    breaks(Flaw::ReleaseFreesRecord, Property::EffectIsKept);
    breaks(Flaw::ReleaseFreesRecord, Property::OneEffect);
}

// S79
#[test]
fn a_lease_delivered_twice_whose_own_record_lets_through_repeats_the_effect() {
    let model = Model {
        effects: Effects::Enlisted { deliveries: 1 },
        flaw: Some(Flaw::OwnRecordLetsThrough),
        ..INTACT
    };
    breaks_in(&model, Property::OneEffect);
}

// S65
#[test]
fn a_statement_that_needs_a_running_lease_undoes_what_nobody_took_over() {
    breaks(Flaw::CompleteNeedsLease, Property::DoneIsRemembered);
}
