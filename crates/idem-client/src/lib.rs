#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `reqwest` | the middleware, and [`IdempotentRetries::client`] |
//! | `tower` | the layer |
//! | `metrics` | [`describe_metrics`], and the metrics that it describes |
//!
//! Without any, there is what both clients share: [keys](IdempotencyKey), [dialects](Dialect) and the
//! [decision](decision), for another HTTP client.

pub mod decision;

mod answer;
#[cfg(any(feature = "reqwest", feature = "tower"))]
mod client;
mod dialect;
mod key;
mod server;

pub use crate::{
    answer::{Answer, Meaning, Refusal, retry_after},
    dialect::Dialect,
    key::{IdempotencyKey, InvalidKey, KeySyntax},
    server::{InvalidServer, Server},
};
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub use client::*;
