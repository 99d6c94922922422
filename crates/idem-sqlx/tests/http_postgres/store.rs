//! A store of its own for each test: tables in a schema of one database.

use idem_core::IdempotencyStore;
use idem_sqlx::PostgresStore;

use crate::server::builder;

pub(crate) fn store() -> impl IdempotencyStore + Clone {
    // The scenarios ask for their store in the midst of a runtime, which cannot wait. The store opens its
    // connections with its first call, in the runtime of the test.
    std::thread::spawn(prepared).join().unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn prepared() -> PostgresStore {
    builder().await.prepare().await.unwrap()
}
