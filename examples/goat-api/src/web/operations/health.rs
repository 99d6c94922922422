//! Whether the process lives, and whether it should be sent requests.
//!
//! For load balancers and orchestrators: restart on a failing `/healthz`, and send requests while
//! `/readyz` answers 200. It answers 503 as soon as a stop is asked for, and the server goes on
//! serving for `--stop-delay`: set that to what the load balancer takes to notice, such as twice the
//! period of its checks. Without a delay the port is closed about then, which says the same.
//!
//! A database that can be read and not written, as on a full disk, is not ready either. A write that failed
//! is remembered, and then each check tries to write; a server whose writes work is only read from.

use std::time::Duration;

use idem_core::{IdempotencyKey, RecordKey};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::Operations;
use crate::web::answer::Answer;

/// How long the database and the store are each waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// No client's key is in this namespace.
const PROBE: &str = "goat-api readiness";

#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Alive {
    alive: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::web) struct Ready {
    ready: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_ready: Vec<&'static str>,
}

/// `GET /healthz`: the process answers. It looks at nothing else, for a restart would mend nothing
/// else.
pub(in crate::web) fn alive() -> Answer {
    Answer::ok(&Alive { alive: true })
}

impl Operations {
    /// `GET /readyz`: requests should be sent here, since no stop was asked for, and database and
    /// store answer and the last write worked. What is not ready is named, and why is in the log.
    pub(in crate::web) async fn ready(&self) -> Answer {
        let (database, store) = tokio::join!(self.has_database(), self.has_store());
        let checks = [
            (!self.is_stopping(), "stopping"),
            (database, "database"),
            (store, "store"),
        ];
        let not_ready = checks.iter().filter(|(ready, _)| !ready);
        let not_ready: Vec<_> = not_ready.map(|(_, name)| *name).collect();
        let ready = not_ready.is_empty();
        let status = if ready { 200 } else { 503 };
        Answer::json(status, &Ready { ready, not_ready })
    }

    async fn has_database(&self) -> bool {
        match timeout(PATIENCE, self.market.database().probe()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "not ready: the database failed");
                false
            }
            Err(_) => {
                tracing::warn!("not ready: the database did not answer in {PATIENCE:?}");
                false
            }
        }
    }

    /// A look-up writes nothing, and finds nothing. Its failure is logged by the library.
    async fn has_store(&self) -> bool {
        let key = IdempotencyKey::new("probe").expect("it is a key");
        let key = RecordKey::derive(PROBE, None, &key);
        let answer = timeout(PATIENCE, self.idempotency.look_up(&key)).await;
        answer.is_ok_and(|found| found.is_ok())
    }
}
