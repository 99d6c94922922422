//! The layer for tower services that send HTTP requests.

use std::{
    error::Error,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;
use hyper_util::client::legacy::{self, connect::capture_connection};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    client::answer_body::AnswerBody,
    client::error::BoxError,
    client::retries::IdempotentRetries,
    client::wire::{Failure, Wire},
    decision::{Attempt, GaveUp},
};

impl<S> Layer<S> for IdempotentRetries {
    type Service = IdempotentService<S>;

    fn layer(&self, inner: S) -> IdempotentService<S> {
        IdempotentService {
            inner,
            retries: Arc::new(self.clone()),
        }
    }
}

/// The service that [`IdempotentRetries`] makes as a tower layer.
///
/// A body whose length is known and at most 1 MiB is kept for the next attempt, so it has to be made
/// from [`Bytes`] again: `Full<Bytes>`, `axum::body::Body` and `reqwest::Body` can be. A longer one,
/// or a stream, is sent once. Errors are [`BoxError`]s, in which [`Error::find`](crate::Error::find)
/// finds this crate's.
///
/// That a connection was never made is known of hyper-util's client alone. Any other error may mean
/// that the request arrived.
#[derive(Clone)]
pub struct IdempotentService<S> {
    inner: S,
    retries: Arc<IdempotentRetries>,
}

impl<S: fmt::Debug> fmt::Debug for IdempotentService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotentService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// What is kept of a request's body, in bytes.
const MOST_KEPT: u64 = 1024 * 1024;

impl<S, B, R> Service<Request<B>> for IdempotentService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<BoxError>> + From<Bytes> + Send + 'static,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<AnswerBody<R>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that is ready makes the first attempt.
        let next = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, next);
        let retries = Arc::clone(&self.retries);
        Box::pin(handle(retries, ready, request))
    }
}

async fn handle<S, B, R>(
    retries: Arc<IdempotentRetries>,
    mut inner: S,
    request: Request<B>,
) -> Result<Response<AnswerBody<R>>, BoxError>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<BoxError>> + From<Bytes> + Send,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    let (mut head, body) = request.into_parts();
    let operation =
        retries.operation(&head.method, &head.uri, &mut head.headers, &head.extensions)?;
    let Some(operation) = operation else {
        let response = inner.call(Request::from_parts(head, body)).await;
        return Ok(response.map_err(Into::into)?.map(AnswerBody::streaming));
    };
    let request = Kept::keep(head, body).await.map_err(|source| {
        crate::Error::unsent(GaveUp::Failed, operation.key(), operation.first_sent())
            .with_source(Some(source))
    })?;
    let mut wire = Inner {
        service: inner,
        is_ready: true,
        body: PhantomData,
    };
    Ok(operation.run(&retries, &mut wire, request).await?)
}

/// A request, with its body in memory if it may be sent again.
enum Kept<B> {
    Repeatable(Parts, Bytes),
    Once(Request<B>),
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Kept<B> {
    async fn keep(head: Parts, body: B) -> Result<Self, BoxError> {
        if body
            .size_hint()
            .exact()
            .is_none_or(|length| length > MOST_KEPT)
        {
            return Ok(Self::Once(Request::from_parts(head, body)));
        }
        let body = body.collect().await.map_err(Into::into)?;
        if body.trailers().is_some() {
            return Err("a request body of a known length cannot have trailers here".into());
        }
        Ok(Self::Repeatable(head, body.to_bytes()))
    }
}

struct Inner<S, B> {
    service: S,
    is_ready: bool,
    body: PhantomData<fn(B)>,
}

impl<S, B, R> Wire for Inner<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<BoxError>> + From<Bytes> + Send,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    type Request = Kept<B>;
    type Body = R;

    fn again(request: &Kept<B>) -> Option<Kept<B>> {
        match request {
            Kept::Repeatable(head, body) => Some(Kept::Repeatable(head.clone(), body.clone())),
            Kept::Once(_) => None,
        }
    }

    async fn send(&mut self, request: Kept<B>) -> Result<Response<R>, Failure> {
        let mut request = match request {
            Kept::Repeatable(head, body) => Request::from_parts(head, B::from(body)),
            Kept::Once(request) => request,
        };
        if !std::mem::take(&mut self.is_ready) {
            let ready = self.service.ready().await;
            ready.map_err(|error| Failure::new(Attempt::NotConnected, error))?;
        }
        // A redirect that a layer below follows makes a request of its own: this one's connection was
        // made all the same.
        let connection = capture_connection(&mut request);
        self.service.call(request).await.map_err(|error| {
            let error = error.into();
            let was_made = connection.connection_metadata().is_some();
            let attempt = if !was_made && is_of_connecting(error.as_ref()) {
                Attempt::NotConnected
            } else {
                Attempt::Lost
            };
            Failure::new(attempt, error)
        })
    }
}

fn is_of_connecting(error: &(dyn Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(it) = error {
        if let Some(client) = it.downcast_ref::<legacy::Error>() {
            return client.is_connect();
        }
        error = it.source();
    }
    false
}
