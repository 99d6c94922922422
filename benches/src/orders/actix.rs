//! The service on actix-web.

use actix_http::{Payload, Request};
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::{
        Method, Uri,
        header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue},
    },
    test::init_service,
    web::{self, ServiceConfig},
};
use bytes::Bytes;
use futures_util::future::poll_fn;
use idem_actix::IdempotencyMiddleware;

use super::{Handler, Key, Orders, PATH};

/// Adds the resource, with the middleware around it, to an app.
pub fn configure(
    config: &mut ServiceConfig,
    handler: Handler,
    middleware: Option<IdempotencyMiddleware>,
) {
    let respond = move |payload: Bytes| async move {
        let mut created = HttpResponse::Created();
        let created = created.insert_header((CONTENT_TYPE, "application/json"));
        created.body(handler.respond(payload).await)
    };
    let orders = web::resource(PATH).route(web::post().to(respond));
    match middleware {
        Some(middleware) => config.service(orders.wrap(middleware)),
        None => config.service(orders),
    };
}

/// An app that is called in process.
#[derive(Debug)]
pub struct ActixOrders<S> {
    service: S,
}

/// Starts the app; inside an actix system, as all calls are.
pub async fn start(handler: Handler, middleware: Option<IdempotencyMiddleware>) -> impl Orders {
    let app = App::new().configure(|config| configure(config, handler, middleware));
    ActixOrders {
        service: init_service(app).await,
    }
}

impl<S, B> Orders for ActixOrders<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    async fn post(&mut self, key: Key, payload: &Bytes) -> u16 {
        let request = request(key, payload);
        let response = self.service.call(request).await;
        let response = response.expect("the app answers errors itself");
        let (status, body) = (response.status(), response.into_body());
        let mut body = std::pin::pin!(body);
        while poll_fn(|cx| body.as_mut().poll_next(cx)).await.is_some() {}
        status.as_u16()
    }
}

fn request(key: Key, payload: &Bytes) -> Request {
    let (mut request, _) = Request::new().replace_payload(Payload::from(payload.clone()));
    let key = HeaderValue::from_bytes(key.as_bytes()).expect("a key is visible ASCII");
    let head = request.head_mut();
    head.method = Method::POST;
    head.uri = Uri::from_static(PATH);
    let json = HeaderValue::from_static("application/json");
    head.headers.insert(CONTENT_TYPE, json);
    let length = HeaderValue::from(payload.len());
    head.headers.insert(CONTENT_LENGTH, length);
    let name = HeaderName::from_static("idempotency-key");
    head.headers.insert(name, key);
    request
}
