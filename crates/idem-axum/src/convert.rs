//! Between the types of the `http` crate and those of the core.

use std::borrow::Cow;

use axum::{
    body::Body,
    extract::{MatchedPath, OriginalUri},
};
use http::{HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE, request::Parts};
use idem_core::adapter::{Answer, RequestHead};

/// The head of a request, as the core reads it.
pub(crate) struct Head<'a>(pub(crate) &'a Parts);

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.0.method.as_str()
    }

    fn target(&self) -> &str {
        // A nested router sees its own part of the path alone.
        let uri = self
            .0
            .extensions
            .get()
            .map_or(&self.0.uri, |OriginalUri(uri)| uri);
        uri.path_and_query().map_or("/", |target| target.as_str())
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        let matched = self.0.extensions.get().map(MatchedPath::as_str)?;
        Some(matched.into())
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        // A look at each name takes less than to parse the one that is looked for.
        let lines = self.0.headers.iter();
        lines
            .filter(move |(line, _)| line.as_str() == name)
            .map(|(_, value)| value.as_bytes())
    }
}

/// An answer of the core.
pub(crate) fn response(answer: Answer<'_>) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body()));
    let status = StatusCode::from_u16(answer.status());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    // One more, for the length that axum adds.
    headers.reserve(answer.most_lines() + 1);
    // Each by each, since a chain of iterators takes longer to step through than to run to its end.
    answer.lines().for_each(|(name, value)| {
        if let Some((name, value)) = line(name, value) {
            headers.append(name, value);
        }
    });
    response
}

/// A line as the framework has it, if it can be sent. What nearly each replay has is neither parsed nor copied.
fn line(name: &str, value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    const MARKER: HeaderName = HeaderName::from_static("idempotency-replayed");
    const TRUE: HeaderValue = HeaderValue::from_static("true");
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    Some(match (name, value) {
        ("content-type", b"application/json") => (CONTENT_TYPE, JSON),
        ("idempotency-replayed", b"true") => (MARKER, TRUE),
        _ => (name.parse().ok()?, HeaderValue::from_bytes(value).ok()?),
    })
}
