//! The Momento API key in AWS Secrets Manager.

use std::sync::Arc;

use momento_emulator::Emulator;
use serde_json::{Value, json};

use crate::market::{Market, Options};
use crate::stand_in;
use crate::start::refuses;

/// Creates a secret with a name of its own.
async fn secret(content: Value) -> String {
    let name = format!("goat-market/momento-{}", uuid::Uuid::now_v7());
    let mut secret = json!({"Name": name, "ClientRequestToken": uuid::Uuid::now_v7().to_string()});
    let content = content.as_object().unwrap().clone();
    secret.as_object_mut().unwrap().extend(content);
    let operation = "secretsmanager.CreateSecret";
    stand_in::call("secretsmanager", operation, &secret).await;
    name
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn the_market_starts_with_the_key_that_is_in_its_secret() {
    let emulator = Arc::new(Emulator::start().unwrap());
    // Whoever put it there may have ended it with a line break.
    let key = format!("{}\n", emulator.api_key());
    let name = secret(json!({ "SecretString": key })).await;
    let options = Options {
        on_momento: true,
        secret: Some(name),
        ..Options::default()
    };
    let market = Market::on(emulator, options).await;
    let goat = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"}).to_string();
    let registered = market.post_with_key("/goats", "k", &goat).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    let replay = market.post_with_key("/goats", "k", &goat).await;
    assert_eq!(replay.headers["idempotency-replayed"], "true");
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_secret_that_gives_no_key_is_a_clear_error() {
    let binary = secret(json!({"SecretBinary": "AAEC"})).await;
    let empty = secret(json!({"SecretString": " "})).await;
    for (name, problem) in [
        ("missing", "ResourceNotFoundException"),
        (&binary, "it is binary"),
        (&empty, "it is empty"),
    ] {
        let flags = ["--store", "momento", "--database", "/tmp/never-opened.db"];
        refuses(
            &[&flags[..], &["--momento-secret", name]].concat(),
            problem,
            "--momento-secret",
        );
    }
}
