//! Each adapter, on a port, passes every scenario in every profile.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod actix_market;
mod axum_market;
mod passes;
mod policies;
#[path = "../market/profiles.rs"]
mod profiles;
#[path = "../market/routes.rs"]
mod routes;
