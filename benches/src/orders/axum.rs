//! The service on axum.

use axum::{
    Router,
    body::{Body, HttpBody},
    http::{
        HeaderValue, Method, Request, StatusCode, Uri,
        header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName},
    },
    routing::post,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use idem_axum::IdempotencyLayer;
use tower_service::Service;

use super::{Handler, Key, Orders, PATH};

/// The router, with the layer on all of it.
pub fn router(handler: Handler, layer: Option<IdempotencyLayer>) -> Router {
    let router = unlayered(handler);
    match layer {
        Some(layer) => router.layer(layer),
        None => router,
    }
}

/// The router, for a layer of another kind.
pub fn unlayered(handler: Handler) -> Router {
    let respond = move |payload: Bytes| async move {
        let content_type = [(CONTENT_TYPE, "application/json")];
        (
            StatusCode::CREATED,
            content_type,
            handler.respond(payload).await,
        )
    };
    Router::new().route(PATH, post(respond))
}

/// A router that is called in process.
#[derive(Clone, Debug)]
pub struct AxumOrders {
    router: Router,
    header: Option<(HeaderName, HeaderValue)>,
}

impl AxumOrders {
    /// Calls this router as a server does, which makes its routes once and not for each request.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self {
            router: router.with_state(()),
            header: None,
        }
    }

    /// Sends this header along with each request from now on.
    pub fn send(&mut self, name: HeaderName, value: HeaderValue) {
        self.header = Some((name, value));
    }

    fn request(&self, key: Key, payload: &Bytes) -> Request<Body> {
        let mut request = Request::new(Body::from(payload.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(PATH);
        let key = HeaderValue::from_bytes(key.as_bytes()).expect("a key is visible ASCII");
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(payload.len()));
        headers.insert(HeaderName::from_static("idempotency-key"), key);
        if let Some((name, value)) = &self.header {
            headers.insert(name, value.clone());
        }
        request
    }
}

impl Orders for AxumOrders {
    async fn post(&mut self, key: Key, payload: &Bytes) -> u16 {
        let request = self.request(key, payload);
        let Ok(mut response) = self.router.call(request).await;
        while !response.body().is_end_stream() {
            let _ = std::hint::black_box(response.body_mut().frame().await);
        }
        response.status().as_u16()
    }
}
