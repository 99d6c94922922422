//! A server that crashes, and comes back.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_servers::Postgres;

use super::operator::{heidi, post, until_status};
use super::program::{Program, command, list};

async fn readiness(program: &Program) -> Value {
    let answer = reqwest::get(format!("{}/readyz", program.base)).await;
    answer.unwrap().json().await.unwrap()
}

// S51
#[tokio::test]
async fn while_its_server_is_down_requests_fail_and_afterwards_they_work_again() {
    let server = tokio::task::spawn_blocking(|| Postgres::start().unwrap());
    let server = server.await.unwrap();
    let url = server
        .url("postgres")
        .replace("postgres@", "postgres:open-sesame@");
    let mut market = command("127.0.0.1:0", url.as_ref());
    let market = market.env("RUST_LOG", "info").args(["--lease", "2s"]);
    let mut program = Program::spawn(market.stderr(Stdio::piped()));
    let key = |key: &'static str| [("idempotency-key", key)];
    assert_eq!(
        post(&program, "/goats", &key("before"), &heidi())
            .await
            .status(),
        201
    );
    assert_eq!(readiness(&program).await, json!({"ready": true}));

    for round in ["one", "two"] {
        server.stop_immediately().unwrap();
        for _ in 0..2 {
            let refused = post(&program, "/goats", &key(round), &heidi()).await;
            assert_eq!(refused.status(), 503);
            assert_eq!(
                refused.headers()["idempotency-refusal"],
                "idempotency-store-unavailable"
            );
            assert!(refused.headers().contains_key("retry-after"));
        }
        let failed = post(&program, "/goats", &[], &heidi()).await;
        assert_eq!(failed.status(), 500);
        let body = failed.text().await.unwrap();
        assert_eq!(
            body,
            r#"{"message":"the market failed, the fault is not yours"}"#
        );
        let not_ready = json!({"ready": false, "notReady": ["database", "store"]});
        assert_eq!(readiness(&program).await, not_ready);

        server.start_again().unwrap();
        until_status(&program, "/readyz", 200).await;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = post(&program, "/goats", &key(round), &heidi()).await;
            match answer.status().as_u16() {
                201 => break,
                // A claim whose answer was lost may have landed.
                202 => assert!(Instant::now() < deadline, "the key is still taken"),
                other => panic!("{other}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let replayed = post(&program, "/goats", &key("before"), &heidi()).await;
    assert!(replayed.headers().contains_key("idempotency-replayed"));
    assert_eq!(list(&program, "goats").await.len(), 3);

    let mut log = program.child.stderr.take().unwrap();
    program.signal("-TERM");
    assert_eq!(program.finish().1.code(), Some(0));
    let mut said = String::new();
    log.read_to_string(&mut said).unwrap();
    // Each says what was wrong, also where sqlx's pool tells no more than that its time was over.
    let failures = [
        "a request failed",
        "not ready: the database failed",
        "the store failed",
    ];
    for failure in failures {
        let mut lines = said.lines().filter(|line| line.contains(failure));
        assert!(
            lines.any(|line| line.contains("Connection refused")),
            "{failure}: {said}"
        );
    }
    assert!(!said.contains("sesame"), "{said}");
}
