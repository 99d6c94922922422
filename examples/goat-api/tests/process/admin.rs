//! Keys as operators see them, over HTTP and with nothing but a token.

use std::path::Path;
use std::process::Command;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::life::assert_refuses_to_start;
use crate::operator::{Held, heidi, order_of, post, post_later, until};
use crate::program::{Program, command, ended, goat_with_milk, in_memory};

const TOKEN: &str = "0123456789abcdef01234567";
const LOOK_UP: &str = "/admin/keys/look-up";
const RELEASE: &str = "/admin/keys/release";

fn guarded(database: &Path) -> Program {
    Program::spawn(command("127.0.0.1:0", database).env("GOAT_ADMIN_TOKEN", TOKEN))
}

/// Asks with these headers; gives the status and the body.
async fn ask(program: &Program, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let method = if path == RELEASE {
        Method::POST
    } else {
        Method::GET
    };
    let mut request = Client::new().request(method, format!("{}{path}", program.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let challenge = answer.headers().get("www-authenticate");
    assert_eq!(challenge.is_some(), status == 401);
    (status, answer.json().await.unwrap())
}

/// Asks about a key with the token.
async fn ask_about(program: &Program, path: &str, key: &str) -> Value {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", &*bearer), ("idempotency-key", key)];
    let (status, answer) = ask(program, path, &headers).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn without_a_token_the_routes_are_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(&directory.path().join("goats.db"));
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", &*bearer), ("idempotency-key", "k")];
    for path in [LOOK_UP, RELEASE] {
        let message = format!("there is no path {path:?}");
        assert_eq!(
            ask(&program, path, &headers).await,
            (404, json!({"message": message}))
        );
    }
}

#[tokio::test]
async fn nobody_looks_without_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let program = guarded(&directory.path().join("goats.db"));
    let key = ("idempotency-key", "k");
    let wrong = format!("Bearer {}", TOKEN.replace('7', "8"));
    let basic = format!("Basic {TOKEN}");
    for path in [LOOK_UP, RELEASE] {
        for headers in [
            &[key][..],
            &[key, ("authorization", &wrong)],
            &[key, ("authorization", &basic)],
            &[("authorization", &*wrong)],
        ] {
            let (status, answer) = ask(&program, path, headers).await;
            assert_eq!(status, 401, "{answer}");
        }
    }
    let bearer = format!("Bearer {TOKEN}");
    let bearer = ("authorization", &*bearer);
    for headers in [&[bearer][..], &[bearer, ("idempotency-key", "a,b")]] {
        let (status, answer) = ask(&program, LOOK_UP, headers).await;
        assert_eq!(status, 400, "{answer}");
        assert!(
            answer["message"]
                .as_str()
                .unwrap()
                .contains("idempotency-key")
        );
    }
}

#[tokio::test]
async fn a_key_is_seen_through_its_life_and_nothing_of_its_response_is() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let program = Program::spawn(in_memory(&database).env("GOAT_ADMIN_TOKEN", TOKEN));
    let goat = goat_with_milk(&program).await;
    let absent = ask_about(&program, LOOK_UP, "o-1").await;
    let record = absent["record"].clone();
    assert_eq!(absent, json!({"record": record, "state": "absent"}));
    assert_eq!(
        ask_about(&program, RELEASE, "o-1").await,
        json!({"record": record, "released": false})
    );

    let held = Held::hold(&database).await;
    let headers = [("idempotency-key", "o-1")];
    let order = post_later(&program, "/orders", &headers, &order_of(&goat, "Milk"));
    until(
        &program,
        r#"idempotency_requests_total{outcome="execute"}"#,
        1.0,
    )
    .await;
    // Either spelling is the same key.
    let pending = ask_about(&program, LOOK_UP, "\"o-1\"").await;
    let names =
        |answer: &Value| -> Vec<String> { answer.as_object().unwrap().keys().cloned().collect() };
    let told = [
        "ageSeconds",
        "fingerprint",
        "record",
        "remainingSeconds",
        "state",
    ];
    assert_eq!(names(&pending), told);
    assert_eq!(
        (&pending["record"], &pending["state"]),
        (&record, &json!("pending"))
    );
    let seconds = |answer: &Value, name: &str| answer[name].as_f64().unwrap();
    assert!(seconds(&pending, "remainingSeconds") <= 30.0, "{pending}");
    let whole = seconds(&pending, "ageSeconds") + seconds(&pending, "remainingSeconds");
    assert!((whole - 30.0).abs() < 0.01, "{pending}");
    held.let_go().await;
    assert_eq!(order.await.unwrap(), 201);

    let completed = ask_about(&program, LOOK_UP, "o-1").await;
    assert_eq!(names(&completed), told);
    assert_eq!(completed["state"], "completed");
    assert_eq!(completed["fingerprint"], pending["fingerprint"]);
    assert_eq!(completed["fingerprint"].as_str().unwrap().len(), 8);
    let whole = seconds(&completed, "ageSeconds") + seconds(&completed, "remainingSeconds");
    assert!((whole - 3600.0).abs() < 0.01, "{completed}");
    // A result is never released.
    let released = ask_about(&program, RELEASE, "o-1").await;
    assert_eq!(released["released"], false);
    assert_eq!(
        ask_about(&program, LOOK_UP, "o-1").await["state"],
        "completed"
    );
}

