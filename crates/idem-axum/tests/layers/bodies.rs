//! Layers that limit bodies, and layers that pack and unpack them.

use axum::extract::DefaultBodyLimit;
use futures_util::{Stream, StreamExt, stream};
use idem_core::Policy;
use idem_http_tests::{Answer, Server, StoreCalls, send};
use tower_http::{
    compression::CompressionLayer, decompression::RequestDecompressionLayer,
    limit::RequestBodyLimitLayer,
};

use crate::{goats, idempotency, orders, serve};

/// `{"item":"goat"}`, as gzip has it.
const PACKED_GOAT: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca, 0x2c, 0x49, 0xcd,
    0x55, 0xb2, 0x52, 0x4a, 0xcf, 0x4f, 0x2c, 0x51, 0xaa, 0x05, 0x00, 0x57, 0x15, 0x1e, 0x3f, 0x0f,
    0x00, 0x00, 0x00,
];

fn chunks(number: usize, length: usize) -> impl Stream<Item = std::io::Result<String>> {
    stream::iter(0..number).map(move |_| Ok("x".repeat(length)))
}

#[tokio::test]
async fn a_default_body_limit_stands_anywhere_and_does_not_raise_the_policys_limit() {
    const RAISED: usize = 3 * 1024 * 1024;
    let upload = || "x".repeat(RAISED - 1);
    let limit = || DefaultBodyLimit::max(RAISED);
    let low = || idempotency(Policy::reference());
    let raised = || idempotency(Policy::reference().max_request_bytes(RAISED));

    let [outside, inside] = orders(
        |effects| goats(effects).layer(raised()).layer(limit()),
        |effects| goats(effects).layer(limit()).layer(raised()),
    )
    .await;
    for server in [outside, inside] {
        assert_eq!(send(server.post("/goats", "k", upload())).await.status, 200);
        let over = send(server.post("/goats", "l", "x".repeat(RAISED + 1))).await;
        assert_eq!(over.status, 413);
    }

    let server = serve(|effects| goats(effects).layer(low()).layer(limit())).await;
    let refused = send(server.post("/goats", "k", upload())).await;
    assert_eq!(refused.status, 413);
    let code = refused.header("idempotency-refusal");
    assert_eq!(code, Some("payload-too-large"));
    let without_key = server.request(reqwest::Method::POST, "/goats");
    assert_eq!(send(without_key.body(upload())).await.status, 200);
}

// S48
#[tokio::test]
async fn a_request_body_limit_outside_refuses_uploads_before_the_store_is_asked() {
    let calls = [StoreCalls::default(), StoreCalls::default()];
    let layer = |calls: &StoreCalls| idempotency(Policy::reference().observer(calls.clone()));
    let limit = || RequestBodyLimitLayer::new(1_000);
    let servers = orders(
        |effects| goats(effects).layer(layer(&calls[0])).layer(limit()),
        |effects| goats(effects).layer(limit()).layer(layer(&calls[1])),
    )
    .await;
    for (server, calls, asked) in [(&servers[0], &calls[0], 0), (&servers[1], &calls[1], 4)] {
        let announced = server.post("/goats", "k", "x".repeat(1_001));
        let chunked = server.post("/goats", "l", reqwest::Body::wrap_stream(chunks(3, 400)));
        for upload in [announced, chunked] {
            assert_eq!(send(upload).await.status, 413);
        }
        // Inside, each refused upload has claimed its key and given it back.
        assert_eq!(calls.count(), asked);
        assert_eq!(server.effects.runs(), 0);
    }
}

/// Buys with a key, and says what the client can read.
async fn buy(server: &Server, accepted: &str) -> Answer {
    let request = server.post("/goats", "k", "{}");
    send(request.header("accept-encoding", accepted)).await
}

#[tokio::test]
async fn compression_outside_packs_a_replay_as_its_own_client_asks() {
    let layer = || idempotency(Policy::reference());
    let [right, wrong] = orders(
        |effects| goats(effects).layer(layer()).layer(CompressionLayer::new()),
        |effects| goats(effects).layer(CompressionLayer::new()).layer(layer()),
    )
    .await;

    let original = buy(&right, "gzip").await;
    assert_eq!(original.header("content-encoding"), Some("gzip"));
    let replay = buy(&right, "identity").await;
    assert!(replay.is_replay());
    assert_eq!(replay.header("content-encoding"), None);
    assert!(replay.text().starts_with("order 1"), "{}", replay.text());

    buy(&wrong, "gzip").await;
    let replay = buy(&wrong, "identity").await;
    assert!(replay.is_replay());
    // This client cannot read what it is sent.
    assert_eq!(replay.header("content-encoding"), Some("gzip"));
    assert!(!replay.text().starts_with("order 1"));
}

#[tokio::test]
async fn decompression_outside_compares_what_was_packed() {
    let layer = || idempotency(Policy::reference());
    let unpacking = RequestDecompressionLayer::new;
    let [right, wrong] = orders(
        |effects| goats(effects).layer(layer()).layer(unpacking()),
        |effects| goats(effects).layer(unpacking()).layer(layer()),
    )
    .await;
    for server in [&right, &wrong] {
        let packed = server.post("/goats", "k", PACKED_GOAT);
        let original = send(packed.header("content-encoding", "gzip")).await;
        assert_eq!(original.status, 200);
    }
    let same = r#"{ "item": "goat" }"#;
    assert!(send(right.post("/goats", "k", same)).await.is_replay());
    let refused = send(wrong.post("/goats", "k", same)).await;
    assert_eq!(
        refused.header("idempotency-refusal"),
        Some("idempotency-key-reused")
    );
}
