//! Bodies: how large they may be, and packed ones.

use actix_web::{App, middleware::Compress, web};
use idem_core::Policy;
use idem_http_tests::{
    layers::{self, PACKED_GOAT, RAISED},
    send,
};

use crate::{goats, idempotency};

#[tokio::test]
async fn compress_outside_packs_a_replay_as_its_own_client_asks() {
    layers::compression(orders!(Policy::reference(), Compress::default(), goats())).await;
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
    let config = || web::PayloadConfig::new(RAISED);
    let layer = idempotency(Policy::reference().max_request_bytes(RAISED));
    let app = move || App::new().app_data(config()).wrap(layer.clone());
    let both = serve!(app().service(goats()));

    let layer = idempotency(Policy::reference());
    let app = move || App::new().app_data(config()).wrap(layer.clone());
    let alone = serve!(app().service(goats()));
    layers::a_raised_limit([both], alone).await;
}
