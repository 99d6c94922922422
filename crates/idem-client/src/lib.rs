#![forbid(unsafe_code)]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]
//!
//! # An example with tower
//!
//! ```rust,no_run
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use idem_client::{Dialect, IdempotentRetries};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # async fn pay() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let retries = IdempotentRetries::new().server("http://10.0.0.7:3000".parse()?, Dialect::idem());
//! let client = Client::builder(TokioExecutor::new()).build_http();
//! let service = ServiceBuilder::new().layer(retries).service(client);
//! let payment = http::Request::post("http://10.0.0.7:3000/payments").body(Full::<Bytes>::from("amount=100"))?;
//! let response = service.oneshot(payment).await?;
//! # Ok(())
//! # }
//! ```
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
//!
//! # Where next
//!
//! - `IdempotentRetries` has the settings, `Report` and `Error` say how an operation went, and [`Dialect`] how a server is
//!   understood.
//! - For the server, take `idem-axum` or `idem-actix`.
//! - To choose and store keys, read the guide's page on keys, in the module `guide` of `idem-core`.

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
