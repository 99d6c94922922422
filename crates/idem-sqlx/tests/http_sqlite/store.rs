//! A store of its own for each test: a file in a folder that outlives it.

use idem_core::IdempotencyStore;
use idem_sqlx::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

pub(crate) fn store() -> impl IdempotencyStore + Clone {
    // The scenarios ask for their store in the midst of a runtime, which cannot wait. The store opens its
    // connections with its first call, in the runtime of the test.
    std::thread::spawn(prepared).join().unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn prepared() -> SqliteStore {
    // Nobody knows when the last request is done.
    let folder = Box::leak(Box::new(tempfile::tempdir().unwrap()));
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("market.db"))
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options);
    let store = SqliteStore::builder(&pool).prepare().await.unwrap();
    pool.close().await;
    store
}
