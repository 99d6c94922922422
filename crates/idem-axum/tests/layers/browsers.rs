//! What a browser on another site needs, and headers that every answer has.

use axum::http::{HeaderName, HeaderValue, Method, header};
use idem_core::Policy;
use idem_http_tests::layers;
use tower_http::{
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

use crate::{goats, idempotency, orders};

fn cors() -> CorsLayer {
    let key = HeaderName::from_static("idempotency-key");
    let origins = layers::SITES.map(HeaderValue::from_static);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::POST])
        .allow_headers([header::CONTENT_TYPE, key])
        .expose_headers(layers::EXPOSED.map(HeaderName::from_static))
}

// S97
#[tokio::test]
async fn cors_outside_lets_a_browser_read_refusals_and_replays() {
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| goats(effects).layer(layer()).layer(cors()),
        |effects| goats(effects).layer(cors()).layer(layer()),
    );
    layers::cors(servers.await).await;
}

#[tokio::test]
async fn response_headers_outside_are_on_refusals_too() {
    let deny = || {
        let value = HeaderValue::from_static("DENY");
        SetResponseHeaderLayer::if_not_present(header::X_FRAME_OPTIONS, value)
    };
    let layer = || idempotency(Policy::reference());
    let servers = orders(
        |effects| goats(effects).layer(layer()).layer(deny()),
        |effects| goats(effects).layer(deny()).layer(layer()),
    );
    layers::a_header_on_every_answer(servers.await).await;
}
