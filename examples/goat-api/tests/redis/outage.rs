//! A server that dies, and comes back.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_servers::Redis;

use super::operator::{heidi, post, until_status};
use super::program::{Program, command, list};

async fn readiness(program: &Program) -> Value {
    let answer = reqwest::get(format!("{}/readyz", program.base)).await;
    answer.unwrap().json().await.unwrap()
}

fn allow_heidi(server: &Redis) {
    let user = ["heidi", "on", ">open-sesame", "~idem:*", "+@all"];
    server
        .command(&[&["ACL", "SETUSER"], &user[..]].concat())
        .unwrap();
}

// S83
#[tokio::test]
async fn while_its_server_is_down_requests_fail_and_afterwards_they_work_again() {
    let server = Redis::start().unwrap();
    allow_heidi(&server);
    let directory = tempfile::tempdir().unwrap();
    let url = format!("redis://heidi:open-sesame@127.0.0.1:{}", server.port());
    let mut market = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let market = market.args(["--store", "redis", "--lease", "2s"]);
    let market = market.env("GOAT_REDIS_URL", url).env("RUST_LOG", "info");
    let mut program = Program::spawn(market.stderr(Stdio::piped()));
    let key = |key: &'static str| [("idempotency-key", key)];
    let before = post(&program, "/goats", &key("before"), &heidi()).await;
    assert_eq!(before.status(), 201);
    assert_eq!(readiness(&program).await, json!({"ready": true}));

    for round in ["one", "two"] {
        server.kill();
        for _ in 0..2 {
            let refused = post(&program, "/goats", &key(round), &heidi()).await;
            assert_eq!(refused.status(), 503);
            assert_eq!(
                refused.headers()["idempotency-refusal"],
                "idempotency-store-unavailable"
            );
            assert!(refused.headers().contains_key("retry-after"));
        }
        let not_ready = json!({"ready": false, "notReady": ["store"]});
        assert_eq!(readiness(&program).await, not_ready);
        // Nothing was executed, and what needs no record works.
        assert_eq!(
            list(&program, "goats").await.len(),
            if round == "one" { 1 } else { 2 }
        );

        server.start_again().unwrap();
        // Until then it refuses the password.
        allow_heidi(&server);
        until_status(&program, "/readyz", 200).await;
        let deadline = Instant::now() + Duration::from_secs(30);
        while post(&program, "/goats", &key(round), &heidi())
            .await
            .status()
            != 201
        {
            assert!(Instant::now() < deadline, "the key is still taken");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(list(&program, "goats").await.len(), 3);

    let mut log = program.child.stderr.take().unwrap();
    program.signal("-TERM");
    assert_eq!(program.finish().1.code(), Some(0));
    let mut said = String::new();
    log.read_to_string(&mut said).unwrap();
    let mut failures = said
        .lines()
        .filter(|line| line.contains("the store failed"));
    assert!(
        failures.any(|line| line.contains("Connection refused")),
        "{said}"
    );
    assert!(!said.contains("sesame"), "{said}");
}
