#![forbid(unsafe_code)]
//! Exactly once with a driver other than sqlx: its transaction commits together with the record of the response.
//!
//! [`ending`] is the same for all drivers. To use yours, copy it, and write what
//! [`tokio_postgres`] or [`sea_orm`] has in some 100 lines. With sqlx none of this is needed:
//! `PostgresStore::begin` does the same.
//!
//! All of it is tested by `idem_store_tests::ending_tests!`, with connections that are cut at COMMIT. Test yours in the
//! same way.

pub mod ending;
pub mod sea_orm;
pub mod tokio_postgres;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
