//! The path of a request through the layer.

use std::{
    mem,
    task::{Context, Poll},
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use idem_core::{Admission, HandOver};
use tower_service::Service;

use crate::{
    convert::{self, Head},
    exchange::HttpExchange,
    future::ResponseFuture,
    layer::IdempotencyLayer,
};

/// A service whose protected requests take effect once.
#[derive(Clone, Debug)]
pub struct IdempotencyService<S> {
    inner: S,
    layer: IdempotencyLayer,
}

impl<S> IdempotencyService<S> {
    pub(crate) fn new(inner: S, layer: IdempotencyLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for IdempotencyService<S>
where
    S: Service<Request<Body>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    ReqBody: http_body::Body<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<BoxError>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (head, body) = request.into_parts();
        let idempotency = self.layer.idempotency();
        let admission = idempotency.admit(&Head(&head), || self.layer.scope_of(&head));
        match admission {
            Admission::PassThrough => {
                let request = Request::from_parts(head, Body::new(body));
                ResponseFuture::passing(self.inner.call(request))
            }
            Admission::Refused(refusal) => {
                let response = refusal.to_response(idempotency.policy());
                ResponseFuture::ready(convert::response(&response, None))
            }
            Admission::Protected(protected) => {
                let watch = protected.watch();
                // The service that was polled ready is the one to call; the clone is not ready.
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                let idempotency = idempotency.clone();
                let exchange = HttpExchange::new(inner, head, body);
                let serve = Box::pin(idempotency.serve(protected, exchange));
                ResponseFuture::guarded(HandOver::new(serve, watch))
            }
        }
    }
}
