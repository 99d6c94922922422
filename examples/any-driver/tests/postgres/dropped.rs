//! A transaction that is dropped where there is no runtime, as by a server that stops.

use std::time::Duration;

use idem_store_tests::TransactionalStore;
use tokio::{
    runtime::Runtime,
    time::{sleep, timeout},
};

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
        there_are_open(&effects, 1).await;
        (effects, begun)
    });
    drop(transaction);
    runtime.block_on(there_are_open(&effects, 0));
}

async fn there_are_open<D: Driver>(effects: &Effects<D>, transactions: usize) {
    let waiting = async {
        while effects.open_transactions().await != Some(transactions) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = timeout(Duration::from_secs(30), waiting).await;
    waited.expect("there are as many open transactions in the end");
}

#[test]
fn with_tokio_postgres_it_rolls_back() {
    rolls_back_outside_its_runtime::<TokioPostgres>();
}

#[test]
fn with_sea_orm_it_rolls_back() {
    rolls_back_outside_its_runtime::<SeaOrm>();
}
