//! What a browser on another site needs, and headers that every answer has.

use actix_cors::Cors;
use actix_web::{App, middleware::DefaultHeaders};
use idem_core::Policy;
use idem_http_tests::{Answer, Server, send};

use crate::{goats, idempotency};

const SHOP: &str = "https://shop.example";
const APP: &str = "https://app.example";

fn cors() -> Cors {
    Cors::default()
        .allowed_origin(SHOP)
        .allowed_origin(APP)
        .allowed_methods(["POST"])
        .allowed_headers(["content-type", "idempotency-key"])
        .expose_headers(["idempotency-refusal", "idempotency-replayed", "retry-after"])
}

// S97
#[tokio::test]
async fn cors_outside_lets_a_browser_read_refusals_and_replays() {
    let buy = async |server: &Server, origin: &str, body: &'static str| -> Answer {
        send(server.post("/goats", "k", body).header("origin", origin)).await
    };
    let layer = idempotency(Policy::reference());
    let right = serve!(App::new().wrap(layer.clone()).wrap(cors()).service(goats()));
    let layer = idempotency(Policy::reference());
    let wrong = serve!(App::new().wrap(cors()).wrap(layer.clone()).service(goats()));
    // Without the header a script sees a network error, whatever the answer was.
    for (server, to_replay, to_refusal) in
        [(&right, Some(APP), Some(APP)), (&wrong, Some(SHOP), None)]
    {
        let original = buy(server, SHOP, "{}").await;
        assert_eq!(original.header("access-control-allow-origin"), Some(SHOP));
        let replay = buy(server, APP, "{}").await;
        assert!(replay.is_replay());
        assert_eq!(replay.header("access-control-allow-origin"), to_replay);
        let refusal = buy(server, APP, "[]").await;
        assert_eq!(refusal.status, 400);
        assert_eq!(refusal.header("access-control-allow-origin"), to_refusal);
    }
    let exposed = buy(&right, SHOP, "{}").await;
    let exposed = exposed.header("access-control-expose-headers").unwrap();
    for name in ["idempotency-refusal", "idempotency-replayed", "retry-after"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}

#[tokio::test]
async fn default_headers_outside_are_on_refusals_too() {
    let headers = || DefaultHeaders::new().add(("x-frame-options", "DENY"));
    let layer = idempotency(Policy::reference());
    let right = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(headers())
            .service(goats())
    );
    let layer = idempotency(Policy::reference());
    let wrong = serve!(
        App::new()
            .wrap(headers())
            .wrap(layer.clone())
            .service(goats())
    );
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
