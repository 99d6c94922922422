//! `/goats`.

use serde_json::json;

use super::support::Server;

#[tokio::test]
async fn a_registered_goat_is_listed() {
    let server = Server::start().await;
    assert_eq!(server.get("/goats").await.body, r#"{"items":[]}"#);
    let body = json!({"name": "Heidi", "owner": "Peter", "breed": "Nigerian Dwarf", "age": 3});
    let answer = server.post("/goats", body.to_string()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers.get("location"), None);
    let id = answer.id();
    assert_eq!(answer.json(), json!({"id": id}));
    assert_eq!(id.len(), 26);
    let goat = json!({"id": id, "name": "Heidi", "owner": "Peter", "breed": "Nigerian Dwarf"});
    assert_eq!(server.list("/goats").await, [goat]);
}

#[tokio::test]
async fn goats_are_listed_oldest_first() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(json!(server.goat(&format!("goat {number}")).await));
    }
    let listed = server.list("/goats").await;
    let listed: Vec<_> = listed.iter().map(|goat| goat["id"].clone()).collect();
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn every_breed_can_be_registered() {
    let server = Server::start().await;
    for breed in [
        "Alpine",
        "LaMancha",
        "Nubian",
        "Boer",
        "Nigerian Dwarf",
        "Pygmy",
        "Sable",
    ] {
        let body = json!({"name": "Heidi", "owner": "Peter", "breed": breed});
        assert_eq!(server.post("/goats", body.to_string()).await.status, 201);
    }
    assert_eq!(server.list("/goats").await.len(), 7);
}

#[tokio::test]
async fn a_faulty_goat_is_refused_by_field() {
    let server = Server::start().await;
    for (body, place) in [
        (
            json!({"owner": "Peter", "breed": "Boer"}),
            "name is missing",
        ),
        (
            json!({"name": "Heidi", "breed": "Boer"}),
            "owner is missing",
        ),
        (
            json!({"name": "Heidi", "owner": "Peter"}),
            "breed is missing",
        ),
        (
            json!({"name": "", "owner": "Peter", "breed": "Boer"}),
            "name must be text of at least 1",
        ),
        (
            json!({"name": "Heidi", "owner": "", "breed": "Boer"}),
            "owner must be text of at least",
        ),
        (
            json!({"name": 1, "owner": "Peter", "breed": "Boer"}),
            "name must be text, got 1",
        ),
        (
            json!({"name": "Heidi", "owner": null, "breed": "Boer"}),
            "owner must be text, got null",
        ),
        (
            json!({"name": "Heidi", "owner": "Peter", "breed": "boer"}),
            "breed must be one of Alpine",
        ),
        (
            json!({"name": "Heidi", "owner": "Peter", "breed": ["Boer"]}),
            "breed must be text, got an",
        ),
    ] {
        let message = server.post("/goats", body.to_string()).await.refusal(400);
        assert!(message.starts_with(place), "{body}: {message}");
    }
    assert!(server.list("/goats").await.is_empty());
}

#[tokio::test]
async fn odd_and_huge_texts_are_kept_as_they_are() {
    let server = Server::start().await;
    let names = [
        "a\0b".to_owned(),
        "🐐\u{202e}'; DROP TABLE goats; --".to_owned(),
        "x".repeat(2_000_000),
    ];
    for name in &names {
        server.goat(name).await;
    }
    let listed = server.list("/goats").await;
    let listed: Vec<_> = listed
        .iter()
        .map(|goat| goat["name"].as_str().unwrap())
        .collect();
    assert_eq!(listed, names);
}
