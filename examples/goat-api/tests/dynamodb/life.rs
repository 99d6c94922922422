//! How it starts, and what is there the next time.

use std::process::Output;

use crate::program::{Program, command, fresh_table};
use crate::{given, market};

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_restart_keeps_the_data() {
    let table = fresh_table();
    let (program, customer) = market(&table);
    let goat = customer.goat("Heidi").await;
    customer.offer(&goat, "Käse", "19.90").await;
    let order = customer.order(&[(&goat, "KÄSE", 3)]).await.id();
    let paths = ["/goats", "/orders"].map(str::to_owned);
    let paths = paths
        .into_iter()
        .chain([format!("/goats/{goat}/catalog"), format!("/orders/{order}")]);
    let mut before = Vec::new();
    for path in paths {
        let answer = customer.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        before.push((path, answer.body));
    }
    drop(program);

    let (_program, customer) = market(&table);
    for (path, body) in before {
        assert_eq!(customer.get(&path).await.body, body, "{path}");
    }
}

#[test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
fn programs_that_start_at_once_share_the_table_that_one_of_them_creates() {
    let table = fresh_table();
    let start = || Program::start(&given(), &table, &[""; 0]);
    std::thread::scope(|scope| {
        let programs = [(); 4].map(|()| scope.spawn(start));
        for program in programs {
            program.join().unwrap();
        }
    });
}

fn assert_refuses_to_start(output: &Output, what: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(what), "{stderr}");
    assert!(stderr.contains("--dynamodb-table"), "{stderr}");
}

#[test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
fn a_table_that_cannot_be_used_is_a_clear_error() {
    let output = command(&given(), "goats")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .output()
        .unwrap();
    assert_refuses_to_start(
        &output,
        "cannot use the DynamoDB table goats: could not open",
    );
    let output = command(&given(), "goats")
        .env_remove("AWS_ACCESS_KEY_ID")
        .output()
        .unwrap();
    assert_refuses_to_start(&output, "no credentials");
}
