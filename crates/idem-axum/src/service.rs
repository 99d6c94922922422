//! The path of a request through the layer.

use std::{
    future::{Future, Ready, ready},
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk},
};
use http::{Request, Response};
use idem_core::adapter::{Admission, HandOver};
use tower_service::Service;

use crate::{
    convert::{self, Head},
    endpoint::HttpEndpoint,
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

/// A request that passes through, one that is refused at once, or one that is protected.
type Serving<F, B, E> = Either<
    MapOk<F, fn(Response<B>) -> Response<Body>>,
    Either<Ready<Served<E>>, HandOver<Pin<Box<dyn Future<Output = Served<E>> + Send>>>>,
>;

type Served<E> = Result<Response<Body>, E>;

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
    type Future = Serving<S::Future, ResBody, S::Error>;

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
                let passing = self.inner.call(request);
                Either::Left(passing.map_ok(|response| response.map(Body::new)))
            }
            Admission::Refused(refusal) => {
                let response = refusal.to_response(idempotency.policy());
                let response = convert::response(&response, None);
                Either::Right(Either::Left(ready(Ok(response))))
            }
            Admission::Protected(protected) => {
                let protected = self.layer.with_lease(protected, &head);
                let watch = protected.watch();
                // The service that was polled ready is the one to call; the clone is not ready.
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                let idempotency = idempotency.clone();
                let exchange = HttpEndpoint::new(inner, head, body);
                let serve: Pin<Box<dyn Future<Output = _> + Send>> =
                    Box::pin(idempotency.serve(protected, exchange));
                Either::Right(Either::Right(HandOver::new(serve, watch)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use idem_core::MemoryStore;
    use tower::service_fn;

    use super::*;

    /// What glibc's malloc takes from the thread's own free blocks; what is larger is searched for, and is
    /// merged with others when it is freed.
    const QUICKLY_ALLOCATED: usize = 1032;

    #[tokio::test]
    async fn the_future_of_a_request_is_allocated_quickly() {
        let layer = IdempotencyLayer::new(MemoryStore::new());
        let request = Request::post("/orders")
            .header("idempotency-key", "k")
            .body(Body::empty())
            .expect("the request is well-formed");
        let (head, body) = request.into_parts();
        let idempotency = layer.idempotency().clone();
        let Admission::Protected(protected) = idempotency.admit(&Head(&head), || None) else {
            panic!("a POST with a key is protected");
        };
        let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::empty())));
        let serving = idempotency.serve(protected, HttpEndpoint::new(inner, head, body));
        let size = size_of_val(&serving);
        assert!(size <= QUICKLY_ALLOCATED, "{size} bytes");
    }
}
