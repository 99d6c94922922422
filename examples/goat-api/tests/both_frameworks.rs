//! One market and one store behind both frameworks: what one recorded, the other replays.

#![forbid(unsafe_code)]
#![cfg(all(feature = "actix", feature = "axum"))]
#![allow(clippy::unwrap_used)]

#[path = "api_actix/serve.rs"]
mod on_actix;
#[path = "api/serve.rs"]
mod on_axum;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use goat_api::database::sqlite::SqliteFile;
use goat_api::web::GoatMarket;
use idem_core::Policy;

/// Registers a goat, and gives the answer's status, header lines and body, but for the date.
async fn register(address: SocketAddr, key: &str, name: &str) -> (u16, Vec<String>, String) {
    let goat = format!(r#"{{"name":"{name}","owner":"Peter","breed":"Nubian"}}"#);
    let request = reqwest::Client::new()
        .post(format!("http://{address}/goats"))
        .header("idempotency-key", key)
        .header("content-type", "application/json");
    let answer = request.body(goat).send().await.unwrap();
    let status = answer.status().as_u16();
    let lines = answer.headers().iter();
    let lines = lines.filter(|(name, _)| *name != "date");
    let mut lines: Vec<_> = lines
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    lines.sort();
    (status, lines, answer.text().await.unwrap())
}

#[tokio::test]
async fn a_record_made_through_one_replays_through_the_other_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    let database = SqliteFile::open(&path, Duration::from_secs(30));
    let market = GoatMarket::new(Arc::new(database.await.unwrap()));
    let (market, idempotency) = market.exactly_once(Policy::reference());
    let axum = on_axum::serve(market.clone(), idempotency.clone()).await;
    let actix = on_actix::serve(market.clone(), idempotency).await;

    for (key, first, second) in [("a", axum, actix), ("b", actix, axum)] {
        let (status, mut lines, body) = register(first, key, "Heidi").await;
        assert_eq!(status, 201);
        lines.push("idempotency-replayed: \"true\"".to_owned());
        lines.sort();
        for server in [first, second] {
            let replay = register(server, key, "Heidi").await;
            assert_eq!(replay, (201, lines.clone(), body.clone()));
        }
        let refused = register(first, key, "Clara").await;
        assert_eq!(refused.0, 400);
        assert_eq!(register(second, key, "Clara").await, refused);
    }
    assert_eq!(market.database().goats().await.unwrap().len(), 2);
}
