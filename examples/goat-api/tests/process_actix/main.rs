//! The real program, serving with actix-web: what it must do with axum, it must do here.

#![forbid(unsafe_code)]
#![cfg(all(unix, feature = "actix"))]
#![allow(clippy::unwrap_used)]

#[path = "../process/life.rs"]
mod life;
#[cfg(feature = "momento")]
#[path = "../process/momento.rs"]
mod momento;
#[path = "../process/program.rs"]
mod program;

/// What the program under test serves with.
const FRAMEWORK: &str = "actix";
