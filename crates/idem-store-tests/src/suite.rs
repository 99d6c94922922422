//! All cases, in the one list that tests and tables are made from.

/// Gives every case, by group, to another macro, after some context for it.
///
/// Before each group stands what its cases need: tasks on either clock, or threads.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_cases {
    ([$($then:tt)+] $context:tt) => {
        $($then)+! { $context
            tasks capacity {
                the_largest_response_is_taken,
                a_larger_response_is_refused_as_too_large,
                nothing_live_is_dropped,
                the_capacity_does_not_change,
            }
            tasks claim {
                a_fresh_claim_is_owned,
                a_second_claim_finds_the_first_ones_lease,
                a_duplicate_of_the_same_request_is_refused,
                what_remains_of_a_lease_is_told_right,
                claiming_again_by_the_owner_is_owned,
                claiming_again_does_not_extend_the_lease,
                a_refused_claim_does_not_extend_the_lease,
                a_refused_claim_does_not_shorten_the_lease,
                the_owner_finds_its_own_result,
                other_keys_are_not_disturbed,
                keys_that_differ_in_one_byte_are_distinct,
            }
            tasks complete {
                the_owners_result_is_recorded,
                a_strangers_completion_is_lost,
                completing_again_changes_nothing,
                completing_again_does_not_restart_retention,
                completing_an_absent_key_is_recorded,
                completing_late_is_recorded_if_nobody_took_over,
                completing_after_a_takeover_is_lost,
                completing_after_anothers_completion_is_lost,
                completing_a_renewed_lease_is_recorded,
            }
            tasks concurrency {
                of_many_claims_exactly_one_is_owned,
                of_many_takeovers_exactly_one_is_owned,
                an_owner_may_claim_concurrently_with_itself,
                of_many_completions_only_the_owners_is_held,
                completions_of_one_owner_are_applied_once,
                of_completions_of_an_absent_key_one_is_held,
                of_many_releases_one_is_held,
            }
            tasks expiry {
                a_lease_is_held_until_its_end,
                a_lease_that_ran_out_is_taken_over,
                the_late_owner_finds_who_took_over,
                a_takeover_runs_from_its_own_claim,
                a_lease_that_ran_out_does_not_fence,
                retention_counts_from_completion,
                a_result_outlives_its_lease,
                a_result_that_ran_out_is_absent_to_claim,
                a_result_that_ran_out_is_absent_to_renew,
                a_result_that_ran_out_is_absent_to_complete,
                a_result_that_ran_out_is_absent_to_release,
                a_result_is_not_prolonged_by_those_who_find_it,
                a_result_is_not_shortened_by_those_who_find_it,
            }
            tasks faults {
                a_claim_that_landed_says_so,
                a_renewal_that_landed_says_so,
                a_completion_that_landed_says_so,
                a_release_that_landed_says_so,
            }
            tasks fidelity {
                bodies_come_back_byte_for_byte,
                an_empty_response_comes_back_empty,
                a_big_body_comes_back_whole,
                every_status_comes_back,
                headers_come_back_line_for_line,
                many_headers_come_back,
                why_a_response_was_not_kept_comes_back,
                whose_record_it_is_comes_back,
                a_result_is_the_stores_own,
            }
            tasks look_up {
                looking_does_not_take_the_key,
                a_lease_is_seen,
                a_result_is_seen,
                looking_does_not_let_a_lease_run_anew,
                looking_does_not_let_a_retention_run_anew,
                a_lease_that_ran_out_is_not_seen,
                a_result_that_ran_out_is_not_seen,
                a_released_key_is_not_seen,
                what_remains_is_told_right,
            }
            tasks meeting {
                a_late_completion_and_a_takeover_exclude_each_other,
                a_completion_leaves_no_gap,
            }
            tasks release {
                a_released_key_is_absent,
                a_released_key_can_be_completed_by_the_next,
                a_lease_read_from_a_claim_releases,
                the_lease_after_a_release_runs_from_its_own_claim,
                a_strangers_release_is_lost,
                releasing_an_absent_key_is_lost,
                releasing_again_is_lost,
                the_owners_release_does_not_undo_completion,
                a_strangers_release_does_not_undo_completion,
                releasing_late_is_lost,
                releasing_after_a_takeover_is_lost,
            }
            tasks renew {
                a_renewed_lease_runs_anew,
                a_lease_can_be_renewed_many_times,
                a_strangers_renewal_is_lost,
                renewing_an_absent_key_is_lost,
                renewing_a_completed_key_is_lost,
                renewing_after_release_is_lost,
                renewing_does_not_resurrect_a_lease,
                renewing_after_a_takeover_is_lost,
            }
            threads threads {
                of_claims_from_many_threads_one_is_owned,
                threads_under_other_keys_do_not_disturb,
            }
            tasks trace {
                random_calls_are_answered_as_by_the_model,
            }
            tasks travel {
                a_lease_that_travelled_is_renewed,
                a_lease_that_travelled_completes,
                a_lease_that_travelled_releases,
                a_renewal_may_ask_for_another_duration,
                a_completion_may_have_another_duration,
                an_altered_owner_is_lost,
                a_lease_that_comes_again_changes_nothing,
                a_lease_that_comes_too_late_changes_nothing,
            }
        }
    };
}

/// Tests a store: one call gives a test for each rule of the contract.
///
/// `clock` is `paused`, `real`, `real(unit)` or `real(unit, tolerance)`, as the crate's documentation says. `store` is an
/// expression that gives a store or a [`Fixture`](crate::Fixture); it is evaluated for each test,
/// and may `.await`. Attributes in front of it, such as `#[ignore]`, go to every test.
///
/// Each group of [`cases`](crate::cases) becomes a module of `#[test]`s, so call it once a module.
#[macro_export]
macro_rules! store_tests {
    (
        $(#[$attribute:meta])*
        clock: $clock:ident $(($unit:expr $(, $tolerance:expr)?))?,
        store: $store:expr $(,)?
    ) => {
        #[cfg(test)]
        async fn store_under_test() -> $crate::Fixture {
            $crate::Fixture::of($store)
        }

        #[cfg(test)]
        fn clock_under_test() -> $crate::Clock {
            $crate::Clock::$clock() $(.with_unit($unit) $(.with_tolerance($tolerance))?)?
        }

        $crate::__with_cases! { [$crate::__test_modules] [$(#[$attribute])*] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test_modules {
    ($attributes:tt $($needs:ident $group:ident { $($case:ident,)+ })+) => {
        $(
            #[cfg(test)]
            mod $group {
                $($crate::__test! { $attributes $needs $group $case })+
            }
        )+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test {
    ([$($attributes:tt)*] $needs:ident $group:ident $case:ident) => {
        #[test]
        $($attributes)*
        fn $case() {
            $crate::__case!($needs $group $case)
                .run(super::clock_under_test(), super::store_under_test);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __case {
    ($needs:ident $group:ident $case:ident) => {
        $crate::Case::$needs(
            concat!(stringify!($group), "::", stringify!($case)),
            |trial| ::std::boxed::Box::pin($crate::cases::$group::$case(trial)),
        )
    };
}

macro_rules! table {
    ([] $($needs:ident $group:ident { $($case:ident,)+ })+) => {
        &[$($(__case!($needs $group $case),)+)+]
    };
}

/// Every case, to run them other than by [`store_tests!`].
pub const CASES: &[crate::Case] = __with_cases!([table] []);
