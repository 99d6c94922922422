//! What a client sees through the axum layer, with the records in an SQLite file: the very scenarios that the
//! memory store passes.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]
#![cfg(feature = "sqlite")]

#[path = "../../../idem-axum/tests/http/credentials.rs"]
mod credentials;
#[path = "../../../idem-axum/tests/http/duplicates.rs"]
mod duplicates;
#[path = "../../../idem-axum/tests/http/faults.rs"]
mod faults;
#[path = "../../../idem-axum/tests/http/fingerprint.rs"]
mod fingerprint;
#[path = "../../../idem-axum/tests/http/key.rs"]
mod key;
#[path = "../../../idem-axum/tests/http/leases.rs"]
mod leases;
#[path = "../../../idem-axum/tests/http/limits.rs"]
mod limits;
#[path = "../../../idem-axum/tests/http/market.rs"]
mod market;
#[path = "../../../idem-axum/tests/http/replay.rs"]
mod replay;
mod store;
#[path = "../../../idem-axum/tests/http/support.rs"]
mod support;
#[path = "../../../idem-axum/tests/http/tower_services.rs"]
mod tower_services;
#[path = "../../../idem-axum/tests/http/travelling.rs"]
mod travelling;
#[path = "../../../idem-axum/tests/http/vanished.rs"]
mod vanished;
