//! What is too large, and a store that is full.

use idem_core::{Policy, store::MockIdempotencyStore};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{Adapter, NEVER, Server, market::chunks, send};

// S48
pub async fn a_payload_over_the_limit_asks_no_store<A: Adapter>() {
    let policy = Policy::reference().max_request_bytes(1_000);
    let server = Server::with_layer(A::new(MockIdempotencyStore::new(), policy)).await;
    let with_length = server.post("/orders", "k", "x".repeat(1_001));
    let chunked = server.post("/orders", "k", reqwest::Body::wrap_stream(chunks(3, 400)));
    for request in [with_length, chunked] {
        let answer = send(request).await;
        assert_eq!(answer.status, 413);
        let text = answer.text();
        assert!(text.contains("at most 1000 bytes"), "{text}");
    }
    assert_eq!(server.effects.runs(), 0);
}

// S48
pub async fn a_body_that_is_announced_as_too_large_is_not_waited_for<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference().max_request_bytes(1_000)).await;
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

// S48
pub async fn a_request_of_just_the_limit_runs_chunked_or_not<A: Adapter>() {
    let server = Server::start::<A>(Policy::reference().max_request_bytes(1_000)).await;
    let chunked = server.post("/orders", "k", reqwest::Body::wrap_stream(chunks(2, 500)));
    assert_eq!(send(chunked).await.status, 201);
    assert!(
        send(server.post("/orders", "k", "x".repeat(1_000)))
            .await
            .is_replay()
    );
}

/// A server that keeps responses of up to 1,000 bytes.
async fn server<A: Adapter>() -> Server {
    Server::start::<A>(Policy::reference().max_response_bytes(1_000)).await
}

// S47
pub async fn what_is_not_kept_reaches_its_client_whole_and_never_runs_again<A: Adapter>() {
    for (path, length) in [("/large", 3_000), ("/unknown", 3_000), ("/events", 200)] {
        let server = server::<A>().await;
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

// S47
pub async fn a_response_whose_body_breaks_off_breaks_off_for_its_client_and_is_not_run_again<
    A: Adapter,
>() {
    let server = server::<A>().await;
    let broken = async {
        let response = server.post("/breaks", "k", "{}").send().await?;
        response.bytes().await
    };
    assert!(broken.await.is_err(), "the server could not send it whole");
    assert_eq!(send(server.post("/breaks", "k", "{}")).await.status, 409);
    assert_eq!(server.effects.runs(), 1);
}

// S47
pub async fn a_short_body_of_unknown_length_is_kept<A: Adapter>() {
    let server = server::<A>().await;
    let original = send(server.post("/small", "k", "{}")).await;
    let replay = send(server.post("/small", "k", "{}")).await;
    assert!(replay.is_replay());
    assert_eq!(replay.body, original.body);
}
