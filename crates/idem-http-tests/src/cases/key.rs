//! The header.

use idem_core::{KeyFormat, KeyRequirement, KeySyntax, Policy, store::MockIdempotencyStore};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Adapter, Server, send};

pub async fn without_a_key_the_handler_runs_each_time<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    for run in 1..=2 {
        let answer = send(server.request(Method::POST, "/orders").body("{}")).await;
        assert_eq!(
            (answer.status, answer.text()),
            (201, format!("{{\"id\":{run}}}"))
        );
    }
}

pub async fn a_required_key_that_is_missing_is_refused<A: Adapter>() {
    let required = Policy::reference().key_requirement(KeyRequirement::Required);
    for policy in [required, Policy::ietf()] {
        let server = Server::start::<A>(policy.clone()).await;
        let answer = send(server.request(Method::POST, "/orders").body("{}")).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer
                .text()
                .contains("requires the header `idempotency-key`"),
            "{}",
            answer.text()
        );
        assert_eq!(
            answer.header("idempotency-refusal"),
            Some("idempotency-key-missing")
        );
        assert_eq!(server.effects.runs(), 0);
        let is_ietf = policy.profile() == idem_core::Profile::Ietf;
        let link = answer
            .header("link")
            .is_some_and(|link| link.contains("rel=\"describedby\""));
        assert_eq!(link, is_ietf);
    }
}

pub async fn a_key_that_is_no_key_is_refused<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    for key in [
        "",
        " ",
        "\t ",
        "\"\"",
        "\"k",
        "\"k\"junk",
        "\"k\" \"l\"",
        r#""k\x""#,
        "a, b",
        "a,b",
        "a\"b",
        "a\\b",
    ] {
        let answer = send(server.post("/orders", key, "{}")).await;
        assert_eq!(answer.status, 400, "{key:?}");
        assert_eq!(
            answer.header("idempotency-refusal"),
            Some("idempotency-key-invalid"),
            "{key:?}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!(server.effects.runs(), 0);
}

pub async fn quoted_and_bare_are_one_key<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    let quoted = send(server.post("/orders", "\"k\"", "{}")).await;
    let bare = send(server.post("/orders", "k", "{}")).await;
    assert!(!quoted.is_replay() && bare.is_replay());
    assert_eq!(quoted.comparable(), bare.comparable());

    let escaped = send(server.post("/orders", r#""a\"b\\c""#, "{}")).await;
    assert_eq!(escaped.text(), "{\"id\":2}");
}

pub async fn a_strict_server_wants_quotes<A: Adapter>() {
    let format = KeyFormat::default().syntax(KeySyntax::Strict);
    let server = Server::start::<A>(Policy::reference().key_format(format)).await;
    assert_eq!(send(server.post("/orders", "k", "{}")).await.status, 400);
    assert_eq!(
        send(server.post("/orders", "\"k\"", "{}")).await.status,
        201
    );
}

pub async fn two_header_lines_are_refused_same_or_not<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    for second in ["k", "l"] {
        let request = server
            .post("/orders", "k", "{}")
            .header("idempotency-key", second);
        assert_eq!(send(request).await.status, 400);
    }
    assert_eq!(server.effects.runs(), 0);
}

pub async fn bytes_that_belong_in_no_key_are_refused<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    for key in [
        b"k\xc3\xa9y".as_slice(),
        b"k\x00y",
        b"k\ry",
        b"k\ny",
        b"k\x01y",
        b"k\x7fy",
        b"\"k\xffy\"",
    ] {
        let status = raw_status(&server, key).await;
        assert_eq!(status, "400", "{:?}", String::from_utf8_lossy(key));
    }
    assert_eq!(server.effects.runs(), 0);
}

/// Sends bytes that no client library would, and reads the answer's status.
async fn raw_status(server: &Server, key: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = [
        b"POST /orders HTTP/1.1\r\nhost: goats\r\nidempotency-key: ".as_slice(),
        key,
    ];
    let rest = b"\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".as_slice();
    stream
        .write_all(&[&head.concat(), rest].concat())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

pub async fn a_key_has_255_bytes_at_most_and_a_longer_one_asks_no_store<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    assert_eq!(
        send(server.post("/orders", &"k".repeat(255), "{}"))
            .await
            .status,
        201
    );

    // A mock without expectations panics when it is called.
    let server = Server::with_layer(A::new(MockIdempotencyStore::new(), Policy::reference())).await;
    for length in [256, 10 * 1024] {
        let answer = send(server.post("/orders", &"k".repeat(length), "{}")).await;
        assert_eq!(answer.status, 400, "{length} bytes");
        assert!(answer.text().contains("at most 255"), "{}", answer.text());
    }
    assert_eq!(server.effects.runs(), 0);
}

pub async fn keys_that_differ_in_case_are_two<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference()).await;
    for (run, key) in ["abc", "ABC"].into_iter().enumerate() {
        let answer = send(server.post("/orders", key, "{}")).await;
        assert_eq!(answer.text(), format!("{{\"id\":{}}}", run + 1));
    }
}

pub async fn another_header_may_carry_the_key<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference().header("X-Request-Key")).await;
    for replayed in [false, true] {
        let request = server
            .request(Method::POST, "/orders")
            .header("x-request-key", "k")
            .body("{}");
        assert_eq!(send(request).await.is_replay(), replayed);
    }
}

// S92
pub async fn names_in_another_case_and_with_white_space_protect_all_the_same<A: Adapter>() {
    let policy = Policy::ietf().methods(["post"]).header("Idempotency-Key ");
    let server = Server::start::<A>(policy).await;
    for replayed in [false, true] {
        let answer = send(server.post("/orders", "k", "{}")).await;
        assert_eq!((answer.status, answer.is_replay()), (201, replayed));
    }
    let without_key = server.request(Method::POST, "/orders").body("{}");
    assert_eq!(send(without_key).await.status, 400);
    assert_eq!(server.effects.runs(), 1);
}
