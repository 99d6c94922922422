//! The real program, serving with actix-web: what it must do with axum, it must do here.

#![forbid(unsafe_code)]
#![cfg(all(unix, feature = "actix"))]
#![allow(clippy::unwrap_used)]

#[path = "../process/admin.rs"]
mod admin;
#[path = "../process/cors.rs"]
mod cors;
#[path = "../process/database.rs"]
mod database;
#[path = "../process/disk.rs"]
mod disk;
#[path = "../process/flags.rs"]
mod flags;
#[path = "../process/health.rs"]
mod health;
#[path = "../process/life.rs"]
mod life;
#[path = "../process/logs.rs"]
mod logs;
#[path = "../process/metrics.rs"]
mod metrics;
#[cfg(feature = "momento")]
#[path = "../process/momento.rs"]
mod momento;
#[path = "../process/operator.rs"]
mod operator;
#[path = "../process/pipe.rs"]
mod pipe;
#[path = "../process/place.rs"]
mod place;
#[path = "../process/placement.rs"]
mod placement;
#[path = "../process/program.rs"]
mod program;
#[path = "../process/records.rs"]
mod records;

/// What the program under test serves with.
const FRAMEWORK: &str = "actix";
