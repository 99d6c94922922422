//! The API in actix-web, over a real socket: what it must do in axum, it must
//! do here.

#![forbid(unsafe_code)]
#![cfg(feature = "actix")]
#![allow(clippy::unwrap_used)]

#[path = "../api/document/mod.rs"]
mod document;
#[path = "../api/everywhere.rs"]
mod everywhere;
#[path = "../api/fresh.rs"]
mod fresh;
#[path = "../api/head.rs"]
mod head;
#[path = "../api/home.rs"]
mod home;
mod routes;
mod serve;

use everywhere::support;

/// What the servers under test serve with.
const FRAMEWORK: &str = "actix";
