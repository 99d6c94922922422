//! Between the types of actix-web and those of the core.

use std::borrow::Cow;

use actix_web::{
    HttpMessage, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use idem_core::{CurrentExecution, adapter::RequestHead};

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

    fn current_execution(&self) -> Option<CurrentExecution> {
        self.0.extensions().get().cloned()
    }
}

/// A response of the core, with a header that marks it as a replay if it is one.
pub(crate) fn response<B: MessageBody>(
    request: ServiceRequest,
    response: &idem_core::Response,
    marker: Option<&str>,
) -> ServiceResponse<EitherBody<B>> {
    request.into_response(http_response(response, marker).map_into_right_body())
}

/// The same, apart from the request that it answers.
pub(crate) fn http_response(response: &idem_core::Response, marker: Option<&str>) -> HttpResponse {
    // A record with a status that cannot be sent is damaged: what else it says must not look like a success.
    let Ok(status) = StatusCode::from_u16(response.status()) else {
        return HttpResponse::InternalServerError().finish();
    };
    let mut answer = HttpResponse::new(status);
    let headers = answer.headers_mut();
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
        .set_body(response.body().clone())
        .map_into_boxed_body()
}

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
    use actix_web::test::TestRequest;
    use idem_core::Headers;

    use super::*;

    #[test]
    fn a_status_that_cannot_be_is_no_success() {
        let damaged = idem_core::Response::new(0, Headers::default(), "{}".into());
        let request = TestRequest::default().to_srv_request();
        let answer = response::<actix_web::body::BoxBody>(request, &damaged, None);
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
