//! Duplicates that come while the original runs, and retries of what failed.

use futures_util::future::join_all;
use idem_core::Policy;
use reqwest::Method;

use crate::support::{Server, profiles, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_concurrent_duplicates_one_runs() {
    for (policy, _, in_progress) in profiles() {
        let server = Server::start(policy).await;
        let original = tokio::spawn(send(server.post("/gated", "k", "{}")));
        server.effects.wait_for_runs(1).await;
        let duplicates = join_all((0..100).map(|_| send(server.post("/gated", "k", "{}")))).await;
        for duplicate in duplicates {
            assert_eq!(duplicate.status, in_progress);
            assert_eq!(
                duplicate.header("idempotency-refusal"),
                Some("idempotency-in-progress")
            );
            // The original is young; the engine's own tests let it grow old.
            let seconds: u64 = duplicate.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=10).contains(&seconds), "{seconds}");
        }
        server.effects.gate.add_permits(1);
        let original = original.await.unwrap();
        let replay = send(server.post("/gated", "k", "{}")).await;
        assert_eq!(replay.comparable(), original.comparable());
        assert_eq!(server.effects.runs(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_that_start_together_one_runs() {
    let server = Server::start(Policy::reference()).await;
    let answers = join_all((0..100).map(|_| send(server.post("/orders", "k", "{}")))).await;
    assert_eq!(server.effects.runs(), 1);
    for answer in answers {
        match answer.status {
            201 => assert_eq!(answer.text(), "{\"id\":1}"),
            other => assert_eq!(other, 202),
        }
    }
}

#[tokio::test]
async fn a_failure_is_not_saved_and_the_repaired_payload_runs() {
    for (policy, ..) in profiles() {
        for status in [400, 404, 422, 500, 503] {
            let server = Server::start(policy.clone()).await;
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

#[tokio::test]
async fn the_line_between_success_and_failure_is_400() {
    let server = Server::start(Policy::reference()).await;
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

#[tokio::test]
async fn the_stripe_profile_keeps_what_ran_and_failed() {
    let server = Server::start(Policy::stripe()).await;
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

#[tokio::test]
async fn other_methods_pass_through_untouched() {
    let server = Server::start(Policy::ietf()).await;
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

#[tokio::test]
async fn another_method_is_protected_where_the_policy_says_so() {
    let server = Server::start(Policy::reference().methods(["PUT"])).await;
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
