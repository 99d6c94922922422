//! What a client sees through the layer, over a real socket.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod bodies;
mod market;
mod memory;
mod tower_services;

use market::Axum;

idem_http_tests::http_tests!(Axum);
