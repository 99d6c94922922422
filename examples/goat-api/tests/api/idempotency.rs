//! What the market does with a request that comes again.

use std::collections::HashSet;

use goat_api::cli::Profile;
use serde_json::json;

use super::support::Server;

const HEIDI: &str = r#"{"name":"Heidi","owner":"Peter","breed":"Nubian"}"#;
const CLARA: &str = r#"{"name":"Clara","owner":"Peter","breed":"Alpine"}"#;

fn order(goat: &str, item: &str) -> String {
    json!({"items": [{"goatId": goat, "catalogItem": item, "quantity": 2}]}).to_string()
}

#[tokio::test]
async fn a_goat_is_registered_once() {
    let server = Server::start().await;
    let original = server.post_with_key("/goats", "k", HEIDI).await;
    let replay = server.post_with_key("/goats", "k", HEIDI).await;
    assert_eq!((original.status, replay.status), (201, 201));
    assert_eq!(original.body, replay.body);
    assert!(!original.headers.contains_key("idempotency-replayed"));
    assert_eq!(replay.headers["idempotency-replayed"], "true");
    let refused = server
        .post_with_key("/goats", "k", CLARA)
        .await
        .refusal(400);
    assert!(refused.contains("another request"), "{refused}");
    assert_eq!(server.list("/goats").await.len(), 1);
}

#[tokio::test]
async fn an_order_that_was_refused_frees_its_key() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    let refused = server
        .post_with_key("/orders", "k", &order(&goat, "Milk"))
        .await;
    assert!(refused.refusal(400).contains("Milk"));
    server.offer(&goat, "Milk", "1.50").await;
    let placed = server
        .post_with_key("/orders", "k", &order(&goat, "milk"))
        .await;
    assert_eq!(placed.status, 201, "{}", placed.body);
    assert_eq!(server.list("/orders").await.len(), 1);
}

#[tokio::test]
async fn the_catalog_needs_no_key_and_ignores_one() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    let path = format!("/goats/{goat}/catalog");
    for price in ["1", "2"] {
        let item = format!(r#"{{"name":"Milk","description":"","price":{price}}}"#);
        assert_eq!(server.post_with_key(&path, "k", &item).await.status, 204);
    }
    assert_eq!(server.list(&path).await[0]["price"], 2);
}

#[tokio::test]
async fn bad_input_in_every_profile_is_400_and_never_kept() {
    for profile in [Profile::Reference, Profile::Ietf, Profile::Stripe] {
        let server = Server::with_profile(profile).await;
        for bad in ["", "{", "[]", r#"{"name":""}"#] {
            server.post_with_key("/goats", "k", bad).await.refusal(400);
        }
        assert_eq!(server.post_with_key("/goats", "k", HEIDI).await.status, 201);
    }
}

#[tokio::test]
async fn the_ietf_profile_answers_with_problem_details() {
    let server = Server::with_profile(Profile::Ietf).await;
    let missing = server.post("/goats", HEIDI).await;
    assert_eq!(missing.status, 400);
    assert_eq!(missing.headers["content-type"], "application/problem+json");
    assert_eq!(
        server.post_with_key("/goats", "\"k\"", HEIDI).await.status,
        201
    );
    assert_eq!(server.post_with_key("/goats", "k", CLARA).await.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_concurrent_orders_with_one_key_one_is_placed() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "Milk", "1.50").await;
    let order = order(&goat, "Milk");
    let duplicates = (0..100).map(|_| server.post_with_key("/orders", "k", &order));
    let answers = futures_util::future::join_all(duplicates).await;
    let mut bodies = HashSet::new();
    for answer in answers {
        match answer.status {
            201 => _ = bodies.insert(answer.body),
            other => assert_eq!(other, 202, "{}", answer.body),
        }
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(server.list("/orders").await.len(), 1);
}
