//! Requests as Lambda hands them over, events of API Gateway, and what is lost of them on the way.

use axum::Router;
use lambda_http::http::uri::PathAndQuery;
use lambda_http::http::{HeaderMap, Uri};
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, Error, Request};

/// Asks for requests and answers them, one after the other, until Lambda ends this process.
pub(super) async fn serve(routes: Router) -> Result<(), Error> {
    let routes = routes.map_request(with_query_in_order);
    let events = Adapter::from(routes).map_request(with_each_line);
    lambda_runtime::run(events).await
}

/// An event has a request's headers twice: all lines, and the last one of each name. What makes a
/// request of it would take the latter for the former, and a key that was sent twice for one.
fn with_each_line(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV1(request) = &mut event.payload
        && !request.multi_value_headers.is_empty()
    {
        // The host is in both, and looked for here.
        request.headers = hosts(&request.headers);
    }
    event
}

fn hosts(headers: &HeaderMap) -> HeaderMap {
    let names = ["host", "x-forwarded-proto"];
    let kept = headers
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// An event has a query as a map, in no order, and two events of one request have two. Names are
/// sorted, so that a duplicate asks for the same; values of one name stay in their order.
fn with_query_in_order(mut request: Request) -> Request {
    if let Some(uri) = in_order(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The same with its query sorted by names; `None` without one.
fn in_order(uri: &Uri) -> Option<Uri> {
    let mut pairs: Vec<_> = uri.query()?.split('&').collect();
    pairs.sort_by_key(|pair| pair.split('=').next());
    let target = format!("{}?{}", uri.path(), pairs.join("&"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use lambda_http::Context;

    use super::*;

    /// An event of API Gateway with these members.
    fn event(members: &str) -> LambdaEvent<LambdaRequest> {
        let json = format!(
            r#"{{"httpMethod": "POST", "path": "/orders", "requestContext": {{"httpMethod": "POST"}}, {members}}}"#
        );
        let request = serde_json::from_str(&json).unwrap();
        LambdaEvent::new(request, Context::default())
    }

    fn request(members: &str) -> Request {
        with_each_line(event(members)).payload.into()
    }

    #[test]
    fn each_line_of_a_header_is_there() {
        let headers = r#"
            "headers": {"Host": "api.example.com", "Idempotency-Key": "2"},
            "multiValueHeaders": {"Host": ["api.example.com"], "Idempotency-Key": ["1", "2"]}"#;
        let request = request(headers);
        let keys: Vec<_> = request
            .headers()
            .get_all("idempotency-key")
            .iter()
            .collect();
        assert_eq!(keys, ["1", "2"]);
        assert_eq!(request.uri().host(), Some("api.example.com"));
    }

    #[test]
    fn headers_without_lines_are_there_too() {
        let request = request(r#""headers": {"Idempotency-Key": "1"}"#);
        assert_eq!(request.headers()["idempotency-key"], "1");
    }

    #[test]
    fn a_query_has_one_order() {
        for (uri, sorted) in [
            (
                "https://host/orders?b=2&a=1&b=1",
                "https://host/orders?a=1&b=2&b=1",
            ),
            ("/orders?a", "/orders?a"),
            ("/orders?", "/orders?"),
        ] {
            assert_eq!(in_order(&uri.parse().unwrap()).unwrap(), sorted);
        }
        assert_eq!(in_order(&"/orders".parse().unwrap()), None);
    }
}
