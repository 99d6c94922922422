//! All ending cases, in the one list that tests and tables are made from.

/// Gives every ending case, by group, to another macro, after some context for it.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_ending_cases {
    ([$($then:tt)+] $context:tt) => {
        $($then)+! { $context
            begun {
                in_an_execution_on_another_store_it_is_refused,
                another_client_is_the_same_store,
                a_second_one_is_refused_until_the_first_is_dropped,
                one_that_comes_after_the_end_is_refused,
            }
            committed {
                effect_and_record_appear_together,
                the_response_comes_back,
                a_response_that_is_not_kept_is_committed,
                a_lease_that_ran_out_commits_if_nobody_took_over,
                retention_counts_from_the_end,
            }
            connections {
                one_that_was_committed_gives_it_back,
                one_that_was_rolled_back_gives_it_back,
                one_that_was_dropped_gives_it_back,
                one_whose_execution_was_dropped_gives_it_back,
                one_that_was_lost_gives_it_back,
                one_that_was_refused_takes_none,
            }
            doubt {
                a_commit_that_landed_is_found,
                a_commit_that_never_arrived_frees_the_key,
                a_commit_that_lands_late_is_waited_for,
            }
            lost {
                after_a_takeover_nothing_is_written,
                after_anothers_completion_nothing_is_written,
                a_takeover_during_the_transaction_is_seen,
                a_lease_that_comes_again_commits_nothing,
                of_two_deliveries_at_once_one_commits,
                a_failure_frees_nothing_of_who_took_over,
                after_a_release_and_a_claim_nothing_is_written,
            }
            undone {
                a_failure_leaves_nothing,
                the_rollback_has_ended_before_the_key_is_free,
                a_panic_leaves_nothing,
                one_that_is_dropped_leaves_nothing,
                an_execution_that_is_dropped_leaves_nothing,
                a_statement_that_failed_commits_nothing,
            }
        }
    };
}

/// Tests a store whose transactions end executions: one call gives a test for each rule about that.
///
/// `clock` and attributes are as those of [`store_tests!`](crate::store_tests), which tests the rest of
/// the contract. `store` is an expression that gives a [`TransactionalStore`](crate::TransactionalStore); it is
/// evaluated for each test, and may `.await`. Each group of [`ending_cases`](mod@crate::ending_cases) becomes a module of
/// `#[test]`s, so call it once a module.
#[macro_export]
macro_rules! ending_tests {
    (
        $(#[$attribute:meta])*
        clock: $clock:ident $(($unit:expr $(, $tolerance:expr)?))?,
        store: $store:expr $(,)?
    ) => {
        #[cfg(test)]
        async fn store_under_test() -> impl $crate::TransactionalStore {
            $store
        }

        #[cfg(test)]
        fn clock_under_test() -> $crate::Clock {
            $crate::Clock::$clock() $(.with_unit($unit) $(.with_tolerance($tolerance))?)?
        }

        $crate::__with_ending_cases! { [$crate::__ending_test_modules] [$(#[$attribute])*] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __ending_test_modules {
    ($attributes:tt $($group:ident { $($case:ident,)+ })+) => {
        $(
            #[cfg(test)]
            mod $group {
                $($crate::__ending_test! { $attributes $group $case })+
            }
        )+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __ending_test {
    ([$($attributes:tt)*] $group:ident $case:ident) => {
        #[test]
        $($attributes)*
        fn $case() {
            $crate::__ending_case!($group $case)
                .run(super::clock_under_test(), super::store_under_test);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __ending_case {
    ($group:ident $case:ident) => {
        $crate::EndingCase::new(
            concat!(stringify!($group), "::", stringify!($case)),
            |trial| ::std::boxed::Box::pin($crate::ending_cases::$group::$case(trial)),
        )
    };
}

macro_rules! table {
    ([] $($group:ident { $($case:ident,)+ })+) => {
        vec![$($(__ending_case!($group $case),)+)+]
    };
}

/// Every ending case, to be run otherwise than by [`ending_tests!`].
#[must_use]
pub fn ending_cases<T: crate::TransactionalStore>() -> Vec<crate::EndingCase<T>> {
    __with_ending_cases!([table] [])
}
