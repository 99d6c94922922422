//! Who the client is.

use idem_core::Policy;

use super::profiles;
use crate::{Adapter, Server, send};

// S26
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
            // A new key would do the operation twice.
            let advice = "retry it with the credentials that it was sent with";
            assert!(refused.text().contains(advice), "{}", refused.text());
        }
        assert_eq!(server.effects.runs(), 1);
    }
}

// S27
pub async fn where_the_scope_rule_names_nobody_the_credentials_count<A: Adapter>() {
    for tenant in [None, Some("")] {
        let server = Server::start::<A>(Policy::reference()).await;
        let by = |token: &'static str| {
            let request = server.post("/orders", "k", "{}");
            let request = request.header("authorization", token);
            match tenant {
                Some(tenant) => request.header("x-tenant", tenant),
                None => request,
            }
        };
        assert_eq!(send(by("1")).await.status, 201);
        assert!(send(by("1")).await.is_replay());
        assert_eq!(send(by("2")).await.status, 400, "{tenant:?}");
        assert_eq!(server.effects.runs(), 1);
    }
}

// S26
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
