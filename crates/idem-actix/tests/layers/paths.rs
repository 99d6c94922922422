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
use idem_http_tests::{StoreCalls, layers};

use crate::{goats, idempotency};

#[tokio::test]
async fn normalize_path_outside_makes_two_spellings_one_request() {
    let trim = NormalizePath::trim;
    layers::normalized_paths(orders!(Policy::reference(), trim(), goats())).await;
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
    layers::a_redirect_to_the_canonical_host([right, wrong], &calls).await;
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
    layers::a_route_that_redirects([right, wrong]).await;
}
