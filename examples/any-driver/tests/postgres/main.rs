//! Drivers on a PostgreSQL that these tests start: every rule about transactions that end executions, and a handler
//! with a client.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[cfg(feature = "postgres-tests")]
mod drivers;
#[cfg(feature = "postgres-tests")]
mod dropped;
#[cfg(feature = "postgres-tests")]
mod effects;
#[cfg(feature = "postgres-tests")]
mod handler;

#[cfg(feature = "postgres-tests")]
mod tokio_postgres {
    idem_store_tests::ending_tests! {
        clock: real,
        store: crate::effects::Effects::<crate::drivers::TokioPostgres>::new().await,
    }
}

#[cfg(feature = "postgres-tests")]
mod sea_orm {
    idem_store_tests::ending_tests! {
        clock: real,
        store: crate::effects::Effects::<crate::drivers::SeaOrm>::new().await,
    }
}

#[cfg(not(feature = "postgres-tests"))]
#[test]
#[ignore = "left out: they start PostgreSQL, and need `--features postgres-tests`"]
fn all_tests_on_postgresql() {}
