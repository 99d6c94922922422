//! What API Gateway makes of a request, and of an answer.

use serde_json::json;

use crate::customer::Answer;
use crate::market::{Market, Options};

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_key_that_comes_twice_in_one_request_is_two_keys() {
    let market = Market::start(Options::default()).await;
    let request = market.request(reqwest::Method::POST, "/goats");
    let goat = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"});
    let request = request
        .json(&goat)
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    let refused = Answer::to(request).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(
        refused.headers["idempotency-refusal"],
        "idempotency-key-invalid"
    );
    assert!(market.list("/goats").await.is_empty());
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn one_request_is_one_whatever_the_order_of_its_query() {
    let market = Market::start(Options::default()).await;
    let goat = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"}).to_string();
    let path = "/goats?a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&a=9";
    let registered = market.post_with_key(path, "k", &goat).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    let replay = market.post_with_key(path, "k", &goat).await;
    assert_eq!((replay.status, replay.body), (201, registered.body));
    let other = path.replace("a=1", "a=2");
    assert_eq!(market.post_with_key(&other, "k", &goat).await.status, 400);
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_body_arrives_whole_as_text_and_as_base64_and_so_does_an_answer() {
    let market = Market::start(Options::default()).await;
    let goat = json!({"name": "Ünï", "owner": "Peter", "breed": "Nubian"}).to_string();
    // What the gateway does not know as JSON it hands on in base64.
    for content_type in ["application/json", "application/json; charset=utf-8"] {
        let request = market.request(reqwest::Method::POST, "/goats");
        let request = request
            .header("content-type", content_type)
            .body(goat.clone());
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    for listed in market.list("/goats").await {
        assert_eq!(listed["name"], "Ünï");
    }
}
