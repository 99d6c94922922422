#![forbid(unsafe_code)]
//! Retries a POST under one `Idempotency-Key` until its outcome is known.

pub mod decision;

mod answer;
mod dialect;
mod key;
mod server;

pub use crate::{
    answer::{Answer, Meaning, Refusal, retry_after},
    dialect::Dialect,
    key::{IdempotencyKey, InvalidKey, KeySyntax},
    server::{InvalidServer, Server},
};
