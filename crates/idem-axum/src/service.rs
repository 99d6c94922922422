//! The path of a request through the layer.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk},
};
use http::{Request, Response, request::Parts};
use idem_core::adapter::{Admission, Answer, HandOver, Options};
use tower::{ServiceExt, util::Oneshot};
use tower_service::Service;

use crate::{
    convert::{self, Head},
    endpoint::HttpEndpoint,
};

/// A service whose protected requests take effect once.
///
/// It is always ready itself. The service under it is asked whether it is ready when it is called: for a request under a key
/// that is when its handler runs, so a replay, a refusal or a duplicate that waits takes no place in a limit
/// there. An error of its readiness is the error of that call.
///
/// It is a `Service` only if the one under it is `Clone`, `Send` and `Sync`, which the compiler does not always say: requests
/// share that one, and each that reaches it clones it. Box it as a `BoxCloneSyncService`; a `BoxCloneService` is not
/// `Sync`.
#[derive(Debug)]
pub struct IdempotencyService<S> {
    /// Shared, so that only what reaches it clones it.
    inner: Arc<S>,
    options: Options<Parts>,
}

impl<S> IdempotencyService<S> {
    pub(crate) fn new(inner: S, options: Options<Parts>) -> Self {
        Self {
            inner: Arc::new(inner),
            options,
        }
    }
}

impl<S> Clone for IdempotencyService<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            options: self.options.clone(),
        }
    }
}

/// A request that passes through, one that is refused at once, or one that is protected.
type Serving<S, B, E> = Either<
    MapOk<Oneshot<S, Request<Body>>, fn(Response<B>) -> Response<Body>>,
    Either<Ready<Served<E>>, HandOver<Pin<Box<dyn Future<Output = Served<E>> + Send>>>>,
>;

type Served<E> = Result<Response<Body>, E>;

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for IdempotencyService<S>
where
    S: Service<Request<Body>, Response = Response<ResBody>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    ReqBody: http_body::Body<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<BoxError>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Serving<S, ResBody, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (head, body) = request.into_parts();
        let idempotency = self.options.idempotency();
        match self
            .options
            .admit(&head, &Head(&head), head.extensions.get())
        {
            Admission::PassThrough => {
                let request = Request::from_parts(head, Body::new(body));
                let passing = S::clone(&self.inner).oneshot(request);
                Either::Left(passing.map_ok(|response| response.map(Body::new)))
            }
            Admission::Refused(refusal) => {
                let response = refusal.to_response(idempotency.policy());
                let response = convert::response(Answer::new(&response));
                Either::Right(Either::Left(ready(Ok(response))))
            }
            Admission::Protected(protected) => {
                let watch = protected.watch();
                let idempotency = idempotency.clone();
                let exchange = HttpEndpoint::new(Arc::clone(&self.inner), head, body);
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

    use http::StatusCode;
    use http_body_util::BodyExt;
    use idem_core::{MemoryStore, Policy};
    use tower::{ServiceExt, service_fn};

    use super::*;

    /// What glibc's malloc takes from the thread's own free blocks; what is larger is searched for, and is
    /// merged with others when it is freed.
    const QUICKLY_ALLOCATED: usize = 1032;

    #[tokio::test]
    async fn the_future_of_a_request_is_allocated_quickly() {
        let options = Options::<Parts>::new(MemoryStore::new());
        let request = Request::post("/orders")
            .header("idempotency-key", "k")
            .body(Body::empty())
            .expect("the request is well-formed");
        let (head, body) = request.into_parts();
        let idempotency = options.idempotency().clone();
        let Admission::Protected(protected) = options.admit(&head, &Head(&head), None) else {
            panic!("a POST with a key is protected");
        };
        let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::empty())));
        let serving = idempotency.serve(protected, HttpEndpoint::new(Arc::new(inner), head, body));
        let size = size_of_val(&serving);
        assert!(size <= QUICKLY_ALLOCATED, "{size} bytes");
    }
    #[tokio::test]
    async fn a_client_gets_the_applications_own_words_for_a_refusal() {
        let policy = Policy::ietf().render_refusals(|refusal, ours| {
            assert_ne!(refusal.code(), "idempotency-key-missing", "a planted panic");
            let body = format!("sorry: {}", refusal.title());
            idem_core::Response::new(418, ours.headers().clone(), body.into())
        });
        let options = Options::<Parts>::new(MemoryStore::new()).policy(policy);
        options.idempotency().drain().await;
        let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::empty())));
        let service = IdempotencyService::new(inner, options);
        // Refused at its head without a key, where the words panic, with a bad one, and after its body.
        for (key, status, code, words) in [
            (None, 400, "idempotency-key-missing", "requires the header"),
            (Some(""), 418, "idempotency-key-invalid", "sorry: "),
            (Some("k"), 418, "idempotency-shutting-down", "sorry: "),
        ] {
            let mut request = Request::post("/orders");
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            let request = request
                .body(Body::empty())
                .expect("the request is well-formed");
            let Ok(answer) = service.clone().oneshot(request).await;
            assert_eq!(
                answer.status(),
                StatusCode::from_u16(status).expect("a status")
            );
            assert_eq!(answer.headers()["idempotency-refusal"], code);
            assert_eq!(
                answer.headers().contains_key("retry-after"),
                key == Some("k")
            );
            let body = answer
                .into_body()
                .collect()
                .await
                .expect("the body is whole");
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            assert!(body.contains(words), "{body}");
        }
    }
}
