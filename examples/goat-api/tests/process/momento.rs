//! The market with its records in Momento Serverless Cache, or in a stand-in for it.

use std::path::Path;
use std::time::Duration;

use momento_emulator::{Code, Data, Emulator, Fault, Method, When};
use serde_json::json;

use crate::life::assert_refuses_to_start;
use crate::program::{Program, a_hundred_orders, command, ended, goat_with_milk, list};

pub(crate) fn on_momento(emulator: &Emulator, database: &Path) -> std::process::Command {
    let mut command = command("127.0.0.1:0", database);
    command
        .args([
            "--store",
            "momento",
            "--momento-endpoint",
            &emulator.endpoint(),
        ])
        .env("MOMENTO_API_KEY", emulator.api_key());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_concurrent_duplicates_to_two_processes_one_order_is_placed() {
    let emulator = Emulator::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let one = Program::spawn(&mut on_momento(&emulator, &database));
    let other = Program::spawn(&mut on_momento(&emulator, &database));
    let goat = goat_with_milk(&one).await;
    let bodies = a_hundred_orders(&[&one, &other], &goat).await;
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(list(&other, "orders").await.len(), 1);
}

/// Registers a goat under a new key, and tells the status and the refusal's code.
async fn register(program: &Program, key: &str) -> (u16, Option<String>) {
    let goat = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"});
    let request = reqwest::Client::new().post(format!("{}/goats", program.base));
    let answer = request
        .header("idempotency-key", key)
        .json(&goat)
        .send()
        .await
        .unwrap();
    let code = answer.headers().get("idempotency-refusal");
    let code = code.map(|code| code.to_str().unwrap().to_owned());
    (answer.status().as_u16(), code)
}

/// While the service is out of order requests are refused, and afterwards all is well again,
/// without a restart of the market.
async fn outage(begin: impl FnOnce(&Emulator), end: impl FnOnce(&Emulator)) {
    let emulator = Emulator::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let program = Program::spawn(&mut on_momento(
        &emulator,
        &directory.path().join("goats.db"),
    ));
    assert_eq!(register(&program, "before").await, (201, None));

    begin(&emulator);
    let unavailable = Some("idempotency-store-unavailable".to_owned());
    assert_eq!(register(&program, "during").await, (503, unavailable));
    assert_eq!(
        list(&program, "goats").await.len(),
        1,
        "nothing was executed"
    );

    end(&emulator);
    // A client that is built anew, or a connection, may take a moment.
    let mut attempt = 0;
    while register(&program, &format!("after-{attempt}")).await.0 != 201 {
        attempt += 1;
        assert!(attempt < 50, "it works again");
    }
    assert_eq!(list(&program, "goats").await.len(), 2);
}

fn every_call(fault: Fault) -> impl FnOnce(&Emulator) {
    move |emulator| {
        emulator.faults().every(Method::SetIf, fault);
        emulator.faults().every(Method::Get, fault);
    }
}

fn well_again(emulator: &Emulator) {
    emulator.faults().clear();
}

#[tokio::test]
async fn a_service_that_dies_and_comes_back() {
    outage(Emulator::kill, |emulator| {
        emulator.restart(Data::Kept).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_service_that_is_slow() {
    let delay = Fault::Delay(When::Before, Duration::from_secs(10));
    outage(every_call(delay), well_again).await;
}

#[tokio::test]
async fn a_service_that_never_answers() {
    outage(every_call(Fault::Hang(When::Before)), well_again).await;
}

#[tokio::test]
async fn connections_that_go_mute() {
    let mute = |emulator: &Emulator| emulator.faults().mute_connections();
    let unmute = |emulator: &Emulator| emulator.faults().unmute_connections();
    outage(mute, unmute).await;
}

#[tokio::test]
async fn a_service_at_its_limit() {
    let full = Fault::Fail(When::Before, Code::ResourceExhausted);
    outage(every_call(full), well_again).await;
}

#[tokio::test]
async fn a_service_that_refuses_the_key() {
    let refused = Fault::Fail(When::Before, Code::Unauthenticated);
    outage(every_call(refused), well_again).await;
}

#[test]
fn a_retention_that_the_cache_cannot_keep_is_a_clear_error() {
    let emulator = Emulator::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut command = on_momento(&emulator, &directory.path().join("goats.db"));
    // The SDK warns of the emulator's key.
    let command = command.env("RUST_LOG", "error");
    let output = ended(command.args(["--retention", "48h"]));
    assert_refuses_to_start(
        &output,
        "keeps items for 86400 seconds at most",
        "--retention",
    );
}

#[test]
fn a_missing_key_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let output = ended(command.args(["--store", "momento"]));
    assert_refuses_to_start(&output, "there is no Momento API key", "MOMENTO_API_KEY");
}

#[cfg(not(feature = "lambda"))]
#[test]
fn a_secret_without_secrets_manager_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let command = command.args(["--store", "momento", "--momento-secret", "key"]);
    let output = ended(command);
    assert_refuses_to_start(&output, "no AWS Secrets Manager", "--features lambda");
}
