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
use idem_core::RequestHead;

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
        self.0.headers().get_all(name).map(HeaderValue::as_bytes)
    }
}

/// A response of the core, with a header that marks it as a replay if it is one.
pub(crate) fn response<B: MessageBody>(
    request: ServiceRequest,
    response: &idem_core::Response,
    marker: Option<&str>,
) -> ServiceResponse<EitherBody<B>> {
    // What is no status or no header was in no response either: a damaged record at worst.
    let status = StatusCode::from_u16(response.status()).unwrap_or(StatusCode::OK);
    let mut answer = HttpResponse::new(status);
    let headers = answer.headers_mut();
    for (name, value) in response.headers().iter() {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    if let Some(Ok(marker)) = marker.map(str::parse::<HeaderName>) {
        headers.insert(marker, HeaderValue::from_static("true"));
    }
    let answer = answer.set_body(response.body().clone());
    request.into_response(answer.map_into_boxed_body().map_into_right_body())
}
