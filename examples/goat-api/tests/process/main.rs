//! The real program, serving with axum.

#![forbid(unsafe_code)]
#![cfg(all(unix, feature = "axum"))]
#![allow(clippy::unwrap_used)]

mod admin;
mod cors;
mod database;
mod disk;
mod flags;
mod health;
mod life;
mod logs;
mod metrics;
#[cfg(feature = "momento")]
mod momento;
mod operator;
mod pipe;
mod place;
mod placement;
mod program;
mod records;

/// What the program under test serves with.
const FRAMEWORK: &str = "axum";
