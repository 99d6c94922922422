//! An attempt never changes a byte.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use idem_client::{Dialect, IdempotencyKey, KeySyntax, Report, decision::GaveUp};
use tower::{ServiceBuilder, ServiceExt};

use crate::stub::{Step, Stub, client, gave_up, naming};

/// Ends in each of the ways in which an attempt can end, and then well.
fn every_end() -> Vec<Step> {
    vec![
        Step::HangUp,
        Step::status(503),
        Step::answer(202, &["idempotency-refusal: idempotency-in-progress"], "{}"),
        Step::Silence,
        Step::Send("HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\npa".to_owned()),
        Step::answer(429, &["retry-after: 0"], ""),
        Step::answer(201, &["x-made: 1"], "paid"),
    ]
}

const BODY: &[u8] = b"{\"amount\": 1.0, \"note\": \"\0\xff\xfe\"}\r\n\r\n";

fn check(stub: &Stub, key_line: &str) {
    let requests = stub.requests();
    assert_eq!(requests.len(), every_end().len());
    for request in &requests {
        assert_eq!(request, &requests[0]);
        assert!(request.ends_with(BODY));
        let head = String::from_utf8_lossy(request);
        assert!(head.contains(key_line), "{head}");
        assert!(
            head.contains("content-type: Application/JSON; charset=\"UTF-8\"\r\n"),
            "{head}"
        );
        assert!(head.contains("authorization: Bearer t\r\n"), "{head}");
    }
}

#[tokio::test]
async fn all_attempts_of_reqwest_are_equal_to_the_byte() {
    let stub = Stub::start(every_end()).await;
    let response = client(naming(&stub, Dialect::idem()))
        .post(stub.url("/pay?a=%2f&b"))
        .header("content-type", "Application/JSON; charset=\"UTF-8\"")
        .header("authorization", "Bearer t")
        .with_extension(IdempotencyKey::new(r#"a"b\c"#).unwrap())
        .body(BODY)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-made"], "1");
    assert_eq!(response.url().as_str(), stub.url("/pay?a=%2f&b"));
    assert_eq!(response.content_length(), Some(4));
    assert_eq!(response.extensions().get::<Report>().unwrap().attempts(), 7);
    assert_eq!(response.text().await.unwrap(), "paid");
    check(&stub, "idempotency-key: \"a\\\"b\\\\c\"\r\n");
}

#[tokio::test]
async fn all_attempts_of_a_tower_service_are_equal_to_the_byte() {
    let stub = Stub::start(every_end()).await;
    let service = ServiceBuilder::new()
        .layer(naming(&stub, Dialect::idem().key_syntax(KeySyntax::Bare)))
        .service(Client::builder(TokioExecutor::new()).build_http());
    let request = Request::post(stub.url("/pay?a=%2f&b"))
        .header("content-type", "Application/JSON; charset=\"UTF-8\"")
        .header("authorization", "Bearer t")
        .extension(IdempotencyKey::new("order-17").unwrap())
        .body(Full::new(Bytes::from_static(BODY)))
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.extensions().get::<Report>().unwrap().attempts(), 7);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "paid");
    check(&stub, "idempotency-key: order-17\r\n");
}

#[tokio::test]
async fn a_header_of_the_callers_own_is_left_as_it_is() {
    let stub = Stub::start([Step::HangUp, Step::status(201)]).await;
    let request = client(naming(&stub, Dialect::idem())).post(stub.url("/pay"));
    let response = request
        .header("idempotency-key", "mine")
        .send()
        .await
        .unwrap();
    assert!(
        response
            .extensions()
            .get::<Report>()
            .unwrap()
            .key()
            .is_none()
    );
    for request in stub.requests() {
        assert!(String::from_utf8_lossy(&request).contains("idempotency-key: mine\r\n"));
    }
}

#[tokio::test]
async fn another_header_and_a_derived_key_can_be_chosen() {
    let stub = Stub::start([Step::status(201)]).await;
    let header = "x-request-id".parse().unwrap();
    let key = IdempotencyKey::derived("shop", "refund of invoice 1017");
    let request = client(naming(&stub, Dialect::stripe().header(header))).post(stub.url("/pay"));
    request.with_extension(key.clone()).send().await.unwrap();
    let line = format!("x-request-id: {}\r\n", key.as_str());
    assert!(String::from_utf8_lossy(&stub.requests()[0]).contains(&line));
}

#[tokio::test]
async fn each_operation_has_a_key_of_its_own() {
    let stub = Stub::start([Step::status(201)]).await;
    let client = client(naming(&stub, Dialect::idem()));
    let mut keys = Vec::new();
    for _ in 0..2 {
        let response = client.post(stub.url("/pay")).send().await.unwrap();
        let report = response.extensions().get::<Report>().unwrap();
        keys.push(report.key().unwrap().clone());
    }
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn other_methods_pass_untouched_unless_a_key_is_given() {
    let stub = Stub::start([Step::status(503)]).await;
    let client = client(naming(&stub, Dialect::idem()).attempts(2));
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let request = client.request(method.parse().unwrap(), stub.url("/"));
        assert_eq!(request.send().await.unwrap().status(), 503);
    }
    assert_eq!(stub.count(), 5);
    assert!(!String::from_utf8_lossy(&stub.requests().concat()).contains("idempotency-key"));
    let request = client
        .delete(stub.url("/"))
        .with_extension(IdempotencyKey::random());
    request.send().await.unwrap_err();
    assert_eq!(stub.count(), 7);
    client.patch(stub.url("/")).send().await.unwrap_err();
    assert_eq!(stub.count(), 9);
}

/// A body that cannot be had twice.
struct Once(VecDeque<&'static str>);

impl Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.0.pop_front();
        Poll::Ready(part.map(|it| Ok(Frame::data(it.into()))))
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_cloned_is_sent_once_and_the_error_says_so() {
    for (step, may_have_taken_effect) in [
        (Step::HangUp, true),
        (Step::status(503), true),
        (Step::status(429), false),
    ] {
        let stub = Stub::start([step]).await;
        let request = client(naming(&stub, Dialect::idem())).post(stub.url("/pay"));
        let body = reqwest::Body::wrap(Once(["a", "b"].into()));
        let error = request.body(body).send().await.unwrap_err();
        let error = gave_up(&error);
        assert_eq!(
            (error.gave_up(), error.attempts()),
            (GaveUp::BodyNotRepeatable, 1)
        );
        assert_eq!(error.may_have_taken_effect(), may_have_taken_effect);
        assert!(error.to_string().contains("cannot be cloned"), "{error}");
        assert_eq!(stub.count(), 1);
    }
}
