//! Every example in the document is what it is an example of, and what one is told to send works.

use std::time::Duration;

use idem_core::Policy;
use serde_json::Value;

use super::contract::Contract;
use crate::support::Server;

const GOAT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// All that has a schema, with the examples beside it.
fn with_schema<'a>(node: &'a Value, found: &mut Vec<(&'a Value, Vec<&'a Value>)>) {
    if node["schema"].is_object() {
        let named = node["examples"]
            .as_object()
            .into_iter()
            .flat_map(|all| all.values());
        let named = named.map(|example| &example["value"]);
        found.push((
            &node["schema"],
            node.get("example").into_iter().chain(named).collect(),
        ));
    }
    match node {
        Value::Object(members) => members.values().for_each(|value| with_schema(value, found)),
        Value::Array(elements) => elements.iter().for_each(|value| with_schema(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_example_is_valid() {
    for policy in [Policy::reference(), Policy::ietf(), Policy::stripe()] {
        let server = Server::whole(policy, Duration::ZERO).await;
        let contract = Contract::of(&server).await;
        let mut found = Vec::new();
        with_schema(&contract.document, &mut found);
        let mut checked = 0;
        for (schema, examples) in found {
            for example in examples {
                contract.is_valid(schema, example);
                checked += 1;
            }
        }
        assert!(checked > 40, "{checked}");
    }
}

#[tokio::test]
async fn every_schema_is_a_schema_and_its_own_examples_are_valid() {
    let server = Server::whole(Policy::ietf(), Duration::ZERO).await;
    let contract = Contract::of(&server).await;
    let schemas = contract.document["components"]["schemas"]
        .as_object()
        .unwrap();
    assert!(schemas.len() > 10, "{schemas:?}");
    for (name, schema) in schemas {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
        let mut inner: Vec<_> = schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(|all| all.values())
            .collect();
        inner.push(schema);
        for schema in inner {
            let examples = schema["examples"].as_array().into_iter().flatten();
            for example in examples.chain(schema.get("example")) {
                contract.is_valid(schema, example);
            }
        }
    }
}

#[tokio::test]
async fn every_body_that_one_is_told_to_send_is_accepted() {
    let server = Server::whole(Policy::reference(), Duration::ZERO).await;
    let contract = Contract::of(&server).await;
    let example = |path: &str| {
        let body = &contract.document["paths"][path]["post"]["requestBody"];
        body["content"]["application/json"]["example"].clone()
    };
    let mut sent = 0;
    let mut goat = GOAT.to_owned();
    for path in ["/goats", "/goats/{goatId}/catalog", "/orders"] {
        let body = example(path).to_string().replace(GOAT, &goat);
        let answer = server.post(&path.replace("{goatId}", &goat), body).await;
        assert!(
            [201, 204].contains(&answer.status),
            "{path}: {}",
            answer.body
        );
        if path == "/goats" {
            goat = answer.id();
        }
        sent += 1;
    }
    let posts = contract
        .operations()
        .iter()
        .filter(|(method, _, _)| method == "POST")
        .count();
    assert_eq!(sent, posts);
}
