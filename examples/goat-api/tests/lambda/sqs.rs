//! The guide's consumer of a queue, as a Lambda function.

use std::env;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use idem_core::{Idempotency, MemoryStore, Policy};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

use crate::function::{Function, Invoked, Settings};

#[path = "../../../../docs/guide/sqs.rs"]
#[expect(unreachable_pub, reason = "it is made to be copied")]
mod guide;

#[tokio::test]
#[ignore = "no test by itself: an instance of the function that another test invokes"]
async fn serves_batches() {
    if env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        return;
    }
    let idempotency = Idempotency::new(MemoryStore::new(), Policy::default());
    let handler = service_fn(|event: LambdaEvent<guide::Batch>| {
        let idempotency = idempotency.clone();
        async move { Ok::<_, Error>(guide::handle(&idempotency, event).await) }
    });
    lambda_runtime::run(handler).await.unwrap();
}

fn consumer() -> Arc<Function> {
    let program = |_| {
        let mut program = Command::new(env::current_exe().unwrap());
        program
            .args(["sqs::serves_batches", "--exact", "--ignored"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        program
    };
    Function::new(Settings {
        program: Box::new(program),
        timeout: Duration::from_secs(60),
        told_deadline: None,
        instances: 1,
    })
}

/// Delivers messages, each an id and a body, and tells which are to be delivered again.
async fn failed(consumer: &Function, messages: &[(&str, Value)]) -> Vec<String> {
    let record = |(id, body): &(&str, Value)| json!({"messageId": id, "body": body.to_string(), "eventSource": "aws:sqs"});
    let records: Vec<_> = messages.iter().map(record).collect();
    match consumer.invoke(json!({"Records": records})).await {
        Invoked::Answered(answer) => {
            let failures = answer["batchItemFailures"].as_array().unwrap().clone();
            let id = |failure: &Value| failure["itemIdentifier"].as_str().unwrap().to_owned();
            failures.iter().map(id).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn of_a_batch_what_failed_is_delivered_again_and_nothing_else() {
    let consumer = consumer();
    let order = |id: &str, item: &str| json!({"id": id, "item": item});
    let batch = [
        ("m1", order("1", "milk")),
        ("m2", order("2", "chess")),
        // A producer that was not sure has sent it twice.
        ("m3", order("1", "milk")),
        // Another order by the same name is none to ship.
        ("m4", order("1", "cheese")),
        ("m5", json!("no order")),
    ];
    assert_eq!(failed(&consumer, &batch).await, ["m2", "m4", "m5"]);
    // All of it once more, and the shelf is full.
    let again = [("m1", order("1", "milk")), ("m2", order("2", "cheese"))];
    assert!(failed(&consumer, &again).await.is_empty());
}
