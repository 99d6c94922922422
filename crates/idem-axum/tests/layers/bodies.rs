//! Layers that limit bodies, and layers that pack and unpack them.

use axum::extract::DefaultBodyLimit;
use futures_util::{Stream, StreamExt, stream};
use idem_core::Policy;
use idem_http_tests::{
    StoreCalls,
    layers::{self, PACKED_GOAT, RAISED},
    send,
};
use tower_http::{
    compression::CompressionLayer, decompression::RequestDecompressionLayer,
    limit::RequestBodyLimitLayer,
};

use crate::{goats, idempotency, orders, serve};

fn chunks(number: usize, length: usize) -> impl Stream<Item = std::io::Result<String>> {
    stream::iter(0..number).map(move |_| Ok("x".repeat(length)))
}

#[tokio::test]
async fn a_default_body_limit_stands_anywhere_and_does_not_raise_the_policys_limit() {
    let limit = || DefaultBodyLimit::max(RAISED);
    let low = || idempotency(Policy::reference());
    let raised = || idempotency(Policy::reference().max_request_bytes(RAISED));
    let both = orders(
        |effects| goats(effects).layer(raised()).layer(limit()),
        |effects| goats(effects).layer(limit()).layer(raised()),
    );
    let alone = serve(|effects| goats(effects).layer(low()).layer(limit()));
    layers::a_raised_limit(both.await, alone.await).await;
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

#[tokio::test]
async fn compression_outside_packs_a_replay_as_its_own_client_asks() {
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| goats(effects).layer(layer()).layer(CompressionLayer::new()),
        |effects| goats(effects).layer(CompressionLayer::new()).layer(layer()),
    );
    layers::compression(servers.await).await;
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
