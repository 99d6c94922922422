//! Events for `tracing`: what an operator must see warns, what went as it should is for debugging.

use std::error::Error;

use tracing::{Level, debug, enabled, error, trace, warn};

use super::{Answered, End, Event};
use crate::{
    contract::{Fenced, StoreError},
    record::RecordKey,
};

pub(super) fn tells_store_calls() -> bool {
    enabled!(Level::TRACE)
}

pub(super) fn log(key: &RecordKey, event: &Event<'_>) {
    match event {
        Event::Decided(answered) => decided(key, *answered),
        Event::StoreCalled {
            operation,
            elapsed,
            error,
        } => {
            let operation = operation.as_str();
            match error {
                None => trace!(?key, operation, ?elapsed, "called the store"),
                Some(error) => {
                    let error = source(error);
                    warn!(
                        ?key,
                        operation,
                        ?elapsed,
                        error,
                        "a call to the store failed"
                    );
                }
            }
        }
        Event::Renewed(Ok(Fenced::Held)) => debug!(?key, "renewed a lease"),
        Event::Renewed(Ok(Fenced::Lost)) => {}
        Event::Renewed(Err(error)) => {
            warn!(
                ?key,
                error = source(error),
                "could not renew a lease, which may run out"
            );
        }
        Event::LeaseLost(operation) => warn!(
            ?key,
            operation = operation.as_str(),
            "a lease was lost while its handler ran: its work may be done twice"
        ),
        Event::Ended(End::Abandoned) => {
            warn!(
                ?key,
                "an execution was dropped; its key is taken until the lease runs out"
            );
        }
        Event::Ended(end) => debug!(?key, end = end.as_str(), "an execution ended"),
        Event::Unrecorded(error) => error!(
            ?key,
            error = source(error),
            "the end of an execution was not recorded; its key is taken until the lease runs out"
        ),
        Event::RolledBack(cause) => warn!(
            ?key,
            cause, "a handler's transaction was rolled back instead of committed with its record"
        ),
        Event::InDoubt(error) => warn!(
            ?key,
            error = source(error),
            "nobody knows whether a handler's transaction was committed; the store is asked"
        ),
        Event::HandedOver => debug!(
            ?key,
            "the caller vanished; a task goes on with the execution"
        ),
        Event::ClaimAbandoned => warn!(
            ?key,
            "a request was dropped while its claim was on its way, where no task can be spawned; its \
             key may be taken until the lease runs out"
        ),
        Event::Resumed(Ok(Fenced::Held)) => debug!(?key, "resumed a lease that had travelled"),
        Event::Resumed(Ok(Fenced::Lost)) => debug!(
            ?key,
            "a lease came that was lost on its way, or had ended before; nothing was run"
        ),
        Event::Resumed(Err(error)) => warn!(
            ?key,
            error = source(error),
            "could not resume a lease that had travelled; nothing was run"
        ),
    }
}

fn decided(key: &RecordKey, answered: Answered) {
    let outcome = answered.as_str();
    match answered {
        Answered::OtherCaller => warn!(
            ?key,
            outcome,
            "a key came with other credentials; if one client's credentials change, or several \
             clients choose the same keys, configure a scope"
        ),
        Answered::Unprotected => {
            error!(
                ?key,
                outcome, "a handler runs unprotected, since the store failed"
            );
        }
        Answered::StoreUnavailable => {
            error!(
                ?key,
                outcome, "a request was refused, since the store failed"
            );
        }
        _ => debug!(?key, outcome, "decided"),
    }
}

fn source(error: &StoreError) -> &(dyn Error + 'static) {
    error
}
