//! What operators need beside the market: health, metrics, logs of requests, and a look at keys.
//!
//! The web frameworks put the routes of [`Operations`] beside the market's, and the observation of
//! requests around both.

mod admin;
mod health;
mod metrics;
mod observed;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use idem_core::Idempotency;

use crate::web::GoatMarket;
use crate::web::cors::Origin;

pub use admin::{AdminToken, WeakToken};
pub(super) use health::{Alive, Ready, alive};
pub use metrics::{Metrics, MetricsTaken};
pub use observed::OutcomeObserver;
pub(super) use observed::{Observed, broke_off};

/// The request's id, of a client that sends one and in every answer.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// Where a client's key stands, in a market request and in an operator's.
///
/// A header and not a part of the path: access logs, proxies and browsers' histories keep paths.
pub(super) const KEY: &str = "idempotency-key";

/// The header that says what the library refused.
pub(super) const REFUSAL: &str = "idempotency-refusal";

/// All that the routes for operators answer from. Clones share it.
#[derive(Debug, Clone)]
pub struct Operations {
    market: GoatMarket,
    idempotency: Idempotency,
    metrics: Metrics,
    admin: Option<AdminToken>,
    pub(in crate::web) origins: Vec<Origin>,
    stopping: Arc<AtomicBool>,
}

impl Operations {
    /// Without routes for looking at keys.
    #[must_use]
    pub fn new(market: GoatMarket, idempotency: Idempotency, metrics: Metrics) -> Self {
        Self {
            market,
            idempotency,
            metrics,
            admin: None,
            origins: Vec::new(),
            stopping: Arc::default(),
        }
    }

    /// With routes for looking at keys, if there is a token to guard them.
    #[must_use]
    pub fn admin(self, admin: Option<AdminToken>) -> Self {
        Self { admin, ..self }
    }

    /// Lets pages of these origins read the answers; without any, only the market's own can.
    #[must_use]
    pub fn origins(self, origins: Vec<Origin>) -> Self {
        Self { origins, ..self }
    }

    /// Says that a stop was asked for: the server is not ready from now on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Without a token the routes for looking at keys are not there at all.
    pub(super) fn has_admin(&self) -> bool {
        self.admin.is_some()
    }
}
