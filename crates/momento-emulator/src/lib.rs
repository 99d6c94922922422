#![forbid(unsafe_code)]
//! A stand-in for the Momento Serverless Cache service, for tests and local trials.
//!
//! [`Emulator::start`] answers the official SDK over gRPC on loopback, with the SDK's own
//! protocol messages. It keeps items with a TTL, decides every condition of `SetIf`, runs on a
//! [`Clock`] that tests can turn, counts the [`Calls`], and goes wrong when told to ([`Faults`]).
//!
//! ```
//! use std::time::Duration;
//!
//! use momento_emulator::{Code, Emulator, Fault, Method, When};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start()?;
//! emulator.create_cache("requests");
//! let client = emulator.client(Duration::from_secs(5));
//!
//! // The write lands, and its reply is lost: was it carried out or not?
//! let lost = Fault::Fail(When::After, Code::Unavailable);
//! emulator.faults().next(Method::SetIf, lost);
//! let reply = client.set_if_absent("requests", "key", "mine").await;
//! assert!(reply.is_err());
//! assert_eq!(emulator.items("requests").len(), 1);
//!
//! emulator.clock().advance(Duration::from_secs(3600));
//! assert!(emulator.items("requests").is_empty());
//! assert_eq!(emulator.calls().of(Method::SetIf), 1);
//! # Ok(())
//! # }
//! ```
//!
//! The emulator runs on a thread and a runtime of its own: a paused clock, a blocked thread or a
//! runtime that ends does not touch it. So none of its methods is async.
//!
//! # Another client than [`Emulator::client`]
//! Take [`Emulator::credentials`], or build them as an application would, from
//! [`Emulator::api_key`] (for `CredentialProvider::from_api_key_v2`) or [`Emulator::token`] (for
//! `from_disposable_token`), and add `.insecure_endpoint_override(&emulator.endpoint())`.
//!
//! # What it answers
//! Data: `Get`, `Set`, `SetIf`, `Delete`, `ItemGetTtl`, `UpdateTtl` (overwrite, increase,
//! decrease). Control: `CreateCache`, `DeleteCache`, `ListCaches`, `FlushCache`. Every other call
//! is `Unimplemented`. What has arrived is carried out even if the client has hung up meanwhile, as
//! over a real network.
//!
//! # What it promises, and what not
//! It was written from the SDK's code and Momento's public documents, and no run was ever compared
//! with the service. No promise that the service behaves so.
//!
//! - **Measured** with the real SDK, by this crate's tests: the messages, and how each gRPC status,
//!   passed deadline and broken connection reaches an application.
//! - **Documented** by Momento: items of 5 MB with their key, a TTL of 24 hours at most, the limits
//!   in `ListCaches`.
//! - **Assumed**: every call happens at one instant, so `SetIf` is linearizable; a `Get` sees the
//!   latest write unless [`Fault::StaleRead`] strikes; a wrong key is `Unauthenticated`, an unknown
//!   cache `NotFound`, a large item `ResourceExhausted`; a TTL of zero or above the limit is
//!   `InvalidArgument`; size and TTL are looked at before the condition; an item is absent at the
//!   very instant at which its TTL ends.
//! - **Left out**: rate and throughput limits, eviction before the TTL, replicas, TLS, permissions,
//!   deadlines on the server's side.

mod caches;
mod call;
mod calls;
mod clock;
mod condition;
mod control;
mod credentials;
mod data;
mod emulator;
mod exchange;
mod fault;
mod faults;
mod late;
mod limits;
mod method;
mod route;
mod server;

pub use crate::{
    calls::Calls,
    clock::Clock,
    emulator::{Data, Emulator},
    fault::{Fault, Landing, When},
    faults::Faults,
    limits::Limits,
    method::Method,
};

/// The gRPC statuses, as tonic names them.
pub use tonic::Code;
