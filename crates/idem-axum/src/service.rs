//! The path of a request through the layer.

use std::{
    mem,
    task::{Context, Poll},
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http::{Request, Response, request::Parts};
use idem_core::{
    Admission, Begin, Execution, HandOver, Idempotency, Protected, Recording, Refusal, Verdict,
};
use tower_service::Service;

use crate::{
    convert::{self, Head},
    future::ResponseFuture,
    layer::IdempotencyLayer,
    request_body, response_body,
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
                ResponseFuture::ready(convert::response(&response))
            }
            Admission::Protected(protected) => {
                let watch = protected.watch();
                // The service that was polled ready is the one to call; the clone is not ready.
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                let idempotency = idempotency.clone();
                let protected = Box::pin(protect(inner, idempotency, protected, head, body));
                ResponseFuture::guarded(HandOver::new(protected, watch))
            }
        }
    }
}

async fn protect<S, ReqBody, ResBody>(
    inner: S,
    idempotency: Idempotency,
    protected: Protected,
    head: Parts,
    body: ReqBody,
) -> Result<Response<Body>, S::Error>
where
    S: Service<Request<Body>, Response = Response<ResBody>>,
    ReqBody: http_body::Body<Data = Bytes>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    let policy = idempotency.policy();
    let refuse = |refusal: Refusal| Ok(convert::response(&refusal.to_response(policy)));
    let payload = match request_body::read(body, policy.request_limit()).await {
        Ok(payload) => payload,
        Err(refusal) => return refuse(refusal),
    };
    match idempotency.begin(protected, payload.bytes()).await {
        Begin::Execute(execution) => {
            let request = Request::from_parts(head, payload.into_body());
            execute(inner, execution, request).await
        }
        Begin::Unprotected => call(inner, Request::from_parts(head, payload.into_body())).await,
        Begin::Replay(response) => Ok(convert::replay(&response, policy.replay_marker_name())),
        Begin::Refused(refusal) => refuse(refusal),
    }
}

async fn call<S, ResBody>(mut inner: S, request: Request<Body>) -> Result<Response<Body>, S::Error>
where
    S: Service<Request<Body>, Response = Response<ResBody>>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    Ok(inner.call(request).await?.map(Body::new))
}

/// Runs the handler under its lease; what comes of it is recorded before the response leaves.
async fn execute<S, ResBody>(
    inner: S,
    execution: Execution,
    mut request: Request<Body>,
) -> Result<Response<Body>, S::Error>
where
    S: Service<Request<Body>, Response = Response<ResBody>>,
    ResBody: http_body::Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    let recording = execution.recording();
    request.extensions_mut().insert(execution.current().clone());
    let work = async {
        match call(inner, request).await {
            Ok(response) => {
                let (verdict, response) = judge(&recording, response).await;
                (verdict, Ok(response))
            }
            Err(error) => (Verdict::Free, Err(error)),
        }
    };
    execution.run(work).await
}

/// Decides what of a response is kept, and reads it as far as that needs.
async fn judge(recording: &Recording, response: Response<Body>) -> (Verdict, Response<Body>) {
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    let lines = || convert::lines(&head.headers);
    if !recording.saves(status, lines) {
        return (Verdict::Free, Response::from_parts(head, body));
    }
    let (kept, body) = response_body::keep(&head.headers, body, recording.limit()).await;
    let outcome = match kept {
        Ok(bytes) => recording.outcome(status, lines, bytes),
        Err(reason) => reason.into(),
    };
    (Verdict::Keep(outcome), Response::from_parts(head, body))
}
