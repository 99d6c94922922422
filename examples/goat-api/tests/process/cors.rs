//! Pages of other origins: what a browser lets them send and see.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Client, Method, Response};

use crate::operator::{Held, heidi, of, order_of, post, post_later, scrape, until};
use crate::program::{Program, command, ended, goat_with_milk, in_memory};

const SHOP: &str = "https://shop.example";
const OTHER: &str = "http://localhost:5173";

fn start(database: &Path, origins: &[&str]) -> Program {
    let mut command = command("127.0.0.1:0", database);
    for origin in origins {
        command.args(["--cors-origin", origin]);
    }
    Program::spawn(&mut command)
}

/// The names in a list that a header has.
fn list(headers: &HeaderMap, name: &str) -> BTreeSet<String> {
    let lines = headers.get_all(name).into_iter();
    let names = lines.flat_map(|line| line.to_str().unwrap().split(','));
    names.map(|name| name.trim().to_lowercase()).collect()
}

fn allowed(answer: &Response) -> Option<&str> {
    let origin = answer.headers().get("access-control-allow-origin")?;
    Some(origin.to_str().unwrap())
}

/// Asserts that a page of this origin sees each header that the answer has for it.
fn assert_seen(answer: &Response, origin: &str) {
    assert_eq!(allowed(answer), Some(origin));
    let headers = answer.headers();
    let exposed = list(headers, "access-control-expose-headers");
    for name in [
        "idempotency-refusal",
        "idempotency-replayed",
        "retry-after",
        "location",
        "link",
        "x-request-id",
    ] {
        assert!(exposed.contains(name), "{name} is not in {exposed:?}");
    }
    // Those that a page sees anyway, or that are the browser's.
    let known = [
        "connection",
        "content-type",
        "content-length",
        "cache-control",
        "date",
        "vary",
    ];
    for name in headers.keys().map(HeaderName::as_str) {
        let seen = exposed.contains(name) || known.contains(&name);
        assert!(
            seen || name.starts_with("access-control-"),
            "{name} is hidden"
        );
    }
    assert!(list(headers, "vary").contains("origin"));
    assert!(!headers.contains_key("access-control-allow-credentials"));
}

async fn preflight(program: &Program, path: &str, origin: &str) -> Response {
    Client::new()
        .request(Method::OPTIONS, format!("{}{path}", program.base))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,idempotency-key",
        )
        .send()
        .await
        .unwrap()
}

// S97
#[tokio::test]
async fn a_page_of_an_origin_that_is_let_in_sends_a_key_and_sees_the_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let mut command = in_memory(&database);
    let program = Program::spawn(command.args(["--cors-origin", SHOP, "--cors-origin", OTHER]));
    let answer = preflight(&program, "/orders", SHOP).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(allowed(&answer), Some(SHOP));
    let headers = list(answer.headers(), "access-control-allow-headers");
    for name in [
        "authorization",
        "content-type",
        "idempotency-key",
        "x-request-id",
    ] {
        assert!(headers.contains(name), "{headers:?}");
    }
    assert!(list(answer.headers(), "access-control-allow-methods").contains("post"));

    let goat = goat_with_milk(&program).await;
    let milk = order_of(&goat, "Milk");
    let send = |origin, key| {
        let headers = [("origin", origin), ("idempotency-key", key)];
        let (program, milk) = (&program, &milk);
        async move { post(program, "/orders", &headers, milk).await }
    };
    let held = Held::hold(&database).await;
    let headers = [("origin", SHOP), ("idempotency-key", "k")];
    let original = post_later(&program, "/orders", &headers, &milk);
    until(
        &program,
        r#"idempotency_requests_total{outcome="execute"}"#,
        1.0,
    )
    .await;
    let told = send(SHOP, "k").await;
    assert_eq!(told.status(), 202);
    assert_eq!(
        told.headers()["idempotency-refusal"],
        "idempotency-in-progress"
    );
    assert!(told.headers().contains_key("retry-after"));
    assert_seen(&told, SHOP);
    held.let_go().await;
    assert_eq!(original.await.unwrap(), 201);
    // A replay says what is right for the origin that asks, and not what the original's had.
    for origin in [OTHER, SHOP] {
        let replay = send(origin, "k").await;
        assert_eq!(replay.headers()["idempotency-replayed"], "true");
        assert_seen(&replay, origin);
    }
    let fresh = send(SHOP, "l").await;
    assert_eq!(fresh.status(), 201);
    assert_seen(&fresh, SHOP);
    let malformed = send(SHOP, "a,b").await;
    assert_eq!(malformed.status(), 400);
    assert_seen(&malformed, SHOP);
    let unknown = post(&program, "/nothing", &[("origin", SHOP)], "{}").await;
    assert_eq!(unknown.status(), 404);
    assert_seen(&unknown, SHOP);
    // What a browser asks before is a request as well.
    let requests = of(&scrape(&program).await, "http_requests_total");
    let asked = requests
        .iter()
        .find(|(labels, _)| labels.contains("OPTIONS"));
    let (labels, one) = asked.unwrap();
    assert!(
        labels.contains("status=\"200\"") && *one == 1.0,
        "{requests:?}"
    );
}

#[tokio::test]
async fn pages_of_other_origins_are_served_and_see_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    for (origins, asks) in [(&[][..], SHOP), (&[OTHER], SHOP), (&[OTHER], "null")] {
        let program = start(&database, origins);
        assert_eq!(allowed(&preflight(&program, "/goats", asks).await), None);
        let headers = [("origin", asks), ("idempotency-key", "k")];
        // The market's own page sends its origin as well.
        let answer = post(&program, "/goats", &headers, &heidi()).await;
        assert_eq!((answer.status().as_u16(), allowed(&answer)), (201, None));
        let answer = post(&program, "/goats", &[("idempotency-key", "k")], &heidi()).await;
        assert_eq!((answer.status().as_u16(), allowed(&answer)), (201, None));
    }
}

#[tokio::test]
async fn all_origins_are_let_in_by_a_star() {
    let directory = tempfile::tempdir().unwrap();
    let program = start(&directory.path().join("goats.db"), &["*"]);
    assert_eq!(
        allowed(&preflight(&program, "/goats", SHOP).await),
        Some("*")
    );
    for origin in [SHOP, OTHER, "null"] {
        let answer = post(&program, "/goats", &[("origin", origin)], &heidi()).await;
        assert_seen(&answer, "*");
    }
}

#[test]
fn what_is_no_origin_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for origins in [
        &["shop.example"][..],
        &["https://shop.example/"],
        &[""],
        &["*", SHOP],
    ] {
        let mut command = command("127.0.0.1:0", &directory.path().join("goats.db"));
        for origin in origins {
            command.args(["--cors-origin", origin]);
        }
        let output = ended(&mut command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("--cors-origin"), "{stderr}");
    }
}
