//! One writer at a time: who waits for whom, and for how long.

use std::time::Duration;

use idem_core::{
    Headers, IdempotencyStore, Response,
    store::{Claim, Fenced, NotKept, Outcome, StoreErrorKind},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::file::{File, LONG, key, lease};

const CALL: Duration = Duration::from_millis(400);

// S77
#[tokio::test]
async fn a_duplicate_is_answered_while_another_writes_and_a_fresh_claim_leaves_nothing_behind() {
    let file = File::new();
    let store = file.builder().call_timeout(CALL).prepare().await.unwrap();
    let (held, fresh, given_up) = (key(), key(), key());
    assert_eq!(
        store.claim(&held, &lease(LONG)).await.unwrap(),
        Claim::Owned
    );
    let writing = file.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let begun = Instant::now();
    let duplicate = store.claim(&held, &lease(LONG)).await.unwrap();
    assert!(matches!(duplicate, Claim::Taken(_)));
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "{:?}",
        begun.elapsed()
    );

    let begun = Instant::now();
    let error = store.claim(&fresh, &lease(LONG)).await.unwrap_err();
    assert!(begun.elapsed() < CALL, "{:?}", begun.elapsed());
    assert_eq!(error.kind(), StoreErrorKind::Timeout, "{error:?}");
    assert!(!error.may_have_landed(), "{error:?}");
    let claim = timeout(CALL / 8, store.claim(&given_up, &lease(LONG))).await;
    assert!(claim.is_err(), "it waits: {claim:?}");

    sleep(CALL).await;
    writing.rollback().await.unwrap();
    sleep(CALL / 2).await;
    for key in [&fresh, &given_up] {
        assert!(store.look_up(key).await.unwrap().is_none());
        assert_eq!(store.claim(key, &lease(LONG)).await.unwrap(), Claim::Owned);
    }
}

// S77
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_clients_wait_their_turn() {
    let file = File::new();
    let stores = [file.store().await, file.store().await];
    let mut clients = JoinSet::new();
    for number in 0..16 {
        let store = stores[number % 2].clone();
        clients.spawn(async move {
            let mut longest = Duration::ZERO;
            for _ in 0..20 {
                let (key, held) = (key(), lease(LONG));
                let begun = Instant::now();
                assert_eq!(store.claim(&key, &held).await.unwrap(), Claim::Owned);
                let done = NotKept::Stream.into();
                let completion = store.complete(&key, &held, &done, LONG).await;
                assert_eq!(completion.unwrap(), Fenced::Held);
                longest = longest.max(begun.elapsed());
            }
            longest
        });
    }
    let longest = clients.join_all().await.into_iter().max();
    println!("the longest of 320 cycles took {longest:?}");
}

// S77
#[tokio::test]
async fn a_full_disk_is_an_error_and_nothing_worse() {
    // SQLite takes a file at its largest size for a full disk.
    let file = File::with(|options| options.pragma("max_page_count", "60"));
    let store = file.builder().without_sweeping().prepare().await.unwrap();
    let body = vec![b'x'; 20_000];
    let response = Response::new(200, Headers::default(), body.into());
    let done = Outcome::from(response);
    let mut completed = Vec::new();
    let error = loop {
        let (key, held) = (key(), lease(LONG));
        let claimed = store.claim(&key, &held).await;
        match claimed {
            Ok(claim) => assert_eq!(claim, Claim::Owned),
            Err(error) => break error,
        }
        match store.complete(&key, &held, &done, LONG).await {
            Ok(fenced) => assert_eq!(fenced, Fenced::Held),
            Err(error) => {
                // Its lease stands.
                assert!(matches!(
                    store.claim(&key, &lease(LONG)).await,
                    Ok(Claim::Taken(_))
                ));
                break error;
            }
        }
        completed.push(key);
    };
    assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
    assert!(!error.may_have_landed(), "{error:?}");
    for key in &completed {
        assert!(
            store.look_up(key).await.unwrap().is_some(),
            "what was kept stays"
        );
    }
    file.run("DELETE FROM idem_records").await;
    let (key, held) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &held).await.unwrap(), Claim::Owned);
    let completion = store.complete(&key, &held, &done, LONG).await;
    assert_eq!(completion.unwrap(), Fenced::Held);
}
