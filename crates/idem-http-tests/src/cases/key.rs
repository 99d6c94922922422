//! The header, and the methods that it protects.

use idem_core::{KeyFormat, KeyRequirement, KeySyntax, Policy, store::MockIdempotencyStore};
use reqwest::Method;

use crate::{Adapter, Server, send};

// S2
pub async fn a_key_may_be_required_where_the_profile_does_not<A: Adapter>() {
    let policy = Policy::reference().key_requirement(KeyRequirement::Required);
    let server = Server::start::<A>(policy).await;
    let answer = send(server.request(Method::POST, "/orders").body("{}")).await;
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(
        text.contains("requires the header `idempotency-key`"),
        "{text}"
    );
    assert_eq!(
        answer.header("idempotency-refusal"),
        Some("idempotency-key-missing")
    );
    assert_eq!(answer.header("link"), None);
    assert_eq!(server.effects.runs(), 0);
}

// S10
pub async fn a_key_that_is_too_long_asks_no_store<A: Adapter>() {
    // A mock without expectations panics when it is called.
    let layer = A::new(MockIdempotencyStore::new(), Policy::reference());
    let server = Server::with_layer(layer).await;
    for length in [256, 10 * 1024] {
        let answer = send(server.post("/orders", &"k".repeat(length), "{}")).await;
        assert_eq!(answer.status, 400, "{length} bytes");
        assert!(answer.text().contains("at most 255"), "{}", answer.text());
    }
    assert_eq!(server.effects.runs(), 0);
}

// S5
pub async fn a_strict_server_wants_quotes<A: Adapter>() {
    let format = KeyFormat::default().syntax(KeySyntax::Strict);
    let server = Server::start::<A>(Policy::reference().key_format(format)).await;
    assert_eq!(send(server.post("/orders", "k", "{}")).await.status, 400);
    assert_eq!(
        send(server.post("/orders", "\"k\"", "{}")).await.status,
        201
    );
}

pub async fn another_header_may_carry_the_key<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference().header("X-Request-Key")).await;
    for replayed in [false, true] {
        let request = server
            .request(Method::POST, "/orders")
            .header("x-request-key", "k")
            .body("{}");
        assert_eq!(send(request).await.is_replay(), replayed);
    }
}

// S92
pub async fn names_in_another_case_and_with_white_space_protect_all_the_same<A: Adapter>() {
    let policy = Policy::ietf().methods(["post"]).header("Idempotency-Key ");
    let server = Server::start::<A>(policy).await;
    for replayed in [false, true] {
        let answer = send(server.post("/orders", "k", "{}")).await;
        assert_eq!((answer.status, answer.is_replay()), (201, replayed));
    }
    let without_key = server.request(Method::POST, "/orders").body("{}");
    assert_eq!(send(without_key).await.status, 400);
    assert_eq!(server.effects.runs(), 1);
}

// S49
pub async fn another_method_is_protected_where_the_policy_says_so<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference().methods(["PUT"])).await;
    let request = |method| {
        server
            .request(method, "/orders")
            .header("idempotency-key", "k")
            .body("{}")
    };
    assert!(!send(request(Method::PUT)).await.is_replay());
    assert!(send(request(Method::PUT)).await.is_replay());
    assert!(!send(request(Method::POST)).await.is_replay());
    assert!(!send(request(Method::POST)).await.is_replay());
}
