//! What a client sees through the axum layer, with the records on the stand-in.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod damaged;
mod market;

use market::Axum;

idem_http_tests::http_tests!(Axum);
