//! What happens, reported once: to `tracing`, to metrics and to the application.
//!
//! Events carry the first 12 hexadecimal digits of the [record key](RecordKey), and never the raw
//! key, the payload or the response.

use std::{error::Error, fmt, time::Duration};

use crate::{
    contract::{Fenced, Operation, StoreError},
    record::RecordKey,
};

mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod shield;

#[cfg(feature = "metrics")]
pub use metrics::describe_metrics;
pub(crate) use shield::{ShieldedSpan, shielded};

/// Something that happened to a request under a key.
///
/// With the feature `metrics` they are counted through the `metrics` facade, and `describe_metrics` gives a
/// recorder their help texts and starts the counters at zero:
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `idempotency_requests_total` | counter | `outcome`: `execute`, `replay`, `not_kept`, `mismatch`, `other_caller`, `in_progress`, `too_many_waiters`, `store_unavailable`, `shutting_down`, `unprotected` |
/// | `idempotency_executions_total` | counter | `end`: `recorded`, `freed`, `panicked`, `rolled_back`, `travelled`, `abandoned` |
/// | `idempotency_handed_over_total` | counter | |
/// | `idempotency_abandoned_claims_total` | counter | |
/// | `idempotency_resumed_total` | counter | `result`: `held`, `lost`, `failed` |
/// | `idempotency_renewals_total` | counter | `result`: `held`, `lost`, `failed` |
/// | `idempotency_lost_leases_total` | counter | `operation`: `renew`, `complete`, `release` |
/// | `idempotency_unrecorded_total` | counter | `operation`: `complete`, `release`, `look_up` |
/// | `idempotency_rolled_back_total` | counter | |
/// | `idempotency_in_doubt_total` | counter | |
/// | `idempotency_store_call_duration_seconds` | histogram | `operation`: `claim`, `renew`, `complete`, `release`, `look_up`; `result`: `ok`, or the error's kind |
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// It was decided how a request is answered.
    Decided(Answered),
    /// A call to the store ended.
    StoreCalled {
        /// Which call it was.
        operation: Operation,
        /// How long it took; zero if it failed at once and only the log hears of it.
        elapsed: Duration,
        /// How it failed, if it did.
        error: Option<&'a StoreError>,
    },
    /// A running execution renewed its lease, or could not.
    Renewed(Result<Fenced, &'a StoreError>),
    /// The lease was found to belong to another execution: the work may be done twice.
    LeaseLost(Operation),
    /// An execution ended.
    Ended(End),
    /// An execution ended and the store did not record its end; the lease stays until it runs out.
    Unrecorded(&'a StoreError),
    /// A transaction that was to be committed with its record was rolled back, for this reason if one is
    /// known. Its client does not get the handler's response.
    RolledBack(Option<&'a (dyn Error + 'static)>),
    /// It is not known whether a transaction was committed with its record, and the store is asked.
    InDoubt(&'a StoreError),
    /// The caller of an execution vanished, and a task took the execution over.
    HandedOver,
    /// The caller of a request vanished while its claim was on its way, and no task could take it over: the
    /// key may be taken until the lease runs out.
    ClaimAbandoned,
    /// A lease that travelled here is resumed: its work runs, or it was already lost and nothing runs, as for a
    /// message that is delivered again.
    Resumed(Result<Fenced, &'a StoreError>),
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answered {
    /// Its handler runs.
    Execute,
    /// It got the recorded response.
    Replay,
    /// It was refused: the operation was done, but its response was not kept.
    NotKept,
    /// It was refused: another request had the key.
    Mismatch,
    /// It was refused: another caller had the key.
    OtherCaller,
    /// It was refused for now: the original still runs.
    InProgress,
    /// It was refused: too many wait already.
    TooManyWaiters,
    /// It was refused: the store did not answer.
    StoreUnavailable,
    /// It was refused: no more executions begin here.
    ShuttingDown,
    /// Its handler runs without protection: the store did not answer.
    Unprotected,
}

impl Answered {
    #[cfg(feature = "metrics")]
    const ALL: [Self; 10] = [
        Self::Execute,
        Self::Replay,
        Self::NotKept,
        Self::Mismatch,
        Self::OtherCaller,
        Self::InProgress,
        Self::TooManyWaiters,
        Self::StoreUnavailable,
        Self::ShuttingDown,
        Self::Unprotected,
    ];

    /// The outcome's name in events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Replay => "replay",
            Self::NotKept => "not_kept",
            Self::Mismatch => "mismatch",
            Self::OtherCaller => "other_caller",
            Self::InProgress => "in_progress",
            Self::TooManyWaiters => "too_many_waiters",
            Self::StoreUnavailable => "store_unavailable",
            Self::ShuttingDown => "shutting_down",
            Self::Unprotected => "unprotected",
        }
    }
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// Its outcome is recorded.
    Recorded,
    /// It failed, and its key is free.
    Freed,
    /// It panicked, and its key is free.
    Panicked,
    /// Its transaction did not commit, and its key is free.
    RolledBack,
    /// Its lease travelled to another process, which ends it.
    Travelled,
    /// It was dropped before its end; the lease stays until it runs out.
    Abandoned,
}

impl End {
    #[cfg(feature = "metrics")]
    const ALL: [Self; 6] = [
        Self::Recorded,
        Self::Freed,
        Self::Panicked,
        Self::RolledBack,
        Self::Travelled,
        Self::Abandoned,
    ];

    /// The end's name in events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Freed => "freed",
            Self::Panicked => "panicked",
            Self::RolledBack => "rolled_back",
            Self::Travelled => "travelled",
            Self::Abandoned => "abandoned",
        }
    }
}

/// An application's own view of what happens.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Called where the event happens, on the path of the request, so it must be quick.
    ///
    /// If it panics, it misses this event and nothing else happens.
    fn observe(&self, key: &RecordKey, event: &Event<'_>);
}

/// Whether successful store calls are timed.
pub(crate) fn times_store_calls(observer: Option<&dyn Observer>) -> bool {
    cfg!(feature = "metrics")
        || observer.is_some()
        || shielded(log::tells_store_calls).unwrap_or(false)
}

/// Reports an event to all listeners. Some happen in destructors, while a panic unwinds.
pub(crate) fn report(observer: Option<&dyn Observer>, key: &RecordKey, event: &Event<'_>) {
    shielded(|| log::log(key, event));
    #[cfg(feature = "metrics")]
    shielded(|| metrics::count(event));
    if let Some(observer) = observer {
        shielded(|| observer.observe(key, event));
    }
}
