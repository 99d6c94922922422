//! Between the types of actix-web and those of the core.

use std::borrow::Cow;

use actix_web::{
    HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use idem_core::adapter::{Answer, RequestHead};

/// The head of a request, as the core reads it.
pub(crate) struct Head<'a>(pub(crate) &'a ServiceRequest);

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn target(&self) -> &str {
        let target = self.0.uri().path_and_query();
        target.map_or("/", |target| target.as_str())
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.0.match_pattern().map(Cow::Owned)
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        // A look at each name takes less than to parse the one that is looked for.
        let lines = self.0.headers().iter();
        lines
            .filter(move |(line, _)| line.as_str() == name)
            .map(|(_, value)| value.as_bytes())
    }
}

/// An answer of the core.
pub(crate) fn response<B: MessageBody>(
    request: ServiceRequest,
    answer: Answer<'_>,
) -> ServiceResponse<EitherBody<B>> {
    request.into_response(http_response(answer).map_into_right_body())
}

/// The same, apart from the request that it answers.
pub(crate) fn http_response(answer: Answer<'_>) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status());
    let mut response = HttpResponse::new(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    let headers = response.headers_mut();
    // Each by each, since a chain of iterators takes longer to step through than to run to its end.
    answer.lines().for_each(|(name, value)| {
        if let Some((name, value)) = line(name, value) {
            headers.append(name, value);
        }
    });
    response.set_body(answer.body()).map_into_boxed_body()
}

/// A line as the framework has it, if it can be sent. Each replay has the usual marker, so that is neither parsed nor
/// copied.
fn line(name: &str, value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    static MARKER: HeaderName = HeaderName::from_static("idempotency-replayed");
    if name == MARKER.as_str() && value == b"true" {
        return Some((MARKER.clone(), HeaderValue::from_static("true")));
    }
    Some((name.parse().ok()?, HeaderValue::from_bytes(value).ok()?))
}
