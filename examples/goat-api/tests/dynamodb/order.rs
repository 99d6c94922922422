//! What comes before what.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::customer::Customer;
use crate::program::{Program, fresh_table};
use crate::{given, market};

fn ids(items: &[Value]) -> Vec<&Value> {
    items.iter().map(|item| &item["id"]).collect()
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn goats_are_listed_oldest_first_across_pages() {
    let (_program, customer) = market(&fresh_table());
    // A page has 1 MB.
    let filler = "x".repeat(30_000);
    let mut expected = Vec::new();
    for _ in 0..80 {
        expected.push(json!(customer.goat(&filler).await));
    }
    let listed = customer.list("/goats").await;
    assert_eq!(ids(&listed), Vec::from_iter(&expected));
}

#[tokio::test]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_replaced_item_keeps_its_place_however_many_there_are() {
    let (_program, customer) = market(&fresh_table());
    let goat = customer.goat("Heidi").await;
    let names: Vec<_> = (0..40).map(|number| format!("Käse {number}")).collect();
    for name in &names {
        customer.offer(&goat, name, "1").await;
    }
    for name in names.iter().rev().step_by(3) {
        customer.offer(&goat, &name.to_uppercase(), "2.50").await;
    }
    let listed = customer.list(&format!("/goats/{goat}/catalog")).await;
    let listed: Vec<_> = listed
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_lowercase())
        .collect();
    let expected: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(listed, expected);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn a_hundred_orders_at_once_to_two_programs_are_all_placed_and_listed_alike() {
    let table = fresh_table();
    let programs = [(); 2].map(|()| Program::start(&given(), &table, &[""; 0]));
    let customers = programs
        .each_ref()
        .map(|program| Customer::of(&*program.base));
    let goat = customers[0].goat("Heidi").await;
    customers[1].offer(&goat, "milk", "1.50").await;
    let orders = (0..100).map(|number| {
        let (customer, goat) = (&customers[number % 2], &goat);
        async move { customer.order(&[(goat, "MILK", 2)]).await }
    });
    for answer in join_all(orders).await {
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let one = customers[0].list("/orders").await;
    assert_eq!(one.len(), 100);
    assert!(one.iter().all(|order| order["total"] == 3.0));
    assert_eq!(one, customers[1].list("/orders").await);
    let mut sorted = ids(&one);
    sorted.sort_by_key(ToString::to_string);
    assert_eq!(ids(&one), sorted);
}
