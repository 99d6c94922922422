//! HTTP requests as events of a REST API, and its answers as HTTP responses.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

const STAGE: &str = "prod";

type Lines = BTreeMap<String, Vec<String>>;

/// The event of a request; API Gateway takes for text what is text, unless told otherwise.
pub(super) fn of_request(head: &Parts, body: &Bytes) -> Value {
    let (path, method) = (head.uri.path(), head.method.as_str());
    let headers = headers(head);
    let query = query(head);
    let (body, is_base64) = match str::from_utf8(body) {
        _ if body.is_empty() => (None, false),
        Ok(text) if is_json(head) => (Some(text.to_owned()), false),
        _ => (Some(BASE64_STANDARD.encode(body)), true),
    };
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": last(&headers),
        "multiValueHeaders": headers,
        "queryStringParameters": query.as_ref().map(last),
        "multiValueQueryStringParameters": query,
        "pathParameters": {"proxy": path.trim_start_matches('/')},
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "1234567890",
            "domainName": "1234567890.execute-api.eu-central-1.amazonaws.com",
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": null},
            "path": format!("/{STAGE}{path}"),
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTimeEpoch": 1_700_000_000_000_u64,
            "resourceId": "123456",
            "resourcePath": "/{proxy+}",
            "stage": STAGE,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

fn is_json(head: &Parts) -> bool {
    let content_type = head.headers.get("content-type");
    content_type.is_some_and(|value| value.as_bytes().ends_with(b"json"))
}

fn headers(head: &Parts) -> Lines {
    let mut lines = Lines::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        lines
            .entry(name.as_str().to_owned())
            .or_default()
            .push(value);
    }
    let proto = vec!["https".to_owned()];
    lines.insert("X-Forwarded-Proto".to_owned(), proto);
    lines
}

/// The query, decoded and in no order; `None` without one.
fn query(head: &Parts) -> Option<Lines> {
    let query = head.uri.query().filter(|query| !query.is_empty())?;
    let url = reqwest::Url::parse(&format!("http://host/?{query}")).ok()?;
    let mut lines = Lines::new();
    for (name, value) in url.query_pairs() {
        let values = lines.entry(name.into_owned()).or_default();
        values.push(value.into_owned());
    }
    Some(lines)
}

fn last(lines: &Lines) -> BTreeMap<&str, &str> {
    let last = lines.iter().map(|(name, values)| {
        let value = values.last().map_or("", String::as_str);
        (name.as_str(), value)
    });
    last.collect()
}

/// The response that an answer stands for; `None` if it is malformed, which API Gateway does not tell
/// a client.
pub(super) fn to_response(answer: &Value) -> Option<Response<Body>> {
    let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
    let body = answer["body"].as_str().unwrap_or_default();
    let body = match answer["isBase64Encoded"].as_bool()? {
        true => BASE64_STANDARD.decode(body).ok()?,
        false => body.as_bytes().to_vec(),
    };
    let mut response = Response::builder()
        .status(status)
        .body(Body::from(body))
        .ok()?;
    for (name, values) in answer["multiValueHeaders"].as_object()? {
        let name: HeaderName = name.parse().ok()?;
        for value in values.as_array()? {
            let value = HeaderValue::from_str(value.as_str()?).ok()?;
            response.headers_mut().append(name.clone(), value);
        }
    }
    // The server that sends it counts the bytes itself.
    response.headers_mut().remove(CONTENT_LENGTH);
    Some(response)
}
