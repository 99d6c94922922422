//! All cases, in the one list that tests are made from, and how a case is run.

use std::{future::Future, time::Duration};

use tokio::{runtime, time::timeout};

/// How long a whole case may take, on a machine that is busy with others.
const WHOLE: Duration = Duration::from_secs(120);

/// Gives every case, by group, to another macro. The word before a group says what its cases run on:
/// tasks of one thread, or several threads.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_http_cases {
    ($($then:tt)+) => {
        $($then)+! {
            tasks credentials {
                another_caller_never_gets_the_response_of_the_first,
                where_the_scope_rule_names_nobody_the_credentials_count,
                an_application_names_the_headers_that_are_credentials,
            }
            tasks faults {
                a_store_that_is_down_refuses_and_its_errors_stay_inside,
                a_policy_may_let_handlers_run_while_the_store_is_down,
                a_store_that_is_down_at_the_end_leaves_the_client_its_response,
                duplicates_may_wait_and_too_many_are_told,
                a_handler_sees_its_execution_and_passes_keys_on,
                a_record_with_a_status_that_cannot_be_sent_is_no_success,
            }
            tasks fingerprint {
                only_the_chosen_fields_count,
            }
            tasks key {
                a_key_may_be_required_where_the_profile_does_not,
                a_key_that_is_too_long_asks_no_store,
                a_strict_server_wants_quotes,
                another_header_may_carry_the_key,
                names_in_another_case_and_with_white_space_protect_all_the_same,
                another_method_is_protected_where_the_policy_says_so,
            }
            tasks leases {
                a_request_holds_its_key_for_as_long_as_the_rule_says,
            }
            tasks limits {
                a_payload_over_the_limit_asks_no_store,
                a_body_that_is_announced_as_too_large_is_not_waited_for,
                a_request_of_just_the_limit_runs_chunked_or_not,
                what_is_not_kept_reaches_its_client_whole_and_never_runs_again,
                a_response_whose_body_breaks_off_breaks_off_for_its_client_and_is_not_run_again,
                a_short_body_of_unknown_length_is_kept,
            }
            tasks nested {
                the_handler_runs_once_and_its_answer_is_the_result,
                the_outer_policy_answers,
                the_handler_sees_the_execution_whose_record_counts,
                a_lease_that_travels_takes_the_record_along,
                a_request_that_the_outer_layer_leaves_alone_is_the_inner_ones,
            }
            tasks replay {
                repeated_headers_keep_their_order_and_opaque_bytes_their_value,
                what_belongs_to_one_message_or_one_session_is_not_replayed,
                an_application_may_replay_cookies_and_hold_back_others,
                the_marker_has_the_name_that_the_policy_gives_it,
            }
            tasks results {
                what_says_that_nothing_was_done_is_never_kept_whatever_the_policy_saves,
                a_redirect_that_keeps_the_method_is_no_result_whatever_its_status,
                a_redirected_patch_runs_under_the_key_that_it_had,
                other_redirects_are_results,
                a_grpc_failure_is_one_although_its_status_is_200,
                an_upgrade_belongs_to_its_connection,
            }
            tasks streams {
                a_stream_reaches_its_client_as_it_flows_and_its_retry_is_told_that_it_was_not_kept,
                a_drain_does_not_wait_for_a_stream_whose_client_is_gone,
                a_body_that_comes_soon_is_kept_although_it_was_not_there_at_once,
            }
            threads threads {
                of_two_servers_on_one_store_one_runs,
            }
            tasks travelling {
                the_first_gets_its_answer_duplicates_are_told_to_wait_and_then_get_the_workers,
                a_worker_that_fails_for_good_lets_the_client_begin_anew,
                another_payload_is_refused_while_the_lease_is_on_its_way_and_after,
                a_lease_that_could_not_be_sent_after_all_ends_as_its_handler_answered,
            }
            tasks vanished {
                a_client_that_hangs_up_cancels_nothing,
                a_waiting_client_that_hangs_up_while_the_store_is_asked_leaves_its_place_at_once,
                a_client_that_hangs_up_before_it_reads_finds_its_response_later,
                a_client_that_hangs_up_while_it_uploads_begins_nothing,
                an_upload_that_ends_too_early_is_refused_where_its_client_still_listens,
                a_drain_waits_for_those_whose_client_is_gone,
            }
        }
    };
}

/// Tests a server: one call gives a test for each case.
///
/// Takes a type that implements [`Adapter`](crate::Adapter). Each group of [`cases`](crate::cases)
/// becomes a module, so one module can hold one call.
#[macro_export]
macro_rules! http_tests {
    ($adapter:ty) => {
        #[cfg(test)]
        type AdapterUnderTest = $adapter;

        $crate::__with_http_cases! { $crate::__http_test_modules }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __http_test_modules {
    ($($needs:ident $group:ident { $($case:ident,)+ })+) => {
        $(
            #[cfg(test)]
            mod $group {
                $(
                    #[test]
                    fn $case() {
                        $crate::$needs($crate::cases::$group::$case::<super::AdapterUnderTest>());
                    }
                )+
            }
        )+
    };
}

macro_rules! names {
    ($($needs:ident $group:ident { $($case:ident,)+ })+) => {
        &[$($(concat!(stringify!($group), "::", stringify!($case)),)+)+]
    };
}

/// The names of all cases that [`http_tests!`](crate::http_tests) runs.
pub const CASES: &[&str] = __with_http_cases! { names };

/// Runs a case on one thread.
#[doc(hidden)]
pub fn tasks(case: impl Future<Output = ()>) {
    run(runtime::Builder::new_current_thread(), case);
}

/// Runs a case on several threads.
#[doc(hidden)]
pub fn threads(case: impl Future<Output = ()>) {
    run(runtime::Builder::new_multi_thread(), case);
}

fn run(mut runtime: runtime::Builder, case: impl Future<Output = ()>) {
    let runtime = runtime.worker_threads(4).enable_all().build().unwrap();
    let ended = runtime.block_on(async { timeout(WHOLE, case).await });
    assert!(ended.is_ok(), "the case is not over after {WHOLE:?}");
}