/// A server that died holds a key for its lease; an operator need not wait so long.
#[tokio::test]
async fn the_key_of_a_server_that_died_is_released() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    release_the_key_of_a_server_that_died(|| command("127.0.0.1:0", &database)).await;
}

#[cfg(feature = "momento")]
#[tokio::test]
async fn the_key_of_a_server_that_died_is_released_from_momento() {
    let emulator = momento_emulator::Emulator::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let command = || crate::momento::on_momento(&emulator, &database);
    release_the_key_of_a_server_that_died(command).await;
}

async fn release_the_key_of_a_server_that_died(command: impl Fn() -> Command) {
    let start = |delay| {
        let mut command = command();
        command.env("GOAT_ADMIN_TOKEN", TOKEN);
        Program::spawn(command.args(["--lease", "1h", "--order-delay", delay]))
    };
    let dying = start("1h");
    let goat = goat_with_milk(&dying).await;
    let order = order_of(&goat, "Milk");
    let headers = [("idempotency-key", "stuck")];
    let client = crate::operator::post_raw(&dying, "/orders", &headers, &order);
    until(
        &dying,
        r#"idempotency_requests_total{outcome="execute"}"#,
        1.0,
    )
    .await;
    dying.signal("-KILL");
    drop((dying, client));

    let program = start("0s");
    let answer = post(&program, "/orders", &headers, &order).await;
    assert_eq!(answer.status(), 202, "the key is stuck");
    let stuck = ask_about(&program, LOOK_UP, "stuck").await;
    assert_eq!(stuck["state"], "pending");
    assert!(stuck["ageSeconds"].is_number() && stuck["remainingSeconds"].is_number());
    assert_eq!(
        ask_about(&program, RELEASE, "stuck").await["released"],
        true
    );
    assert_eq!(
        ask_about(&program, LOOK_UP, "stuck").await["state"],
        "absent"
    );
    let answer = post(&program, "/orders", &headers, &order).await;
    assert_eq!(answer.status(), 201);
}

#[test]
fn a_token_that_could_be_guessed_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let output = ended(command.env("GOAT_ADMIN_TOKEN", "sesame"));
    let what = "the admin token has 6 characters, and needs at least 24";
    assert_refuses_to_start(&output, what, "openssl rand -hex 24");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("sesame"));
}

#[test]
fn the_help_does_not_show_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("127.0.0.1:0", &directory.path().join("goats.db"));
    command.env("GOAT_ADMIN_TOKEN", TOKEN).arg("--help");
    let help = String::from_utf8(ended(&mut command).stdout).unwrap();
    assert!(
        help.contains("GOAT_ADMIN_TOKEN") && !help.contains(TOKEN),
        "{help}"
    );
}

#[tokio::test]
async fn a_key_in_the_path_is_nothing_that_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let program = guarded(&directory.path().join("goats.db"));
    assert_eq!(
        post(&program, "/goats", &[("idempotency-key", "k")], &heidi())
            .await
            .status(),
        201
    );
    let bearer = format!("Bearer {TOKEN}");
    let path = format!("{LOOK_UP}/k");
    assert_eq!(
        ask(&program, &path, &[("authorization", &bearer)]).await.0,
        404
    );
}
