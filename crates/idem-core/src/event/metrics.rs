//! Events as metrics; the table of names and labels stands with the events.

use metrics::{counter, histogram};

use super::Event;
use crate::store::{Fenced, StoreErrorKind};

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
            "result" => error.map_or("ok", |error| label(error.kind())),
        )
        .record(elapsed.as_secs_f64()),
        Event::Renewed(result) => {
            let result = match result {
                Ok(Fenced::Held) => "held",
                Ok(Fenced::Lost) => "lost",
                Err(_) => "failed",
            };
            counter!("idempotency_renewals_total", "result" => result).increment(1);
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
        Event::HandedOver => counter!("idempotency_handed_over_total").increment(1),
    }
}

const fn label(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::TooLarge => "too_large",
        other => other.as_str(),
    }
}
