//! A handler that takes too long, and answers that are replaced by the application's own.

use std::time::Duration;

use actix_web::{
    App, Error, HttpResponse, Result,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorRequestTimeout,
    http::StatusCode,
    middleware::{ErrorHandlerResponse, ErrorHandlers, Next, from_fn},
    web,
};
use idem_core::Policy;
use idem_http_tests::{layers, send};

use crate::{gated, goats, idempotency};

async fn in_time(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answer = tokio::time::timeout(Duration::from_millis(100), next.call(request));
    answer.await.map_err(|_| ErrorRequestTimeout("too slow"))?
}

// S45
#[tokio::test]
async fn a_timeout_outside_answers_in_time_and_cancels_nothing() {
    let servers = orders!(Policy::reference(), from_fn(in_time), gated());
    layers::a_timeout(servers).await;
}

#[tokio::test]
async fn a_timeout_between_two_middlewares_cuts_the_handler_off() {
    let layer = idempotency(Policy::reference());
    let right = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(layer.clone())
            .wrap(from_fn(in_time))
            .service(gated())
    );
    let layer = idempotency(Policy::reference());
    let wrong = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(from_fn(in_time))
            .wrap(layer.clone())
            .service(gated())
    );
    layers::a_timeout_and_two_layers([right, wrong]).await;
}

/// The application's own page for a bad request.
fn page<B>(answer: ServiceResponse<B>) -> Result<ErrorHandlerResponse<B>> {
    let (request, answer) = answer.into_parts();
    let page = HttpResponse::with_body(answer.status(), "our own page".to_owned());
    let page = page.map_into_boxed_body().map_into_right_body();
    Ok(ErrorHandlerResponse::Response(ServiceResponse::new(
        request, page,
    )))
}

fn pages<B: 'static>() -> ErrorHandlers<B> {
    ErrorHandlers::new().handler(StatusCode::BAD_REQUEST, page)
}

#[tokio::test]
async fn error_handlers_inside_leave_refusals_as_they_are() {
    let refuse = || web::resource("/refuses").route(web::post().to(HttpResponse::BadRequest));
    // Here, inside is right.
    let [wrong, right] = orders!(Policy::reference(), pages(), (goats(), refuse()));
    for (server, code) in [(right, Some("idempotency-key-reused")), (wrong, None)] {
        let own = send(server.post("/refuses", "l", "{}")).await;
        assert_eq!((own.status, own.text().as_str()), (400, "our own page"));
        send(server.post("/goats", "k", "{}")).await;
        let refusal = send(server.post("/goats", "k", "[]")).await;
        assert_eq!(
            (refusal.status, refusal.header("idempotency-refusal")),
            (400, code)
        );
    }
}
