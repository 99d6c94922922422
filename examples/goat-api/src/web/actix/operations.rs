//! The routes for operators in actix-web, and the observation of all requests.

use std::future::ready;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};

use super::{resource, response};
use crate::web::answer::{Answer, Failure};
use crate::web::operations::{KEY, Observed, Operations, REFUSAL, REQUEST_ID, alive};

/// The routes for operators, to be put beside the market's.
pub fn operations(operations: Operations) -> impl Fn(&mut ServiceConfig) + Clone {
    move |config| {
        config
            .app_data(Data::new(operations.clone()))
            .service(
                resource("/healthz", "GET,HEAD")
                    .route(web::get().to(healthz))
                    .route(web::head().to(healthz)),
            )
            .service(
                resource("/readyz", "GET,HEAD")
                    .route(web::get().to(readyz))
                    .route(web::head().to(readyz)),
            )
            .service(
                resource("/metrics", "GET,HEAD")
                    .route(web::get().to(metrics))
                    .route(web::head().to(metrics)),
            );
        if operations.has_admin() {
            config
                .service(
                    resource("/admin/keys/look-up", "GET,HEAD")
                        .route(web::get().to(look_up))
                        .route(web::head().to(look_up)),
                )
                .service(resource("/admin/keys/release", "POST").route(web::post().to(release)));
        }
    }
}

type Operating = Data<Operations>;

fn healthz() -> impl Future<Output = HttpResponse> {
    ready(for_now_only(alive()))
}

async fn readyz(operations: Operating) -> HttpResponse {
    for_now_only(operations.ready().await)
}

async fn metrics(operations: Operating) -> HttpResponse {
    for_now_only(operations.metrics())
}

async fn look_up(operations: Operating, request: HttpRequest) -> HttpResponse {
    let found = operations.look_up(authorization(&request), keys(&request));
    answered(found.await)
}

async fn release(operations: Operating, request: HttpRequest) -> HttpResponse {
    let released = operations.release(authorization(&request), keys(&request));
    answered(released.await)
}

fn authorization(request: &HttpRequest) -> Option<&[u8]> {
    let value = request.headers().get(AUTHORIZATION);
    value.map(HeaderValue::as_bytes)
}

fn keys(request: &HttpRequest) -> impl Iterator<Item = &[u8]> {
    let values = request.headers().get_all(KEY);
    values.map(HeaderValue::as_bytes)
}

fn answered(answer: Result<Answer, Failure>) -> HttpResponse {
    for_now_only(answer.unwrap_or_else(Answer::from))
}

/// What is told here is true now; and who has no token is told what to send.
fn for_now_only(answer: Answer) -> HttpResponse {
    let unauthorized = answer.status == 401;
    let mut response = response(answer);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if unauthorized {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Observes a request; as the outermost middleware, so that the request's id is on each answer, and
/// in no record.
///
/// # Errors
/// Those of what it is around.
///
/// # Cancel safety
/// Safe: a request that is dropped is told as one whose client hung up.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let route = request.match_pattern();
    let id = request.headers().get(REQUEST_ID);
    let observed = Observed::begin(
        request.method().as_str(),
        route.as_deref(),
        id.map(HeaderValue::as_bytes),
    );
    // Called inside the span: a service may begin before its future is polled.
    let serving = observed.serve(async { next.call(request).await });
    let mut response = match serving.await {
        Ok(response) => response,
        Err(error) => {
            let status = error.as_response_error().status_code();
            observed.end(status.as_u16(), None);
            return Err(error);
        }
    };
    let refusal = response.headers().get(REFUSAL);
    let id = observed.end(
        response.status().as_u16(),
        refusal.map(HeaderValue::as_bytes),
    );
    if let Ok(id) = HeaderValue::try_from(id) {
        let name = HeaderName::from_static(REQUEST_ID);
        response.headers_mut().insert(name, id);
    }
    Ok(response)
}
