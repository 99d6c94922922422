//! What a client sees through the middleware, over a real socket: the very scenarios that the axum
//! layer passes, and what is actix-web's own.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

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
mod market;
#[path = "../../../idem-axum/tests/http/nested.rs"]
mod nested;
#[path = "../../../idem-axum/tests/http/replay.rs"]
mod replay;
#[path = "../../../idem-axum/tests/http/results.rs"]
mod results;
mod services;
mod shutdown;
#[path = "../../../idem-axum/tests/http/store.rs"]
mod store;
#[path = "../../../idem-axum/tests/http/streams.rs"]
mod streams;
#[path = "../../../idem-axum/tests/http/support.rs"]
mod support;
#[path = "../../../idem-axum/tests/http/travelling.rs"]
mod travelling;
#[path = "../../../idem-axum/tests/http/vanished.rs"]
mod vanished;
