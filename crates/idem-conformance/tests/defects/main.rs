//! The tool catches servers that are wrong in one way each.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod caught;
mod defect;
mod fingerprint;
mod key;
#[path = "../market/profiles.rs"]
mod profiles;
mod records;
mod refusal;
#[path = "../market/routes.rs"]
mod routes;
mod server;
mod stored;
mod unfit;
