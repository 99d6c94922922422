//! Duplicates that come while the original runs, and retries of what failed.

use idem_core::Policy;
use reqwest::Method;

use super::profiles;
use crate::{Adapter, Server, send};

pub async fn a_failure_is_not_saved_and_the_repaired_payload_runs<A: Adapter>() {
    for (policy, ..) in profiles() {
        for status in [400, 404, 422, 500, 503] {
            let server = Server::start::<A>(policy.clone()).await;
            let path = format!("/status/{status}");
            for run in 1..=2 {
                let answer = send(server.post(&path, "k", "{}")).await;
                assert_eq!(
                    (answer.status, answer.text()),
                    (status, format!("run {run}"))
                );
            }
            let repaired = send(server.post(&path, "k", "{\"repaired\":true}")).await;
            assert_eq!(
                (repaired.status, repaired.text()),
                (201, "run 3".to_owned())
            );
            let replay = send(server.post(&path, "k", "{\"repaired\":true}")).await;
            assert!(replay.is_replay());
            assert_eq!(server.effects.runs(), 3);
        }
    }
}

pub async fn the_line_between_success_and_failure_is_400<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    for (status, saved) in [(399, true), (400, false), (302, true)] {
        let path = format!("/status/{status}");
        let key = format!("k{status}");
        // A redirect without a location is handed to the caller as it is.
        assert_eq!(send(server.post(&path, &key, "{}")).await.status, status);
        assert_eq!(
            send(server.post(&path, &key, "{}")).await.is_replay(),
            saved,
            "{status}"
        );
    }
}

pub async fn the_stripe_profile_keeps_what_ran_and_failed<A: Adapter>() {
    let server = Server::start::<A>(Policy::stripe()).await;
    for (status, saved) in [
        (201, true),
        (402, true),
        (500, true),
        (400, false),
        (429, false),
    ] {
        let path = format!("/status/{status}");
        let key = format!("k{status}");
        let original = send(server.post(&path, &key, "{}")).await;
        let retry = send(server.post(&path, &key, "{}")).await;
        assert_eq!(retry.is_replay(), saved, "{status}");
        assert_eq!(retry.text() == original.text(), saved, "{status}");
    }
}

pub async fn other_methods_pass_through_untouched<A: Adapter>() {
    let server = Server::start::<A>(Policy::ietf()).await;
    let mut runs = 0;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        for key in ["k", "not, a key"] {
            runs += 1;
            let request = server
                .request(method.clone(), "/orders")
                .header("idempotency-key", key);
            let answer = send(request.body("{}")).await;
            assert_eq!(
                (answer.status, answer.is_replay()),
                (201, false),
                "{method} with {key}"
            );
        }
    }
    assert_eq!(server.effects.runs(), runs);
}

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
