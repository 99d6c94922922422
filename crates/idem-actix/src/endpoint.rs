//! A protected request, its handler and its response in actix-web's types.

use std::rc::Rc;

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    error::InternalError,
};
use bytes::Bytes;
use futures_util::TryFutureExt;
use idem_core::{
    CurrentExecution, Refusal,
    adapter::{Answer, Endpoint, Handled, Opened, Rendered, ResponseHead},
};

use crate::{
    convert, request_body,
    response_body::{BodyFrames, ResumedBody},
};

/// A protected request on its way to the service under the middleware.
pub(crate) struct ActixEndpoint<S> {
    inner: Rc<S>,
    request: ServiceRequest,
}

impl<S> ActixEndpoint<S> {
    pub(crate) const fn new(inner: Rc<S>, request: ServiceRequest) -> Self {
        Self { inner, request }
    }
}

impl<S, B> Endpoint for ActixEndpoint<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Head = Head;
    type Body = B;
    type Frames = BodyFrames<B>;
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;

    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    async fn read_payload(&mut self, limit: usize) -> Result<Bytes, Refusal> {
        request_body::read(&mut self.request, limit).await
    }

    fn call(
        self,
        current: Option<CurrentExecution>,
    ) -> impl Future<Output = Result<(Head, B), Error>> {
        if let Some(current) = current {
            self.request.extensions_mut().insert(current);
        }
        self.inner.call(self.request).map_ok(|response| {
            let (request, response) = response.into_parts();
            let (response, body) = response.into_parts();
            (Head { request, response }, body)
        })
    }

    fn error_status(error: &Error) -> Option<u16> {
        Some(error.as_response_error().status_code().as_u16())
    }

    fn render(error: Error) -> (Option<Rendered>, Error) {
        // What the server makes of an error that comes to it.
        let (response, body) = error.error_response().into_parts();
        let (whole, body) = match body.try_into_bytes() {
            Ok(bytes) => (Some(bytes.clone()), BoxBody::new(bytes)),
            Err(body) => (None, body),
        };
        let status = response.status().as_u16();
        let rendered = Rendered::new(status, lines(&response).collect(), whole);
        // An `InternalError` with a response gives it away when it is asked for it, and has none the second time.
        let error = InternalError::from_response(error, response.set_body(body));
        (Some(rendered), error.into())
    }

    fn size_hint(body: &B) -> (u64, Option<u64>) {
        match body.size() {
            BodySize::None => (0, Some(0)),
            BodySize::Sized(length) => (length, Some(length)),
            BodySize::Stream => (0, None),
        }
    }

    fn open(body: B) -> Opened<BodyFrames<B>> {
        match body.try_into_bytes() {
            Ok(bytes) => Opened::Whole(bytes),
            Err(body) => Opened::Frames(BodyFrames::new(body)),
        }
    }

    fn respond(head: Head, body: Handled<B, BodyFrames<B>>) -> Self::Response {
        let body = match body {
            Handled::Untouched(body) => EitherBody::left(body),
            Handled::Whole(bytes) => EitherBody::right(BoxBody::new(bytes)),
            Handled::Resumed(reading) => EitherBody::right(BoxBody::new(ResumedBody(reading))),
        };
        ServiceResponse::new(head.request, head.response.set_body(body))
    }

    fn answer(self, answer: Answer<'_>) -> Self::Response {
        convert::response(self.request, answer)
    }

    fn replace(
        handled: Result<Self::Response, Error>,
        answer: Answer<'_>,
    ) -> Result<Self::Response, Error> {
        let answer = convert::http_response(answer);
        match handled {
            Ok(handled) => Ok(handled.into_response(answer.map_into_right_body())),
            // The handler has consumed its request, so the answer goes the way of its error.
            Err(error) => Err(InternalError::from_response(error, answer).into()),
        }
    }
}

/// The head of a response, as the core reads it, and the request that actix-web keeps with it.
pub(crate) struct Head {
    request: HttpRequest,
    response: HttpResponse<()>,
}

impl ResponseHead for Head {
    fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        lines(&self.response)
    }
}

fn lines(response: &HttpResponse<()>) -> impl Iterator<Item = (&str, &[u8])> {
    let headers = response.headers().iter();
    headers.map(|(name, value)| (name.as_str(), value.as_bytes()))
}
