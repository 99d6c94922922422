//! What happens, for `tracing` and, with the feature `metrics`, as metrics.

use std::time::Duration;

use http::{Method, Response};
use tracing::{Span, debug, field::Empty, info_span};

use crate::{
    client::error::Error,
    client::report::Report,
    decision::{Attempt, GaveUp},
};

/// What became of an operation: the values of `outcome` in spans and metrics.
#[derive(Clone, Copy)]
enum Outcome {
    Answered,
    Replayed,
    Refused,
    /// Given up, and known not to have taken effect.
    NotDone,
    /// Given up, and nobody knows whether it took effect.
    Unknown,
}

impl Outcome {
    #[cfg(feature = "metrics")]
    const ALL: [Self; 5] = [
        Self::Answered,
        Self::Replayed,
        Self::Refused,
        Self::NotDone,
        Self::Unknown,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Replayed => "replayed",
            Self::Refused => "refused",
            Self::NotDone => "not_done",
            Self::Unknown => "unknown",
        }
    }

    fn of<B>(ended: &Result<Response<B>, Error>) -> Self {
        match ended {
            Ok(response) => match response.extensions().get::<Report>() {
                Some(report) if report.is_replay() => Self::Replayed,
                _ => Self::Answered,
            },
            Err(error) => match error.gave_up() {
                GaveUp::Refused(_) => Self::Refused,
                _ if error.may_have_taken_effect() => Self::Unknown,
                _ => Self::NotDone,
            },
        }
    }
}

/// Neither path nor query are in it, which may hold what a log must not.
pub(crate) fn operation_span(method: &Method, host: &str) -> Span {
    info_span!(
        "idempotent_operation",
        %method,
        host,
        attempts = Empty,
        outcome = Empty
    )
}

pub(crate) fn retry(attempts: u32, attempt: &Attempt, wait: Duration) {
    debug!(
        attempts,
        ?attempt,
        ?wait,
        "an attempt failed, another follows"
    );
    #[cfg(feature = "metrics")]
    metrics::counter!("idempotency_client_retries_total").increment(1);
}

pub(crate) fn ended<B>(span: &Span, ended: &Result<Response<B>, Error>) {
    let attempts = match ended {
        Ok(response) => {
            let report = response.extensions().get::<Report>();
            report.map_or(0, Report::attempts)
        }
        Err(error) => error.attempts(),
    };
    let outcome = Outcome::of(ended).as_str();
    span.record("attempts", attempts);
    span.record("outcome", outcome);
    if let Err(error) = ended {
        span.in_scope(|| debug!(%error, "an operation ended without its answer"));
    }
    #[cfg(feature = "metrics")]
    metrics::counter!("idempotency_client_operations_total", "outcome" => outcome).increment(1);
}

/// Tells the recorder what each metric means, and begins each counter at zero. Call it once, after
/// the recorder was installed.
///
/// `idempotency_client_operations_total` has the label `outcome`: `answered`, `replayed`, `refused`,
/// `not_done` (given up, without effect) or `unknown` (given up, perhaps with effect).
/// `idempotency_client_retries_total` counts attempts after the first.
#[cfg(feature = "metrics")]
pub fn describe_metrics() {
    use metrics::{Unit, counter, describe_counter};

    describe_counter!(
        "idempotency_client_operations_total",
        Unit::Count,
        "Operations that ended, by what became of them."
    );
    describe_counter!(
        "idempotency_client_retries_total",
        Unit::Count,
        "Attempts after the first of an operation."
    );
    for outcome in Outcome::ALL {
        counter!("idempotency_client_operations_total", "outcome" => outcome.as_str()).increment(0);
    }
    counter!("idempotency_client_retries_total").increment(0);
}
