//! Events as metrics; the table of names and labels stands with the events.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use super::{Answered, End, Event};
use crate::contract::{Fenced, Operation, StoreError};

/// Tells the recorder what each metric means, and in which unit it is, and begins each counter at
/// zero with each of its labels. Call it once, after the recorder was installed.
///
/// A counter that appears with its first event has no increase there, and the first lost lease is
/// the one to be told of.
pub fn describe_metrics() {
    describe();
    begin_at_zero();
}

fn begin_at_zero() {
    for answered in Answered::ALL {
        counter!("idempotency_requests_total", "outcome" => answered.as_str()).increment(0);
    }
    for end in End::ALL {
        counter!("idempotency_executions_total", "end" => end.as_str()).increment(0);
    }
    counter!("idempotency_rolled_back_total").increment(0);
    counter!("idempotency_in_doubt_total").increment(0);
    counter!("idempotency_handed_over_total").increment(0);
    counter!("idempotency_abandoned_claims_total").increment(0);
    for result in ["held", "lost", "failed"] {
        counter!("idempotency_renewals_total", "result" => result).increment(0);
        counter!("idempotency_resumed_total", "result" => result).increment(0);
    }
    for operation in [Operation::Renew, Operation::Complete, Operation::Release] {
        let operation = operation.as_str();
        counter!("idempotency_lost_leases_total", "operation" => operation).increment(0);
    }
    for operation in [Operation::Complete, Operation::Release, Operation::LookUp] {
        let operation = operation.as_str();
        counter!("idempotency_unrecorded_total", "operation" => operation).increment(0);
    }
}

fn describe() {
    let counters = [
        (
            "idempotency_requests_total",
            "Requests under a key, by what became of them.",
        ),
        (
            "idempotency_executions_total",
            "Executions that ended, by how: recorded, freed for a retry, panicked, rolled back, travelled to another process, or abandoned.",
        ),
        (
            "idempotency_rolled_back_total",
            "Transactions of handlers that were rolled back instead of committed with their record.",
        ),
        (
            "idempotency_in_doubt_total",
            "Commits of which nobody knew whether they had landed, so that the store was asked.",
        ),
        (
            "idempotency_handed_over_total",
            "Executions whose caller vanished and that went on in a task.",
        ),
        (
            "idempotency_abandoned_claims_total",
            "Requests that were dropped while their claim was on its way and could not go on in a task: the key may stay taken until its lease runs out.",
        ),
        (
            "idempotency_resumed_total",
            "Leases that had travelled here, by whether they still held.",
        ),
        (
            "idempotency_renewals_total",
            "Renewals of leases, by result.",
        ),
        (
            "idempotency_lost_leases_total",
            "Leases found to be no longer the execution's own: its work may be done twice.",
        ),
        (
            "idempotency_unrecorded_total",
            "Ends of executions that the store did not take: the key stays taken until its lease runs out.",
        ),
    ];
    for (name, meaning) in counters {
        describe_counter!(name, Unit::Count, meaning);
    }
    describe_histogram!(
        "idempotency_store_call_duration_seconds",
        Unit::Seconds,
        "How long calls to the store took, by operation and result."
    );
}

pub(super) fn count(event: &Event<'_>) {
    match event {
        Event::Decided(answered) => {
            counter!("idempotency_requests_total", "outcome" => answered.as_str()).increment(1);
        }
        Event::StoreCalled {
            operation,
            elapsed,
            error,
        } => histogram!(
            "idempotency_store_call_duration_seconds",
            "operation" => operation.as_str(),
            "result" => error.map_or("ok", |error| error.kind().as_str()),
        )
        .record(elapsed.as_secs_f64()),
        Event::Renewed(result) => {
            counter!("idempotency_renewals_total", "result" => held(*result)).increment(1);
        }
        Event::Resumed(result) => {
            counter!("idempotency_resumed_total", "result" => held(*result)).increment(1);
        }
        Event::LeaseLost(operation) => {
            let operation = operation.as_str();
            counter!("idempotency_lost_leases_total", "operation" => operation).increment(1);
        }
        Event::Ended(end) => {
            counter!("idempotency_executions_total", "end" => end.as_str()).increment(1);
        }
        Event::Unrecorded(error) => {
            let operation = error.operation().as_str();
            counter!("idempotency_unrecorded_total", "operation" => operation).increment(1);
        }
        Event::RolledBack(_) => counter!("idempotency_rolled_back_total").increment(1),
        Event::InDoubt(_) => counter!("idempotency_in_doubt_total").increment(1),
        Event::HandedOver => counter!("idempotency_handed_over_total").increment(1),
        Event::ClaimAbandoned => counter!("idempotency_abandoned_claims_total").increment(1),
    }
}

const fn held(result: Result<Fenced, &StoreError>) -> &'static str {
    match result {
        Ok(Fenced::Held) => "held",
        Ok(Fenced::Lost) => "lost",
        Err(_) => "failed",
    }
}
