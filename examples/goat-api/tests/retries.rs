//! The market behind a proxy that loses, delays, resets and answers by a seed, and `idem-client` before it.

#![forbid(unsafe_code)]
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

#[path = "api/serve.rs"]
mod on_axum;

use std::collections::HashSet;
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use goat_api::database::sqlite::SqliteFile;
use goat_api::web::GoatMarket;
use idem_client::{Dialect, IdempotencyKey, IdempotentRetries, Report, RetryBudget};
use idem_core::{Idempotency, MemoryStore, Policy};
use test_servers::FaultyProxy;

/// In each profile, unless `IDEM_CLIENT_OPERATIONS` asks for more: 1,000 in all.
const OPERATIONS: usize = 334;

/// How many clients there are.
const AT_ONCE: usize = 50;

fn operations() -> usize {
    env::var("IDEM_CLIENT_OPERATIONS").map_or(OPERATIONS, |text| text.parse().expect("a number"))
}

fn seed() -> u64 {
    let any = |_| RandomState::new().hash_one("seed");
    let seed = env::var("CHAOS_SEED").map_or_else(any, |text| text.parse().expect("a number"));
    println!("CHAOS_SEED={seed}");
    seed
}

/// Registers so many goats, and gives how many answers there were, and how many goats there are.
async fn register(policy: Policy, operations: usize, hides_keys: bool) -> (usize, usize) {
    let seed = seed();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    let database = SqliteFile::open(&path, Duration::from_secs(30));
    let market = GoatMarket::new(Arc::new(database.await.unwrap()));
    let idempotency = Idempotency::new(MemoryStore::new(), policy);
    let address = on_axum::serve(market.clone(), idempotency).await;
    let proxy = FaultyProxy::to(address.port(), seed, hides_keys).unwrap();
    let base = format!("http://127.0.0.1:{}", proxy.port());
    let client = IdempotentRetries::new()
        .server(base.parse().unwrap(), Dialect::idem())
        .attempts(40)
        .attempt_timeout(Duration::from_millis(500))
        .pauses(Duration::from_millis(1), Duration::from_millis(20))
        .budget(RetryBudget::new(1_000_000, 0.0))
        .client(reqwest::Client::builder().no_proxy())
        .unwrap();
    let answers = stream::iter(0..operations).map(|number| {
        let key = IdempotencyKey::derived(&seed.to_string(), &number.to_string());
        let goat = format!(r#"{{"name":"Goat {number}","owner":"Peter","breed":"Nubian"}}"#);
        let request = client
            .post(format!("{base}/goats"))
            .header("content-type", "application/json")
            .with_extension(key)
            .body(goat);
        async {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 201);
            let report = response.extensions().get::<Report>().unwrap();
            let is_retried = report.attempts() > 1;
            (is_retried, response.text().await.unwrap())
        }
    });
    let answers: Vec<(bool, String)> = answers.buffer_unordered(AT_ONCE).collect().await;
    let retried = answers.iter().filter(|(is_retried, _)| *is_retried).count();
    assert!(retried > operations / 5, "{retried} of {operations}");
    // An answer is the new goat's id.
    let told: HashSet<_> = answers.iter().map(|(_, id)| id).collect();
    (told.len(), market.database().goats().await.unwrap().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_goat_is_registered_once_in_every_profile() {
    for policy in [Policy::reference(), Policy::ietf(), Policy::stripe()] {
        let operations = operations();
        assert_eq!(
            register(policy, operations, false).await,
            (operations, operations)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_their_keys_goats_are_registered_twice() {
    let (_, registered) = register(Policy::reference(), 100, true).await;
    assert!(registered > 110, "{registered} registrations of 100 goats");
}
