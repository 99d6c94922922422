//! What the program asks of DynamoDB, and what it does when that gets in the way.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use test_servers::{DynamoDbFault as Fault, DynamoDbProxy};
use tokio::time::timeout;

use crate::customer::Customer;
use crate::given;
use crate::program::{Program, command, fresh_table};
use crate::stand_in::proxy;

/// What the deployment allows, as the source has it.
const TABLE: &str = include_str!("../../src/database/dynamodb/table.rs");

/// As long as the program's, unless it is told another.
const LEASE: Duration = Duration::from_secs(30);

fn wanted() -> BTreeSet<&'static str> {
    let quoted = TABLE.split('"').skip(1).step_by(2);
    quoted
        .filter_map(|text| text.strip_prefix("dynamodb:"))
        .collect()
}

/// What a role must be allowed so that a call of this action is done.
fn needed(action: &str) -> &[&str] {
    match action {
        "GetItem" | "TransactGetItems" => &["GetItem"],
        "PutItem" => &["PutItem"],
        "Query" => &["Query"],
        // Of what there can be in it, the program has no deletion.
        "TransactWriteItems" => &["ConditionCheckItem", "PutItem", "UpdateItem"],
        // A key that is freed.
        "DeleteItem" => &["DeleteItem"],
        other => panic!("{other} is wanted from a table that is there"),
    }
}

pub(crate) fn order_of(goat: &str, item: &str) -> String {
    json!({"items": [{"goatId": goat, "catalogItem": item, "quantity": 1}]}).to_string()
}

/// A program on an existing table, with all its calls through a proxy.
pub(crate) async fn disturbed_on(table: &str) -> (DynamoDbProxy, Program, Customer) {
    drop(Program::start(&given(), table, &[""; 0]));
    let between = proxy();
    between.always("CreateTable", Some(Fault::Deny));
    between.always("DescribeTable", Some(Fault::Deny));
    let mut command = command(&given(), table);
    let command = command.env("AWS_ENDPOINT_URL", between.url());
    let program = Program::spawn(command);
    let customer = Customer::of(&*program.base);
    (between, program, customer)
}

