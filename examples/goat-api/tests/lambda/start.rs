//! What a function needs to start, and what it does without.

use std::sync::Arc;

use momento_emulator::{Code, Emulator, Fault, Method, When};
use serde_json::json;

use crate::market::{Market, Options, program};

/// The program ends before it asks for an event, and says why in one line.
pub(crate) fn refuses(flags: &[&str], problem: &str, advice: &str) {
    let mut program = program();
    // Nobody listens there.
    program.env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1");
    let output = program.args(flags).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.contains(problem) && stderr.contains(advice),
        "{stderr}"
    );
}

#[test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
fn what_cannot_be_served_on_lambda_is_a_clear_error() {
    refuses(&[], "goat-market.db", "--dynamodb-table");
    refuses(&["--framework", "actix"], "Actix", "--framework axum");
    let database = ["--database", "/tmp/never-opened.db", "--store", "momento"];
    refuses(&database, "there is no Momento API key", "--momento-secret");
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_cache_that_cannot_be_checked_now_is_used_all_the_same() {
    let emulator = Arc::new(Emulator::start().unwrap());
    let on_momento = || Options {
        on_momento: true,
        ..Options::default()
    };
    // The first market makes the cache.
    let first = Market::on(Arc::clone(&emulator), on_momento()).await;
    first.goat("Heidi").await;
    for code in [Code::Unavailable, Code::ResourceExhausted, Code::Internal] {
        emulator.faults().clear();
        for method in Method::CONTROL {
            let fault = Fault::Fail(When::Before, code);
            emulator.faults().every(method, fault);
        }
        let market = Market::on(Arc::clone(&emulator), on_momento()).await;
        let goat = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"}).to_string();
        let key = format!("under {code:?}");
        let registered = market.post_with_key("/goats", &key, &goat).await;
        assert_eq!(registered.status, 201, "{code:?}: {}", registered.body);
    }
}
