//! What a browser on another site needs, and headers that every answer has.

use axum::http::{HeaderName, HeaderValue, Method, header};
use idem_core::Policy;
use idem_http_tests::send;
use tower_http::{
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

use crate::{goats, idempotency, orders};

const SHOP: &str = "https://shop.example";
const APP: &str = "https://app.example";

fn cors() -> CorsLayer {
    let key = HeaderName::from_static("idempotency-key");
    let origins = [SHOP, APP].map(HeaderValue::from_static);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::POST])
        .allow_headers([header::CONTENT_TYPE, key])
        .expose_headers([
            HeaderName::from_static("idempotency-refusal"),
            HeaderName::from_static("idempotency-replayed"),
            header::RETRY_AFTER,
        ])
}

// S97
#[tokio::test]
async fn cors_outside_lets_a_browser_read_refusals_and_replays() {
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| goats(effects).layer(layer()).layer(cors()),
        |effects| goats(effects).layer(cors()).layer(layer()),
    )
    .await;
    // Without the header a script sees a network error, whatever the answer was.
    for (server, to_replay, to_refusal) in [
        (&servers[0], Some(APP), Some(APP)),
        (&servers[1], Some(SHOP), None),
    ] {
        let buy = |origin, body: &'static str| {
            send(server.post("/goats", "k", body).header("origin", origin))
        };
        let original = buy(SHOP, "{}").await;
        assert_eq!(original.header("access-control-allow-origin"), Some(SHOP));
        let replay = buy(APP, "{}").await;
        assert!(replay.is_replay());
        assert_eq!(replay.header("access-control-allow-origin"), to_replay);
        let refusal = buy(APP, "[]").await;
        assert_eq!(refusal.status, 400);
        assert_eq!(refusal.header("access-control-allow-origin"), to_refusal);
    }
    let exposed = send(servers[0].post("/goats", "k", "{}").header("origin", SHOP)).await;
    let exposed = exposed.header("access-control-expose-headers").unwrap();
    assert_eq!(
        exposed,
        "idempotency-refusal,idempotency-replayed,retry-after"
    );
}

#[tokio::test]
async fn response_headers_outside_are_on_refusals_too() {
    let deny = || {
        let value = HeaderValue::from_static("DENY");
        SetResponseHeaderLayer::if_not_present(header::X_FRAME_OPTIONS, value)
    };
    let layer = || idempotency(Policy::reference());
    let [right, wrong] = orders(
        |effects| goats(effects).layer(layer()).layer(deny()),
        |effects| goats(effects).layer(deny()).layer(layer()),
    )
    .await;
    for (server, on_refusal) in [(right, Some("DENY")), (wrong, None)] {
        for _ in 0..2 {
            let answer = send(server.post("/goats", "k", "{}")).await;
            assert_eq!(answer.values("x-frame-options"), [b"DENY"]);
        }
        let refusal = send(server.post("/goats", "k", "[]")).await;
        assert_eq!(refusal.status, 400);
        assert_eq!(refusal.header("x-frame-options"), on_refusal);
    }
}