async fn disturbed() -> (DynamoDbProxy, Program, Customer) {
    disturbed_on(&fresh_table()).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn the_actions_that_are_said_to_be_wanted_are_those_that_are_asked_for() {
    let (between, _program, customer) = disturbed().await;
    let goat = customer.goat("Heidi").await;
    customer.offer(&goat, &"milk".repeat(20_000), "1").await;
    customer.offer(&goat, "soap", "1").await;
    let order = customer.order(&[(&goat, "soap", 1)]).await;
    let soap = order_of(&goat, "soap");
    for _ in 0..2 {
        assert_eq!(
            customer.post_with_key("/orders", "k", &soap).await.status,
            201
        );
    }
    let unknown = order_of(&goat, "chess");
    customer
        .post_with_key("/orders", "another", &unknown)
        .await
        .refusal(400);
    for list in ["/goats", "/orders", &format!("/goats/{goat}/catalog")] {
        customer.list(list).await;
    }
    let order = customer.get(&format!("/orders/{}", order.id())).await;
    assert_eq!(order.status, 200);
    assert_eq!(between.eventual_reads(), 0);
    let actions = between.counts();
    let needed: BTreeSet<_> = actions.keys().flat_map(|action| needed(action)).collect();
    assert_eq!(
        needed.into_iter().copied().collect::<BTreeSet<_>>(),
        wanted()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_transaction_that_others_are_in_the_way_of_is_done_in_the_end() {
    let (between, _program, customer) = disturbed().await;
    let goat = customer.goat("Heidi").await;
    between.next("TransactWriteItems", &[Fault::Conflict(1); 4]);
    customer.offer(&goat, "milk", "1").await;
    between.next("TransactGetItems", &[Fault::Conflict(0); 4]);
    assert_eq!(customer.order(&[(&goat, "milk", 1)]).await.status, 201);
    assert!(between.is_done());
    assert_eq!(customer.list("/orders").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn what_is_sent_again_after_a_lost_answer_is_done_once() {
    let (between, _program, customer) = disturbed().await;
    between.next("PutItem", &[Fault::CutAfter]);
    let goat = customer.goat("Heidi").await;
    between.next("TransactWriteItems", &[Fault::CutAfter]);
    customer.offer(&goat, "milk", "1").await;
    between.next("PutItem", &[Fault::CutAfter, Fault::Exceeded]);
    assert_eq!(customer.order(&[(&goat, "milk", 1)]).await.status, 201);
    assert!(between.is_done());
    for list in ["/goats", "/orders", &format!("/goats/{goat}/catalog")] {
        assert_eq!(customer.list(list).await.len(), 1, "{list}");
    }
}

// S67, S69
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn under_a_key_an_order_is_placed_once_whatever_is_lost_or_in_the_way() {
    let (between, _program, customer) = disturbed().await;
    let goat = customer.goat("Heidi").await;
    customer.offer(&goat, "milk", "1").await;
    let milk = order_of(&goat, "milk");
    let troubles: [&[(&str, Fault)]; 5] = [
        &[("PutItem", Fault::CutBefore)],
        &[("PutItem", Fault::CutAfter)],
        &[("TransactWriteItems", Fault::CutBefore)],
        &[("TransactWriteItems", Fault::CutAfter)],
        &[
            ("TransactWriteItems", Fault::Conflict(0)),
            ("TransactWriteItems", Fault::Conflict(1)),
        ],
    ];
    for (number, trouble) in troubles.into_iter().enumerate() {
        for (operation, fault) in trouble {
            between.next(operation, &[*fault]);
        }
        let key = number.to_string();
        let placed = customer.post_with_key("/orders", &key, &milk).await;
        assert_eq!(placed.status, 201, "{trouble:?}: {}", placed.body);
        assert!(between.is_done(), "{trouble:?}");
        let replay = customer.post_with_key("/orders", &key, &milk).await;
        assert_eq!(
            (replay.status, replay.body),
            (201, placed.body),
            "{trouble:?}"
        );
        assert_eq!(
            customer.list("/orders").await.len(),
            number + 1,
            "{trouble:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn what_is_denied_is_the_markets_failure_and_frees_the_key() {
    let (between, _program, customer) = disturbed().await;
    let heidi = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"}).to_string();
    between.next("PutItem", &[Fault::Deny]);
    let refused = customer.post("/goats", heidi.clone()).await;
    let message = refused.refusal(500);
    assert_eq!(message, "the market failed, the fault is not yours");
    between.next("TransactWriteItems", &[Fault::Deny]);
    let refused = customer.post_with_key("/goats", "k", &heidi).await;
    assert_eq!(refused.status, 500, "{}", refused.body);
    let done = customer.post_with_key("/goats", "k", &heidi).await;
    assert_eq!(done.status, 201, "{}", done.body);
    assert_eq!(customer.list("/goats").await.len(), 1);
    between.always("GetItem", Some(Fault::Deny));
    assert_eq!(customer.get("/readyz").await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn what_is_never_answered_is_given_up_before_its_key_is_free() {
    let (between, _program, customer) = disturbed().await;
    let goat = customer.goat("Heidi").await;
    customer.offer(&goat, "milk", "1").await;
    let given_up = async |action| {
        between.always(action, Some(Fault::Hang));
        let lines = [(&*goat, "milk", 1)];
        let answer = timeout(LEASE, customer.order(&lines)).await;
        answer.expect("it is given up").refusal(500);
    };
    given_up("PutItem").await;
    given_up("TransactGetItems").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_transaction_that_others_are_always_in_the_way_of_is_given_up() {
    let (between, _program, customer) = disturbed().await;
    let goat = customer.goat("Heidi").await;
    between.always("TransactWriteItems", Some(Fault::Conflict(1)));
    let item = r#"{"name":"milk","description":"","price":1}"#;
    let path = format!("/goats/{goat}/catalog");
    let answer = timeout(LEASE, customer.post(&path, item)).await;
    answer.expect("it is given up").refusal(500);
    assert!(customer.list(&path).await.is_empty());
}
