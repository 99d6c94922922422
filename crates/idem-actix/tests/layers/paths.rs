//! Middlewares that change where a request goes.

use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HOST, LOCATION},
    middleware::{Next, NormalizePath, from_fn},
    web,
};
use idem_core::Policy;
use idem_http_tests::{StoreCalls, send};

use crate::{goats, idempotency};

#[tokio::test]
async fn normalize_path_outside_makes_two_spellings_one_request() {
    let layer = idempotency(Policy::reference());
    let right = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(NormalizePath::trim())
            .service(goats())
    );
    assert_eq!(send(right.post("/goats/", "k", "{}")).await.status, 200);
    assert!(send(right.post("/goats", "k", "{}")).await.is_replay());

    let layer = idempotency(Policy::reference());
    let wrong = serve!(
        App::new()
            .wrap(NormalizePath::trim())
            .wrap(layer.clone())
            .service(goats())
    );
    assert_eq!(send(wrong.post("/goats/", "k", "{}")).await.status, 200);
    let refused = send(wrong.post("/goats", "k", "{}")).await;
    let code = refused.header("idempotency-refusal");
    assert_eq!(code, Some("idempotency-key-reused"));
}

/// Sends requests for another host to the canonical one.
async fn to_canonical(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let host = request.headers().get(HOST).unwrap().to_str().unwrap();
    if host.starts_with("127.0.0.1") {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let here = request.headers().get("x-canonical").unwrap().to_str();
    let url = format!("http://{}{}", here.unwrap(), request.uri());
    let mut redirect = HttpResponse::PermanentRedirect();
    let redirect = redirect.insert_header((LOCATION, url)).finish();
    Ok(request.into_response(redirect))
}

#[tokio::test]
async fn a_redirect_outside_costs_no_store_call_and_is_never_kept() {
    let calls: [StoreCalls; 2] = Default::default();
    let layer = idempotency(Policy::reference().observer(calls[0].clone()));
    let right = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(from_fn(to_canonical))
            .service(goats())
    );
    let layer = idempotency(Policy::reference().observer(calls[1].clone()));
    let wrong = serve!(
        App::new()
            .wrap(from_fn(to_canonical))
            .wrap(layer.clone())
            .service(goats())
    );
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    for (server, calls, asked) in [(right, &calls[0], 0), (wrong, &calls[1], 2)] {
        let here = server.address.to_string();
        let to_old = server
            .post("/goats", "k", "{}")
            .header("host", "old.example");
        let to_old = to_old.header("x-canonical", &here).build().unwrap();
        let redirect = client.execute(to_old).await.unwrap();
        assert_eq!(redirect.status(), 308);
        assert_eq!(calls.count(), asked);
        // The same request with the same key, at the address it was sent to.
        let location = redirect.headers()["location"].to_str().unwrap();
        assert_eq!(location, format!("http://{here}/goats"));
        let followed = send(server.post("/goats", "k", "{}")).await;
        assert_eq!((followed.status, followed.is_replay()), (200, false));
    }
}

#[tokio::test]
async fn a_route_that_redirects_outside_leads_a_retry_to_its_replay() {
    let moved = || web::redirect("/old", "/goats");
    let layer = idempotency(Policy::reference());
    let right = serve!(
        App::new()
            .service(moved())
            .service(goats().wrap(layer.clone()))
    );
    let layer = idempotency(Policy::reference());
    let wrong = serve!(App::new().wrap(layer.clone()).service((moved(), goats())));
    for server in [&right, &wrong] {
        // Nothing was done at the old address, so nothing is kept, and the key is free at the new one.
        let original = send(server.post("/old", "k", "{}")).await;
        assert_eq!((original.status, original.is_replay()), (200, false));
    }
    assert!(send(right.post("/old", "k", "{}")).await.is_replay());
    // The record is that of a request for another path.
    let refused = send(wrong.post("/old", "k", "{}")).await;
    let code = refused.header("idempotency-refusal");
    assert_eq!(code, Some("idempotency-key-reused"));
}
