//! What the server answers is what the document says, in every profile.

use std::time::Duration;

use futures_util::future::{Either, select};
use idem_core::Policy;
use reqwest::Method;
use serde_json::json;

use super::contract::Contract;
use crate::support::{Answer, Server};

const HEIDI: &str = r#"{"name":"Heidi","owner":"Peter","breed":"Nubian"}"#;
const CLARA: &str = r#"{"name":"Clara","owner":"Peter","breed":"Alpine"}"#;
const CATALOG: &str = "/goats/{goatId}/catalog";

fn every_profile() -> [Policy; 3] {
    [Policy::reference(), Policy::ietf(), Policy::stripe()]
}

#[tokio::test]
async fn what_succeeds() {
    for policy in every_profile() {
        let server = Server::whole(policy, Duration::ZERO).await;
        let contract = Contract::of(&server).await;
        let registered = server.post_with_key("/goats", "1", HEIDI).await;
        contract.holds("post", "/goats", &registered);
        assert_eq!(registered.status, 201);
        let goat = registered.id();
        let catalog = format!("/goats/{goat}/catalog");
        // A hundred nines would do for the market, but are 1e100 to a reader of doubles.
        let longest = format!("{}.{}", "9".repeat(99), "9".repeat(100));
        for price in ["2.50", "0", "1e-100", &longest] {
            let milk = format!(r#"{{"name":"Milk","description":"","price":{price}}}"#);
            contract.holds("post", CATALOG, &server.post(&catalog, milk).await);
        }
        let order =
            json!({"items": [{"goatId": goat, "catalogItem": "milk", "quantity": 1_000_000_000}]});
        let placed = server
            .post_with_key("/orders", "2", &order.to_string())
            .await;
        contract.holds("post", "/orders", &placed);
        assert_eq!(placed.status, 201, "{}", placed.body);
        contract.holds("get", "/goats", &server.get("/goats").await);
        contract.holds("get", CATALOG, &server.get(&catalog).await);
        contract.holds("get", "/orders", &server.get("/orders").await);
        let found = server.get(&format!("/orders/{}", placed.id())).await;
        contract.holds("get", "/orders/{orderId}", &found);
        for path in ["/openapi.json", "/healthz", "/readyz", "/metrics"] {
            contract.holds("get", path, &server.get(path).await);
        }
    }
}

#[tokio::test]
async fn what_the_market_refuses() {
    let server = Server::whole(Policy::reference(), Duration::ZERO).await;
    let contract = Contract::of(&server).await;
    let large = " ".repeat(2 * 1024 * 1024 + 1);
    for (body, status) in [("{}", 400), ("", 400), (&large, 413)] {
        for path in ["/goats", "/orders"] {
            let refused = server.post(path, body.to_owned()).await;
            assert_eq!(refused.status, status);
            contract.holds("post", path, &refused);
        }
        let goat = server.goat("Heidi").await;
        let refused = server
            .post(&format!("/goats/{goat}/catalog"), body.to_owned())
            .await;
        assert_eq!(refused.status, status);
        contract.holds("post", CATALOG, &refused);
    }
    let plain = server.request(Method::POST, "/goats").body(HEIDI);
    let refused = Answer::to(plain.header("content-type", "text/plain")).await;
    assert_eq!(refused.status, 400);
    contract.holds("post", "/goats", &refused);
    contract.holds("get", CATALOG, &server.get("/goats/heidi/catalog").await);
    contract.holds(
        "post",
        CATALOG,
        &server.post("/goats/heidi/catalog", "{}").await,
    );
    contract.holds("get", "/orders/{orderId}", &server.get("/orders/1").await);
    contract.is("UnknownPath", &server.get("/goat").await);
}

#[tokio::test]
async fn what_the_market_fails_at() {
    let server = Server::whole(Policy::reference(), Duration::ZERO).await;
    let contract = Contract::of(&server).await;
    server.market().database().close().await;
    for path in ["/goats", "/orders"] {
        contract.holds("get", path, &server.get(path).await);
    }
    let not_ready = server.get("/readyz").await;
    assert_eq!(not_ready.status, 503);
    contract.holds("get", "/readyz", &not_ready);
    let failed = server.post("/goats", HEIDI).await;
    assert_eq!(failed.status, 500);
    contract.holds("post", "/goats", &failed);
    // Its record would have been there too.
    let refused = server.post_with_key("/goats", "1", HEIDI).await;
    assert_eq!(refused.status, 503);
    contract.holds("post", "/goats", &refused);
}

#[tokio::test]
async fn the_outcomes_of_a_duplicate() {
    for policy in every_profile() {
        let server = Server::whole(policy, Duration::ZERO).await;
        let contract = Contract::of(&server).await;
        server.post_with_key("/goats", "1", HEIDI).await;
        let replay = server.post_with_key("/goats", "1", HEIDI).await;
        assert_eq!(replay.headers["idempotency-replayed"], "true");
        contract.holds("post", "/goats", &replay);
        let mismatch = server.post_with_key("/goats", "1", CLARA).await;
        assert_eq!(
            mismatch.headers["idempotency-refusal"],
            "idempotency-key-reused"
        );
        contract.holds("post", "/goats", &mismatch);
    }
}

#[tokio::test]
async fn a_duplicate_of_what_is_running() {
    for policy in every_profile() {
        let server = Server::whole(policy, Duration::from_secs(3600)).await;
        let contract = Contract::of(&server).await;
        let order = r#"{"items":[{"goatId":"01ARZ3NDEKTSV4RRFFQ69G5FAV","catalogItem":"Milk","quantity":1}]}"#;
        let first = std::pin::pin!(server.post_with_key("/orders", "2", order));
        let second = std::pin::pin!(server.post_with_key("/orders", "2", order));
        // One of them is the original and takes an hour, whichever came first.
        let (Either::Left((answer, _)) | Either::Right((answer, _))) = select(first, second).await;
        assert_eq!(
            answer.headers["idempotency-refusal"],
            "idempotency-in-progress"
        );
        contract.holds("post", "/orders", &answer);
    }
}

#[tokio::test]
async fn the_librarys_other_refusals() {
    for policy in every_profile() {
        let server = Server::whole(policy, Duration::ZERO).await;
        let contract = Contract::of(&server).await;
        let large = " ".repeat(2 * 1024 * 1024 + 1);
        server.post_with_key("/goats", "1", HEIDI).await;
        let goat = || {
            server
                .request(Method::POST, "/goats")
                .header("content-type", "application/json")
        };
        let keyed = || goat().header("idempotency-key", "1");
        for (request, code) in [
            (
                goat().header("idempotency-key", "a,b").body(HEIDI),
                "idempotency-key-invalid",
            ),
            (
                keyed().header("authorization", "another").body(HEIDI),
                "idempotency-key-of-other-caller",
            ),
            (keyed().body(large), "payload-too-large"),
        ] {
            let refused = Answer::to(request).await;
            assert_eq!(refused.headers["idempotency-refusal"], code);
            contract.holds("post", "/goats", &refused);
        }
        contract.holds("post", "/goats", &server.post("/goats", HEIDI).await);
        server.idempotency().drain().await;
        let refused = server.post_with_key("/goats", "2", HEIDI).await;
        assert_eq!(
            refused.headers["idempotency-refusal"],
            "idempotency-shutting-down"
        );
        contract.holds("post", "/goats", &refused);
    }
}
