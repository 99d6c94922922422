//! Which case catches which defect.

use crate::defect::Defect;

/// What catches each defect: one case that is about it, of all that notice.
#[rustfmt::skip]
pub(crate) const CAUGHT: &[(Defect, &str)] = &[
    (Defect::RecordOutsideTheTransaction, "lost::after_a_takeover_nothing_is_written"),
    (Defect::RecordOutsideTheTransaction, "lost::after_anothers_completion_nothing_is_written"),
    (Defect::NoFence, "lost::after_a_takeover_nothing_is_written"),
    (Defect::NoFence, "lost::after_a_release_and_a_claim_nothing_is_written"),
    (Defect::FenceOfBegin, "lost::a_takeover_during_the_transaction_is_seen"),
    (Defect::CommitsAlthoughLost, "lost::after_anothers_completion_nothing_is_written"),
    (Defect::OwnRecordIsLetThrough, "lost::a_lease_that_comes_again_commits_nothing"),
    (Defect::OwnRecordIsLetThrough, "lost::of_two_deliveries_at_once_one_commits"),
    (Defect::NeedsALiveLease, "committed::a_lease_that_ran_out_commits_if_nobody_took_over"),
    (Defect::NowOfBegin, "committed::retention_counts_from_the_end"),
    (Defect::EffectsCommitAtOnce, "committed::effect_and_record_appear_together"),
    (Defect::LosesTheResponse, "committed::the_response_comes_back"),
    (Defect::TombstonesAreLeftOut, "committed::a_response_that_is_not_kept_is_committed"),
    (Defect::FreedOnUnknown, "doubt::a_commit_that_landed_is_found"),
    (Defect::FreedOnUnknown, "doubt::a_commit_that_lands_late_is_waited_for"),
    (Defect::UnknownIsCommitted, "doubt::a_commit_that_never_arrived_frees_the_key"),
    (Defect::QuestionDoesNotWait, "doubt::a_commit_that_lands_late_is_waited_for"),
    (Defect::RollBackKeepsTheEffect, "undone::a_failure_leaves_nothing"),
    (Defect::RollBackKeepsTheEffect, "undone::a_panic_leaves_nothing"),
    (Defect::RollBackIsNotAwaited, "undone::the_rollback_has_ended_before_the_key_is_free"),
    (Defect::DropCommits, "undone::one_that_is_dropped_leaves_nothing"),
    (Defect::DropCommits, "undone::an_execution_that_is_dropped_leaves_nothing"),
    (Defect::FailuresAreSwallowed, "undone::a_statement_that_failed_commits_nothing"),
    (Defect::ReleaseIsNotFenced, "lost::a_failure_frees_nothing_of_who_took_over"),
    (Defect::RefusalsAreIgnored, "begun::in_an_execution_on_another_store_it_is_refused"),
    (Defect::RefusalsAreIgnored, "begun::a_second_one_is_refused_until_the_first_is_dropped"),
    (Defect::LateOnesCommit, "begun::one_that_comes_after_the_end_is_refused"),
    (Defect::ClientsHaveIdentities, "begun::another_client_is_the_same_store"),
    (Defect::CommitLeaks, "connections::one_that_was_committed_gives_it_back"),
    (Defect::LostLeaks, "connections::one_that_was_lost_gives_it_back"),
    (Defect::RollBackLeaks, "connections::one_that_was_rolled_back_gives_it_back"),
    (Defect::DropLeaks, "connections::one_that_was_dropped_gives_it_back"),
    (Defect::DropLeaks, "connections::one_whose_execution_was_dropped_gives_it_back"),
    (Defect::RefusalLeaks, "connections::one_that_was_refused_takes_none"),
];
