//! The layer's future: the inner one where a request passes through, and ours where it does not.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http::Response;
use idem_core::HandOver;
use pin_project_lite::pin_project;

pub(crate) type BoxFuture<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

pin_project! {
    /// Resolves to the response of an [`IdempotencyService`](crate::IdempotencyService).
    ///
    /// Dropped while the handler of a protected request runs, it hands the handler over to a task.
    pub struct ResponseFuture<F, E: 'static> {
        #[pin]
        state: State<F, E>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, E: 'static> {
        Passing { #[pin] inner: F },
        Ready { response: Option<Response<Body>> },
        Protected { #[pin] future: HandOver<BoxFuture<E>> },
    }
}

impl<F, E: 'static> ResponseFuture<F, E> {
    pub(crate) fn passing(inner: F) -> Self {
        Self {
            state: State::Passing { inner },
        }
    }

    pub(crate) fn ready(response: Response<Body>) -> Self {
        Self {
            state: State::Ready {
                response: Some(response),
            },
        }
    }

    pub(crate) fn guarded(future: HandOver<BoxFuture<E>>) -> Self {
        Self {
            state: State::Protected { future },
        }
    }
}

impl<F, ResBody, E> Future for ResponseFuture<F, E>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Passing { inner } => {
                Poll::Ready(ready!(inner.poll(cx)).map(|response| response.map(Body::new)))
            }
            StateProjection::Ready { response } => Poll::Ready(Ok(response
                .take()
                .expect("a future is not polled after its end"))),
            StateProjection::Protected { future } => future.poll(cx),
        }
    }
}

impl<F, E> fmt::Debug for ResponseFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Passing { .. } => "ResponseFuture::Passing",
            State::Ready { .. } => "ResponseFuture::Ready",
            State::Protected { .. } => "ResponseFuture::Protected",
        })
    }
}
