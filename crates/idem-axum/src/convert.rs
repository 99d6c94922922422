//! Between the types of the `http` crate and those of the core.

use std::borrow::Cow;

use axum::{
    body::Body,
    extract::{MatchedPath, OriginalUri},
};
use http::{HeaderName, HeaderValue, Response, StatusCode, request::Parts};
use idem_core::{CurrentExecution, adapter::RequestHead};

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

    fn current_execution(&self) -> Option<CurrentExecution> {
        self.0.extensions.get().cloned()
    }
}

/// A response of the core, with a header that marks it as a replay if it is one.
pub(crate) fn response(response: &idem_core::Response, marker: Option<&str>) -> Response<Body> {
    // A record with a status that cannot be sent is damaged: what else it says must not look like a success.
    let Ok(status) = StatusCode::from_u16(response.status()) else {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return answer;
    };
    let mut answer = Response::new(Body::from(response.body().clone()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.reserve(response.headers().len() + ADDED);
    for (name, value) in response.headers().iter() {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    if let Some(marker) = marker.and_then(header_name) {
        headers.insert(marker, HeaderValue::from_static("true"));
    }
    answer
}

/// The marker, and the length that axum adds.
const ADDED: usize = 2;

/// A policy's marker as a name, which is parsed only where it is not the usual one.
fn header_name(marker: &str) -> Option<HeaderName> {
    static USUAL: HeaderName = HeaderName::from_static("idempotency-replayed");
    if marker == USUAL.as_str() {
        return Some(USUAL.clone());
    }
    marker.parse().ok()
}

#[cfg(test)]
mod tests {
    use idem_core::Headers;

    use super::*;

    #[test]
    fn a_status_that_cannot_be_is_no_success() {
        let damaged = idem_core::Response::new(0, Headers::default(), "{}".into());
        let answer = response(&damaged, None);
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
