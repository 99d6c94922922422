//! A server that comes back with much to load.

use std::{sync::Arc, time::Duration};

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, StoreError, StoreErrorKind},
};
use test_servers::{Redis, StartError};
use tokio::time::{sleep, timeout};

use crate::server::{LONG, complete, connect, key, lease, response};

/// 500 µs a key. In between, it answers others after each 2 MB.
const SLOW: [&str; 4] = ["--key-load-delay", "500", "--rdbcompression", "no"];
/// 40 MB.
const FILL: &str =
    "for i = 1, 4000 do redis.call('SET', 'filler:' .. i, string.rep('x', 10000)) end";

async fn is_refused_until_all_is_loaded(start: fn(&[&str]) -> Result<Redis, StartError>) {
    let server = Arc::new(start(&SLOW).unwrap());
    let store = connect(&server.url()).await;
    let (running, owner) = (key(), lease(LONG));
    assert_eq!(store.claim(&running, &owner).await.unwrap(), Claim::Owned);
    server.command(&["EVAL", FILL, "0"]).ok();
    server.command(&["SAVE"]).unwrap();
    server.kill();

    let starting = Arc::clone(&server);
    let starting = tokio::task::spawn_blocking(move || starting.start_again());
    let is_loading = |error: &StoreError| format!("{error:?}").contains("BusyLoading");
    let says_that_it_loads = async {
        while !store
            .look_up(&running)
            .await
            .is_err_and(|error| is_loading(&error))
        {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, says_that_it_loads).await.unwrap();
    let (fresh, outcome) = (key(), response(b"1"));
    for error in [
        store.claim(&fresh, &lease(LONG)).await.unwrap_err(),
        store.renew(&running, &owner).await.unwrap_err(),
        store
            .complete(&running, &owner, &outcome, LONG)
            .await
            .unwrap_err(),
        store.release(&running, &owner).await.unwrap_err(),
        store.look_up(&running).await.unwrap_err(),
    ] {
        assert!(is_loading(&error), "{error:?}");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
        assert!(!error.may_have_landed(), "{error:?}");
    }

    starting.await.unwrap().unwrap();
    // It connects ten times a second at most.
    let until_it_works = async {
        while store.look_up(&fresh).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, until_it_works).await.unwrap();
    assert_eq!(store.look_up(&fresh).await.unwrap(), None);
    assert_eq!(complete(&store, &running, &owner).await, Fenced::Held);
    assert_eq!(
        store.claim(&fresh, &lease(LONG)).await.unwrap(),
        Claim::Owned
    );
}

// S83
#[tokio::test]
async fn while_a_server_loads_nothing_is_written_and_then_its_records_are_there() {
    is_refused_until_all_is_loaded(Redis::start_with).await;
    is_refused_until_all_is_loaded(Redis::start_valkey_with).await;
}
