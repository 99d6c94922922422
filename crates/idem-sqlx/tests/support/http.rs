//! What a client sees through the axum layer, with the records in the database.

use std::{cell::RefCell, sync::LazyLock, thread};

use idem_core::IdempotencyStore;
use idem_http_tests::{Axum, Records};
use tokio::runtime::Runtime;

use crate::database::{Kept, a_store};

/// Stores are prepared here, for the suite asks for one where nothing can be awaited.
static PREPARING: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

#[derive(Clone)]
struct InTheDatabase;

impl Records for InTheDatabase {
    fn store() -> impl IdempotencyStore + Clone {
        let (store, kept) = thread::spawn(|| PREPARING.block_on(a_store()))
            .join()
            .unwrap();
        KEPT.with_borrow_mut(|all| all.push(kept));
        store
    }
}

thread_local! {
    /// What the stores need, until the test's thread ends.
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

idem_http_tests::http_tests!(Axum<InTheDatabase>);
