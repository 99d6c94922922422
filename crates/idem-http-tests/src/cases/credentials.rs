//! Who the client is.

use idem_core::Policy;

use super::profiles;
use crate::{Adapter, Server, send};

pub async fn another_caller_never_gets_the_response_of_the_first<A: Adapter>() {
    for (policy, mismatch, _) in profiles() {
        let server = Server::start::<A>(policy).await;
        let by = |header: &'static str, value: &'static str| {
            server.post("/orders", "k", "{}").header(header, value)
        };
        assert_eq!(send(by("authorization", "Bearer alice")).await.status, 201);
        assert!(send(by("authorization", "Bearer alice")).await.is_replay());
        let others = [
            by("authorization", "Bearer bob"),
            by("cookie", "session=bob"),
            by("x-api-key", "bob"),
            by("authorization", "Bearer alice").header("cookie", "session=bob"),
            server.post("/orders", "k", "{}"),
            // Another payload tells another caller nothing either.
            server
                .post("/orders", "k", "[]")
                .header("authorization", "Bearer bob"),
        ];
        for other in others {
            let refused = send(other).await;
            assert_eq!(refused.status, mismatch);
            assert_eq!(
                refused.header("idempotency-refusal"),
                Some("idempotency-key-of-other-caller")
            );
            assert!(!refused.text().contains("\"id\""));
        }
        assert_eq!(server.effects.runs(), 1);
    }
}

pub async fn scopes_share_no_key_and_a_refreshed_token_is_the_same_client<A: Adapter>() {
    let layer = A::new(A::store(), Policy::reference());
    let server = Server::with_layer(layer).await;
    let by = |tenant: &'static str, token: &'static str| {
        server
            .post("/orders", "k", "{}")
            .header("x-tenant", tenant)
            .header("authorization", token)
    };
    assert_eq!(send(by("a", "1")).await.text(), "{\"id\":1}");
    assert_eq!(send(by("b", "1")).await.text(), "{\"id\":2}");
    let refreshed = send(by("a", "2")).await;
    assert!(refreshed.is_replay());
    assert_eq!(refreshed.text(), "{\"id\":1}");

    // Where the rule names nobody, the credentials count again.
    let unscoped = |token: &'static str| {
        server
            .post("/orders", "k", "{}")
            .header("authorization", token)
    };
    assert_eq!(send(unscoped("1")).await.text(), "{\"id\":3}");
    assert_eq!(send(unscoped("2")).await.status, 400);
    assert_eq!(server.effects.runs(), 3);
}

pub async fn a_scope_that_names_nobody_is_none<A: Adapter>() {
    let layer = A::new(A::store(), Policy::reference());
    let server = Server::with_layer(layer).await;
    let by = |token: &'static str| {
        server
            .post("/orders", "k", "{}")
            .header("x-tenant", "")
            .header("authorization", token)
    };
    assert_eq!(send(by("1")).await.status, 201);
    assert!(send(by("1")).await.is_replay());
    assert_eq!(send(by("2")).await.status, 400);
    assert_eq!(server.effects.runs(), 1);
}

pub async fn an_application_names_the_headers_that_are_credentials<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference().credential_headers(["X-Api-Key"])).await;
    let by = |key: &'static str, cookie: &'static str| {
        server
            .post("/orders", "k", "{}")
            .header("x-api-key", key)
            .header("cookie", cookie)
    };
    assert_eq!(send(by("1", "a")).await.status, 201);
    assert!(send(by("1", "b")).await.is_replay());
    assert_eq!(send(by("2", "a")).await.status, 400);
}

pub async fn an_api_key_tells_callers_apart_without_any_configuration<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let by = |key: &'static str| server.post("/orders", "k", "{}").header("X-Api-Key", key);
    assert_eq!(send(by("alice")).await.status, 201);
    assert!(send(by("alice")).await.is_replay());
    for other in [by("bob"), server.post("/orders", "k", "{}")] {
        let refused = send(other).await;
        assert_eq!(
            refused.header("idempotency-refusal"),
            Some("idempotency-key-of-other-caller")
        );
    }
    assert_eq!(server.effects.runs(), 1);
}

// S91
pub async fn cookies_in_several_lines_and_in_one_are_one_caller<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let by = |lines: &[&'static str]| {
        let request = server.post("/orders", "k", "{}");
        let add =
            |request: reqwest::RequestBuilder, line: &&'static str| request.header("cookie", *line);
        lines.iter().fold(request, add)
    };
    assert_eq!(send(by(&["a=1", "b=2"])).await.status, 201);
    for same in [
        &["a=1; b=2"] as &[_],
        &["a=1;b=2"],
        &["a=1; ", "b=2"],
        &["a=1", "b=2"],
    ] {
        assert!(send(by(same)).await.is_replay(), "{same:?}");
    }
    for other in [
        &["a=1"] as &[_],
        &["a=1; b=3"],
        &["b=2; a=1"],
        &["a=1b=2"],
        &["a=1, b=2"],
    ] {
        assert_eq!(send(by(other)).await.status, 400, "{other:?}");
    }
    assert_eq!(server.effects.runs(), 1);
}
