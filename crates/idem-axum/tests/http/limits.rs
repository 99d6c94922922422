//! What is too large, and a store that is full.

use futures_util::{Stream, StreamExt, stream};
use idem_core::{Policy, store::MockIdempotencyStore};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    support::{Layer, Server, send},
    vanished::NEVER,
};

#[tokio::test]
async fn a_request_over_the_limit_is_refused_and_asks_no_store() {
    let layer = Layer::new(MockIdempotencyStore::new());
    let server =
        Server::with_layer(layer.policy(Policy::reference().max_request_bytes(1_000))).await;
    let with_length = server.post("/orders", "k", "x".repeat(1_001));
    let chunked = server.post("/orders", "k", reqwest::Body::wrap_stream(chunks(3, 400)));
    for request in [with_length, chunked] {
        let answer = send(request).await;
        assert_eq!(answer.status, 413);
        assert_eq!(
            answer.header("idempotency-refusal"),
            Some("payload-too-large")
        );
        assert!(
            answer.text().contains("at most 1000 bytes"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(server.effects.runs(), 0);
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_large_is_not_waited_for() {
    let server = Server::start(Policy::reference().max_request_bytes(1_000)).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /orders HTTP/1.1\r\nhost: goats\r\nidempotency-key: k\r\n\
                content-length: 1001\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    let answered = timeout(NEVER, client.read_exact(&mut status)).await;
    answered
        .expect("it is answered before the body comes")
        .unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_request_of_just_the_limit_runs_chunked_or_not() {
    let server = Server::start(Policy::reference().max_request_bytes(1_000)).await;
    let chunked = server.post("/orders", "k", reqwest::Body::wrap_stream(chunks(2, 500)));
    assert_eq!(send(chunked).await.status, 201);
    assert!(
        send(server.post("/orders", "k", "x".repeat(1_000)))
            .await
            .is_replay()
    );
}

/// A server that keeps responses of up to 1,000 bytes.
async fn server() -> Server {
    Server::start(Policy::reference().max_response_bytes(1_000)).await
}

fn chunks(number: usize, length: usize) -> impl Stream<Item = std::io::Result<String>> {
    stream::iter(0..number).map(move |_| Ok("x".repeat(length)))
}

#[tokio::test]
async fn what_is_not_kept_reaches_its_client_whole_and_never_runs_again() {
    for (path, length) in [("/large", 3_000), ("/unknown", 3_000), ("/events", 200)] {
        let server = server().await;
        let original = send(server.post(path, "k", "{}")).await;
        assert_eq!(
            (original.status, original.body.len()),
            (200, length),
            "{path}"
        );
        let retry = send(server.post(path, "k", "{}")).await;
        assert_eq!(retry.status, 409, "{path}");
        assert_eq!(
            retry.header("idempotency-refusal"),
            Some("idempotency-response-not-kept")
        );
        assert_eq!(server.effects.runs(), 1);
    }
}

#[tokio::test]
async fn a_response_whose_body_breaks_off_breaks_off_for_its_client_and_is_not_run_again() {
    let server = server().await;
    let broken = async {
        let response = server.post("/breaks", "k", "{}").send().await?;
        response.bytes().await
    };
    assert!(broken.await.is_err(), "the server could not send it whole");
    assert_eq!(send(server.post("/breaks", "k", "{}")).await.status, 409);
    assert_eq!(server.effects.runs(), 1);
}

#[tokio::test]
async fn a_short_body_of_unknown_length_is_kept() {
    let server = server().await;
    let original = send(server.post("/small", "k", "{}")).await;
    let replay = send(server.post("/small", "k", "{}")).await;
    assert!(replay.is_replay());
    assert_eq!(replay.body, original.body);
}
