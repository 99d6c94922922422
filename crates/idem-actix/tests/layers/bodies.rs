//! Bodies: how large they may be, and packed ones.

use actix_web::{App, middleware::Compress, web};
use idem_core::Policy;
use idem_http_tests::{Answer, Server, send};

use crate::{goats, idempotency};

/// `{"item":"goat"}`, as gzip has it.
const PACKED_GOAT: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca, 0x2c, 0x49, 0xcd,
    0x55, 0xb2, 0x52, 0x4a, 0xcf, 0x4f, 0x2c, 0x51, 0xaa, 0x05, 0x00, 0x57, 0x15, 0x1e, 0x3f, 0x0f,
    0x00, 0x00, 0x00,
];

/// Buys with a key, and says what the client can read.
async fn buy(server: &Server, accepted: &str) -> Answer {
    let request = server.post("/goats", "k", "{}");
    send(request.header("accept-encoding", accepted)).await
}

#[tokio::test]
async fn compress_outside_packs_a_replay_as_its_own_client_asks() {
    let layer = idempotency(Policy::reference());
    let right = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(Compress::default())
            .service(goats())
    );
    let original = buy(&right, "gzip").await;
    assert_eq!(original.header("content-encoding"), Some("gzip"));
    let replay = buy(&right, "identity").await;
    assert!(replay.is_replay());
    assert_eq!(replay.header("content-encoding"), None);
    assert!(replay.text().starts_with("order 1"), "{}", replay.text());

    let layer = idempotency(Policy::reference());
    let wrong = serve!(
        App::new()
            .wrap(Compress::default())
            .wrap(layer.clone())
            .service(goats())
    );
    buy(&wrong, "gzip").await;
    let replay = buy(&wrong, "identity").await;
    assert!(replay.is_replay());
    // This client cannot read what it is sent.
    assert_eq!(replay.header("content-encoding"), Some("gzip"));
    assert!(!replay.text().starts_with("order 1"));
}

#[tokio::test]
async fn a_packed_upload_is_compared_as_it_came_and_unpacked_for_the_handler() {
    let layer = idempotency(Policy::reference());
    let echo = async |body: String| body;
    let echo = move || web::resource("/goats").route(web::post().to(echo));
    let server = serve!(App::new().wrap(layer.clone()).service(echo()));
    let packed = || {
        let request = server.post("/goats", "k", PACKED_GOAT);
        request.header("content-encoding", "gzip")
    };
    let plain = r#"{"item":"goat"}"#;
    assert_eq!(send(packed()).await.text(), plain);
    assert!(send(packed()).await.is_replay());
    let refused = send(server.post("/goats", "k", plain)).await;
    let code = refused.header("idempotency-refusal");
    assert_eq!(code, Some("idempotency-key-reused"));
}

#[tokio::test]
async fn a_payload_config_does_not_raise_the_policys_limit() {
    const RAISED: usize = 3 * 1024 * 1024;
    let upload = || "x".repeat(RAISED - 1);
    let config = || web::PayloadConfig::new(RAISED);

    let layer = idempotency(Policy::reference().max_request_bytes(RAISED));
    let app = move || App::new().app_data(config()).wrap(layer.clone());
    let right = serve!(app().service(goats()));
    assert_eq!(send(right.post("/goats", "k", upload())).await.status, 200);
    let over = "x".repeat(RAISED + 1);
    assert_eq!(send(right.post("/goats", "l", over)).await.status, 413);

    let layer = idempotency(Policy::reference());
    let app = move || App::new().app_data(config()).wrap(layer.clone());
    let wrong = serve!(app().service(goats()));
    let refused = send(wrong.post("/goats", "k", upload())).await;
    let code = refused.header("idempotency-refusal");
    assert_eq!((refused.status, code), (413, Some("payload-too-large")));
    let without_key = wrong.request(reqwest::Method::POST, "/goats");
    assert_eq!(send(without_key.body(upload())).await.status, 200);
}
