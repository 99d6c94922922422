//! A protected request, its handler and its response in axum's types.

use std::sync::Arc;

use axum::{BoxError, body::Body};
use bytes::Bytes;
use futures_util::TryFutureExt;
use http::{Request, Response, request, response};
use http_body::Body as _;
use idem_core::{
    CurrentExecution, Refusal,
    adapter::{Answer, Endpoint, Handled, Opened, ResponseHead},
};
use tower::ServiceExt;
use tower_service::Service;

use crate::{
    convert,
    request_body::{self, Payload},
    response_body::{BodyFrames, ResumedBody},
};

/// A protected request on its way to the service under the layer.
pub(crate) struct HttpEndpoint<S, B> {
    inner: Arc<S>,
    head: request::Parts,
    body: Option<B>,
    payload: Payload,
}

impl<S, B> HttpEndpoint<S, B> {
    pub(crate) fn new(inner: Arc<S>, head: request::Parts, body: B) -> Self {
        Self {
            inner,
            head,
            body: Some(body),
            payload: Payload::default(),
        }
    }
}

impl<S, ReqBody, ResBody> Endpoint for HttpEndpoint<S, ReqBody>
where
    S: Service<Request<Body>, Response = Response<ResBody>> + Clone + Send + Sync,
    S::Future: Send,
    ReqBody: http_body::Body<Data = Bytes> + Send,
    ReqBody::Error: Into<BoxError>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Head = Head;
    type Body = Body;
    type Frames = BodyFrames;
    type Response = Response<Body>;
    type Error = S::Error;

    fn method(&self) -> &str {
        self.head.method.as_str()
    }

    async fn read_payload(&mut self, limit: usize) -> Result<Bytes, Refusal> {
        if let Some(body) = self.body.take() {
            self.payload = request_body::read(body, limit).await?;
        }
        Ok(self.payload.bytes().clone())
    }

    fn call(
        self,
        current: Option<CurrentExecution>,
    ) -> impl Future<Output = Result<(Head, Body), S::Error>> {
        let mut request = Request::from_parts(self.head, self.payload.into_body());
        if let Some(current) = current {
            request.extensions_mut().insert(current);
        }
        // Not ready before: whatever it reserves is held only while it works.
        S::clone(&self.inner).oneshot(request).map_ok(|response| {
            let (head, body) = response.into_parts();
            (Head(head), Body::new(body))
        })
    }

    fn size_hint(body: &Body) -> (u64, Option<u64>) {
        let hint = body.size_hint();
        (hint.lower(), hint.upper())
    }

    fn open(body: Body) -> Opened<BodyFrames> {
        Opened::Frames(BodyFrames(body))
    }

    fn respond(head: Head, body: Handled<Body, BodyFrames>) -> Response<Body> {
        let body = match body {
            Handled::Untouched(body) => body,
            Handled::Whole(bytes) => Body::from(bytes),
            Handled::Resumed(reading) => Body::new(ResumedBody(reading)),
        };
        Response::from_parts(head.0, body)
    }

    fn answer(self, answer: Answer<'_>) -> Response<Body> {
        convert::response(answer)
    }

    fn replace(
        handled: Result<Response<Body>, S::Error>,
        answer: Answer<'_>,
    ) -> Result<Response<Body>, S::Error> {
        handled.map(|_| convert::response(answer))
    }
}

/// The head of a response, as the core reads it.
pub(crate) struct Head(response::Parts);

impl ResponseHead for Head {
    fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.0.headers.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}
