//! The log as JSON: a line for each request with its id and its outcome, and no secret in any.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::operator::{Held, hang_up, heidi, order_of, post, post_raw, text, until};
use crate::program::{Program, command, goat_with_milk, in_memory};

/// A program whose log is read at its end.
struct Logged(Program);

impl Logged {
    fn start(database: &Path, levels: &str) -> Self {
        Self::spawn(command("127.0.0.1:0", database), levels)
    }

    fn spawn(mut command: Command, levels: &str) -> Self {
        command
            .args(["--log-format", "json"])
            .env("RUST_LOG", levels)
            .stderr(Stdio::piped());
        Self(Program::spawn(&mut command))
    }

    fn finish(mut self) -> String {
        let mut stderr = self.0.child.stderr.take().unwrap();
        self.0.signal("-TERM");
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        assert_eq!(self.0.finish().1.code(), Some(0));
        log
    }
}

fn parsed(log: &str) -> Vec<Value> {
    let lines = log.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// The request that a line is about.
fn request(line: &Value) -> &Value {
    &line["spans"][0]
}

#[tokio::test]
async fn each_request_has_a_line_with_its_id_and_its_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let logged = Logged::start(&directory.path().join("goats.db"), "info");
    let program = &logged.0;
    let clara = heidi().replace("Heidi", "Clara");
    let script = [
        ("first", "k", heidi(), 201, "execute"),
        ("second", "k", heidi(), 201, "replay"),
        ("third", "k", clara, 400, "mismatch"),
        ("fourth", "a,b", heidi(), 400, "key_invalid"),
        ("fifth", "empty", "{}".to_owned(), 400, "execute"),
    ];
    for (id, key, body, status, _) in &script {
        let headers = [("idempotency-key", *key), ("x-request-id", *id)];
        let answer = post(program, "/goats", &headers, body).await;
        assert_eq!(answer.status(), *status);
        // A replay has its own id, and not the original's beside it.
        let ids: Vec<_> = answer.headers().get_all("x-request-id").iter().collect();
        assert_eq!(ids, [id]);
    }
    let answer = post(
        program,
        "/goats",
        &[("x-request-id", "not an id")],
        &heidi(),
    )
    .await;
    let made = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_ne!(made, "not an id");
    text(program, "/healthz").await;

    let log = logged.finish();
    let lines = parsed(&log);
    let answered: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "answered")
        .collect();
    for (line, (id, _, _, status, outcome)) in answered.iter().zip(&script) {
        let request = request(line);
        assert_eq!(request["name"], "request");
        assert_eq!(request["request_id"], *id);
        assert_eq!(request["method"], "POST");
        assert_eq!(request["route"], "/goats");
        assert_eq!(request["status"], *status);
        assert_eq!(request["outcome"], *outcome);
        assert!(request["duration_ms"].is_number());
        assert_eq!(line["level"], "INFO");
    }
    // The last one has no key, and what machines ask for is for debugging only.
    assert_eq!(answered.len(), script.len() + 1, "{log}");
    let last = request(answered[script.len()]);
    assert_eq!(
        (&last["request_id"], &last["outcome"]),
        (&made.into(), &"none".into())
    );
}

#[tokio::test]
async fn an_execution_whose_client_hung_up_is_logged_under_its_request() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let logged = Logged::spawn(in_memory(&database), "info,idem_core=debug");
    let program = &logged.0;
    let goat = goat_with_milk(program).await;
    let held = Held::hold(&database).await;
    let headers = [("Idempotency-Key", "k"), ("X-Request-Id", "hung-up")];
    let client = post_raw(program, "/orders", &headers, &order_of(&goat, "Milk"));
    until(
        program,
        r#"idempotency_requests_total{outcome="execute"}"#,
        1.0,
    )
    .await;
    hang_up(client);
    until(program, "idempotency_handed_over_total", 1.0).await;
    held.let_go().await;
    until(
        program,
        r#"idempotency_executions_total{end="recorded"}"#,
        1.0,
    )
    .await;

    let log = logged.finish();
    let lines = parsed(&log);
    let the = |message: &str| -> &Value {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("{message} is not in {log}"))
    };
    let hung_up = request(the("the client hung up"));
    assert_eq!(
        (&hung_up["status"], &hung_up["outcome"]),
        (&499.into(), &"execute".into())
    );
    for message in ["the client hung up", "an execution ended"] {
        assert_eq!(request(the(message))["request_id"], "hung-up", "{message}");
    }
}

#[tokio::test]
async fn no_secret_is_in_the_log_or_in_the_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let levels = "info,idem_core=trace,goat_api=trace";
    let logged = Logged::start(&directory.path().join("goats.db"), levels);
    let program = &logged.0;
    let secrets = [
        "key-of-the-client",
        "Schwänli",
        "token-of-the-client",
        "spy-in-the-path",
    ];
    let goat = heidi().replace("Heidi", secrets[1]);
    let bearer = format!("Bearer {}", secrets[2]);
    let headers = [("idempotency-key", secrets[0]), ("authorization", &bearer)];
    for (body, status) in [(&goat, 201), (&goat, 201), (&heidi(), 400)] {
        assert_eq!(
            post(program, "/goats", &headers, body).await.status(),
            status
        );
    }
    let stranger = [("idempotency-key", secrets[0])];
    assert_eq!(
        post(program, "/goats", &stranger, &goat).await.status(),
        400
    );
    text(program, &format!("/orders/{}", secrets[3])).await;
    text(program, &format!("/{0}?{0}={0}", secrets[3])).await;

    let metrics = text(program, "/metrics").await;
    let log = logged.finish();
    assert!(log.contains("\"outcome\":\"replay\""), "{log}");
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} is in {log}");
        assert!(!metrics.contains(secret), "{secret} is in {metrics}");
    }
}
