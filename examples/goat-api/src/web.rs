//! The market over HTTP: what it answers, and its routes in each web framework.

mod answer;
mod api;
mod content_type;
pub mod cors;
mod docs;
mod openapi;
pub mod operations;
mod pages;

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;

pub use api::GoatMarket;

#[cfg(not(any(feature = "actix", feature = "axum")))]
compile_error!("the market needs a web framework: build it with the feature `axum` or `actix`");

/// The largest body that is read, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;
