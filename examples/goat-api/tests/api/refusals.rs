//! What every route refuses, and how.

use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use serde_json::json;

use super::support::{Answer, Server};

fn goat() -> String {
    json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"}).to_string()
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let server = Server::start().await;
    let nested = format!(
        r#"{{"name":{}{}}}"#,
        "[".repeat(500_000),
        "]".repeat(500_000)
    );
    let heidi = server.goat("Heidi").await;
    for path in ["/goats", &format!("/goats/{heidi}/catalog"), "/orders"] {
        for (body, problem) in [
            (&b""[..], "the body is empty"),
            (b"  \r\n", "the body is empty"),
            (b"{", "the body is not well-formed JSON: EOF while parsing"),
            (b"{\"name\": nope}", "the body is not well-formed JSON"),
            (
                b"{} {}",
                "the body is not well-formed JSON: trailing characters",
            ),
            (b"{\"name\": \"\xff\"}", "the body is not UTF-8 text"),
            (
                b"{\"name\": \"a\0b\"}",
                "the body is not well-formed JSON: control character",
            ),
            (b"[]", "the body must be a JSON object, got an array"),
            (
                b"\"goat\"",
                "the body must be a JSON object, got the text \"goat\"",
            ),
            (b"null", "the body must be a JSON object, got null"),
            (
                nested.as_bytes(),
                "the body is nested more than 128 levels deep",
            ),
        ] {
            let message = server.post(path, body.to_vec()).await.refusal(400);
            assert!(message.starts_with(problem), "{path}: {message}");
        }
    }
}

#[tokio::test]
async fn a_body_of_another_content_type_is_refused() {
    let server = Server::start().await;
    let post = || server.request(Method::POST, "/goats").body(goat());
    let message = Answer::to(post()).await.refusal(400);
    assert_eq!(
        message,
        "the content type is missing, it must be application/json"
    );
    for value in [
        &b"text/plain"[..],
        b"application/x-www-form-urlencoded",
        b"",
        b"\xff",
    ] {
        let value = HeaderValue::from_bytes(value).unwrap();
        let message = Answer::to(post().header(CONTENT_TYPE, value))
            .await
            .refusal(400);
        assert!(
            message.starts_with("the content type must be application/json, got"),
            "{message}"
        );
    }
    assert!(server.list("/goats").await.is_empty());
}

#[tokio::test]
async fn every_json_content_type_is_accepted() {
    let server = Server::start().await;
    for value in [
        "application/json; charset=utf-8",
        "application/vnd.goat+json",
        "APPLICATION/JSON",
    ] {
        let request = server
            .request(Method::POST, "/goats")
            .header(CONTENT_TYPE, value);
        assert_eq!(
            Answer::to(request.body(goat())).await.status,
            201,
            "{value}"
        );
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let server = Server::start().await;
    for path in ["/goat", "/goats/", "/goats/1", "/orders/1/items", "/%FF"] {
        let message = server.get(path).await.refusal(404);
        assert!(message.starts_with("there is no path"), "{path}: {message}");
    }
}

#[tokio::test]
async fn another_method_is_not_allowed_and_the_allowed_ones_are_named() {
    let server = Server::start().await;
    for (path, allowed) in [
        ("/goats", "GET,HEAD,POST"),
        ("/goats/1/catalog", "GET,HEAD,POST"),
        ("/orders", "GET,HEAD,POST"),
        ("/orders/1", "GET,HEAD"),
    ] {
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = Answer::to(server.request(method.clone(), path)).await;
            let message = answer.refusal(405);
            assert!(message.starts_with(method.as_str()), "{message}");
            assert_eq!(answer.headers[ALLOW], allowed);
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large() {
    let server = Server::start().await;
    for path in [
        "/goats",
        "/goats/01ARZ3NDEKTSV4RRFFQ69G5FAV/catalog",
        "/orders",
    ] {
        let message = server
            .post(path, vec![b' '; 2 * 1024 * 1024 + 1])
            .await
            .refusal(413);
        assert_eq!(message, "the body is larger than 2097152 bytes");
        let message = server
            .post(path, vec![b' '; 2 * 1024 * 1024])
            .await
            .refusal(400);
        assert!(message.starts_with("the body is empty"), "{message}");
    }
}
