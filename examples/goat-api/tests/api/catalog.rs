//! `/goats/{goatId}/catalog`.

use serde_json::{Value, json};

use super::support::Server;

const NO_GOAT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn names(items: &[Value]) -> Vec<&Value> {
    items.iter().map(|item| &item["name"]).collect()
}

#[tokio::test]
async fn an_offered_item_is_listed() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    let path = format!("/goats/{goat}/catalog");
    assert_eq!(server.get(&path).await.body, r#"{"items":[]}"#);
    let body = r#"{"name":"milk","description":"fresh","price":1.20,"unit":"l"}"#;
    let answer = server.post(&path, body).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let expected = r#"{"items":[{"name":"milk","description":"fresh","price":1.20}]}"#;
    assert_eq!(server.get(&path).await.body, expected);
    assert_eq!(
        server
            .get(&format!("/goats/{}/catalog", goat.to_lowercase()))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn an_item_of_that_name_is_replaced_in_its_place() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    server.offer(&goat, "Käse", "5").await;
    server.offer(&goat, "milk", "1").await;
    server.offer(&goat, "KÄSE", "6.5").await;
    let items = server.list(&format!("/goats/{goat}/catalog")).await;
    assert_eq!(names(&items), ["KÄSE", "milk"]);
    assert_eq!(items[0]["price"].to_string(), "6.5");
}

#[tokio::test]
async fn goats_have_catalogs_of_their_own() {
    let server = Server::start().await;
    let (heidi, clara) = (server.goat("Heidi").await, server.goat("Clara").await);
    server.offer(&heidi, "soap", "3").await;
    server.offer(&clara, "Soap", "4").await;
    assert_eq!(
        names(&server.list(&format!("/goats/{heidi}/catalog")).await),
        ["soap"]
    );
    assert_eq!(
        names(&server.list(&format!("/goats/{clara}/catalog")).await),
        ["Soap"]
    );
}

#[tokio::test]
async fn a_price_is_served_as_it_was_given() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    let longest = format!("{}.{}", "9".repeat(100), "9".repeat(100));
    for (given, served) in [
        ("0", "0"),
        ("0.1", "0.1"),
        ("19.90", "19.90"),
        ("1e2", "100"),
        ("1E-2", "0.01"),
        ("9007199254740993.01", "9007199254740993.01"),
        (&longest, &longest),
    ] {
        server.offer(&goat, "milk", given).await;
        let answer = server.get(&format!("/goats/{goat}/catalog")).await;
        let price = format!(r#""price":{served}}}"#);
        assert!(answer.body.contains(&price), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_faulty_item_is_refused_by_field() {
    let server = Server::start().await;
    let goat = server.goat("Heidi").await;
    let path = format!("/goats/{goat}/catalog");
    for (body, place) in [
        (r#"{"description":"","price":1}"#, "name is missing"),
        (r#"{"name":"milk","price":1}"#, "description is missing"),
        (r#"{"name":"milk","description":""}"#, "price is missing"),
        (
            r#"{"name":"","description":"","price":1}"#,
            "name must be text of at least 1",
        ),
        (
            r#"{"name":"milk","description":0,"price":1}"#,
            "description must be text, got 0",
        ),
        (
            r#"{"name":"milk","description":"","price":"1"}"#,
            "price must be a number, got the text",
        ),
        (
            r#"{"name":"milk","description":"","price":-0.01}"#,
            "price must be at least 0, got -0.01",
        ),
        (
            r#"{"name":"milk","description":"","price":1e100}"#,
            "price must be a number of at most",
        ),
        (
            r#"{"name":"milk","description":"","price":1e999999999}"#,
            "price must be a number of",
        ),
        (
            r#"{"name":"milk","description":"","price":1e-999999999}"#,
            "price must be a number of",
        ),
        (
            r#"{"name":"milk","description":"","price":NaN}"#,
            "the body is not well-formed JSON",
        ),
    ] {
        let message = server.post(&path, body).await.refusal(400);
        assert!(message.starts_with(place), "{body}: {message}");
    }
    assert!(server.list(&path).await.is_empty());
}

#[tokio::test]
async fn an_unknown_goat_has_no_catalog() {
    let server = Server::start().await;
    let item = json!({"name": "milk", "description": "", "price": 1}).to_string();
    for id in [NO_GOAT, "heidi", "%FF", "%00", "80000000000000000000000000"] {
        let path = format!("/goats/{id}/catalog");
        let message = server.get(&path).await.refusal(404);
        assert!(message.starts_with("there is no goat"), "{message}");
        let message = server.post(&path, item.clone()).await.refusal(404);
        assert!(message.starts_with("there is no goat"), "{message}");
    }
}
