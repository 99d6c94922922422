//! The store on a PostgreSQL that these tests start.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[cfg(feature = "postgres-tests")]
mod conflicts;
#[cfg(feature = "postgres-tests")]
mod contract;
#[cfg(feature = "postgres-tests")]
mod crashed;
#[cfg(feature = "postgres-tests")]
mod database;
#[cfg(feature = "postgres-tests")]
mod doubt;
#[cfg(feature = "postgres-tests")]
mod dropped;
#[cfg(feature = "postgres-tests")]
mod durability;
#[cfg(feature = "postgres-tests")]
mod ending_cases;
#[cfg(feature = "postgres-tests")]
#[path = "../support/endings.rs"]
mod endings;
#[cfg(feature = "postgres-tests")]
mod enlisting;
#[cfg(feature = "postgres-tests")]
mod errors;
#[cfg(feature = "postgres-tests")]
#[path = "../support/http.rs"]
mod http;
#[cfg(feature = "postgres-tests")]
#[path = "../support/killed.rs"]
mod killed;
#[cfg(feature = "postgres-tests")]
#[path = "../support/kills.rs"]
mod kills;
#[cfg(feature = "postgres-tests")]
#[path = "../support/market.rs"]
mod market;
#[cfg(feature = "postgres-tests")]
mod orders;
#[cfg(feature = "postgres-tests")]
mod prepare;
#[cfg(feature = "postgres-tests")]
mod race;
#[cfg(feature = "postgres-tests")]
mod round_trips;
#[cfg(feature = "postgres-tests")]
mod server;
#[cfg(feature = "postgres-tests")]
#[path = "../support/serving.rs"]
mod serving;
#[cfg(feature = "postgres-tests")]
mod sweeping;
#[cfg(feature = "postgres-tests")]
mod timeouts;

#[cfg(not(feature = "postgres-tests"))]
#[test]
#[ignore = "left out: they start PostgreSQL, and need `--features postgres-tests`"]
fn all_tests_on_postgresql() {}
