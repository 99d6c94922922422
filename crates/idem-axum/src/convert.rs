//! Between the types of the `http` crate and those of the core.

use axum::{
    body::Body,
    extract::{MatchedPath, OriginalUri},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, request::Parts};
use idem_core::RequestHead;

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

    fn route(&self) -> Option<&str> {
        self.0.extensions.get().map(MatchedPath::as_str)
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
    }
}

/// The lines of a header map, in order.
pub(crate) fn lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// A response of the core, as it is.
pub(crate) fn response(response: &idem_core::Response) -> Response<Body> {
    let mut answer = Response::new(Body::from(response.body().clone()));
    // What is no status or no header was in no response either: a damaged record at worst.
    if let Ok(status) = StatusCode::from_u16(response.status()) {
        *answer.status_mut() = status;
    }
    let headers = answer.headers_mut();
    headers.reserve(response.headers().iter().count() + 1);
    for (name, value) in response.headers().iter() {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    answer
}

/// A recorded response, marked as a replay.
pub(crate) fn replay(recorded: &idem_core::Response, marker: &str) -> Response<Body> {
    let mut answer = response(recorded);
    if let Ok(marker) = marker.parse::<HeaderName>() {
        answer
            .headers_mut()
            .insert(marker, HeaderValue::from_static("true"));
    }
    answer
}
