//! The routes for whoever operates the server; `web/operations/` has what they answer.
//!
//! Those that look at keys are no part of the API: they are there for a token only.
#![expect(
    dead_code,
    reason = "the routes are methods, which cannot be described in place"
)]

use crate::web::operations::{Alive, Ready};

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operations", operation_id = "isAlive", responses(
    (status = 200, description = "It does.", body = Alive, headers(
        ("Cache-Control" = String, description = "`no-store`"),
    ), example = json!({"alive": true})),
))]
fn healthz() {}

/// Whether requests should be sent here.
#[utoipa::path(get, path = "/readyz", tag = "operations", operation_id = "isReady", responses(
    (status = 200, description = "They should.", body = Ready, headers(
        ("Cache-Control" = String, description = "`no-store`"),
    ), example = json!({"ready": true})),
    (status = 503, description = "They should not, and what is not ready.", body = Ready, headers(
        ("Cache-Control" = String, description = "`no-store`"),
    ), example = json!({"ready": false, "notReady": ["database"]})),
))]
fn readyz() {}

/// What is counted, in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "readMetrics", responses(
    (status = 200, description = "The counts.", body = String, headers(
        ("Cache-Control" = String, description = "`no-store`"),
    ), content_type = "text/plain; version=0.0.4; charset=utf-8"),
))]
fn metrics() {}
