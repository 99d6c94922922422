//! What a browser on another site needs, and headers that every answer has.

use actix_cors::Cors;
use actix_web::middleware::DefaultHeaders;
use idem_core::Policy;
use idem_http_tests::layers;

use crate::goats;

fn cors() -> Cors {
    let [shop, app] = layers::SITES;
    Cors::default()
        .allowed_origin(shop)
        .allowed_origin(app)
        .allowed_methods(["POST"])
        .allowed_headers(["content-type", "idempotency-key"])
        .expose_headers(layers::EXPOSED)
}

// S97
#[tokio::test]
async fn cors_outside_lets_a_browser_read_refusals_and_replays() {
    layers::cors(orders!(Policy::reference(), cors(), goats())).await;
}

#[tokio::test]
async fn default_headers_outside_are_on_refusals_too() {
    let headers = || DefaultHeaders::new().add(("x-frame-options", "DENY"));
    let servers = orders!(Policy::reference(), headers(), goats());
    layers::a_header_on_every_answer(servers).await;
}
