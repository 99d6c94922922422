//! A transaction that is dropped where there is no runtime, as by a server that stops.

use std::time::Duration;

use idem_store_tests::TransactionalStore;
use tokio::{runtime::Runtime, time::sleep};

use crate::{
    drivers::{Driver, SeaOrm, TokioPostgres},
    effects::Effects,
};

fn rolls_back_outside_its_runtime<D: Driver>() {
    let runtime = Runtime::new().unwrap();
    let (effects, transaction) = runtime.block_on(async {
        let effects = Effects::<D>::new().await;
        let begun = effects.driver.begin(&effects.store, None).await.unwrap();
        // The check at start-up had one too, and its rollback may be on its way.
        while effects.open_transactions().await != Some(1) {
            sleep(Duration::from_millis(10)).await;
        }
        (effects, begun)
    });
    drop(transaction);
    runtime.block_on(async {
        while effects.open_transactions().await != Some(0) {
            sleep(Duration::from_millis(10)).await;
        }
    });
}

#[test]
fn with_tokio_postgres_it_rolls_back() {
    rolls_back_outside_its_runtime::<TokioPostgres>();
}

#[test]
fn with_sea_orm_it_rolls_back() {
    rolls_back_outside_its_runtime::<SeaOrm>();
}
