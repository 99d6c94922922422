//! Bodies as tower services have them: limits outside the layer, lengths that are known, and trailers.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::ready,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::DefaultBodyLimit,
    http::{HeaderMap, Request, Response, StatusCode},
    routing::post,
};
use futures_util::{StreamExt, stream};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use idem_axum::IdempotencyLayer;
use idem_core::{MemoryStore, Policy};
use idem_http_tests::{Effects, NEVER, Server, send, serve_app};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::limit::RequestBodyLimitLayer;

use crate::Axum;

async fn serve(app: impl FnOnce(Router) -> Router) -> Server {
    let effects = Effects::default();
    let runs = effects.clone();
    let handler = move |_: Bytes| async move { runs.run().to_string() };
    let app = app(Router::new().route("/upload", post(handler)));
    Server::at(serve_app(app).await, effects)
}

fn chunked(chunks: usize) -> reqwest::Body {
    let chunk = |_| Ok::<_, std::io::Error>("x".repeat(100));
    reqwest::Body::wrap_stream(stream::iter(0..chunks).map(chunk))
}

// S89
#[tokio::test]
async fn a_limit_outside_the_layer_answers_as_it_does_without_a_key() {
    let by_layer = |app: Router| {
        app.layer(IdempotencyLayer::new(MemoryStore::new()))
            .layer(RequestBodyLimitLayer::new(1_000))
    };
    let by_extractor = |app: Router| {
        app.layer(IdempotencyLayer::new(MemoryStore::new()))
            .layer(DefaultBodyLimit::max(1_000))
    };
    for server in [serve(by_layer).await, serve(by_extractor).await] {
        for keyed in [false, true] {
            let with_length = reqwest::Body::from("x".repeat(1_001));
            for body in [chunked(11), with_length] {
                let mut request = server.request(reqwest::Method::POST, "/upload").body(body);
                if keyed {
                    request = request.header("idempotency-key", "k");
                }
                let answer = send(request).await;
                let text = answer.text();
                assert_eq!(answer.status, 413, "with a key: {keyed}, {text}");
            }
        }
        assert_eq!(server.effects.runs(), 0);
        let within = send(server.post("/upload", "k", chunked(10))).await;
        assert_eq!((within.status, within.text().as_str()), (200, "1"));
    }
}

/// What a service answers to a request under a key, and what a retry gets.
async fn twice<S, B>(service: S, policy: Policy) -> [Response<Body>; 2]
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let service = IdempotencyLayer::new(MemoryStore::new())
        .policy(policy)
        .layer(service);
    let first = service.clone().oneshot(keyed()).await.unwrap();
    [first, service.oneshot(keyed()).await.unwrap()]
}

pub(crate) fn keyed() -> Request<Body> {
    let request = Request::post("/").header("idempotency-key", "k");
    request.body(Body::empty()).unwrap()
}

/// A response whose body ends with a trailer.
fn trailed(
    body: impl Into<Bytes>,
    name: &'static str,
    value: &'static str,
) -> Response<impl http_body::Body<Data = Bytes, Error = Infallible> + Send> {
    let trailer = (name.parse().unwrap(), value.parse().unwrap());
    let trailers = HeaderMap::from_iter([trailer]);
    let body = Full::new(body.into());
    Response::new(body.with_trailers(ready(Some(Ok(trailers)))))
}

/// A body that is there after a while, with its length known before or not.
struct Late {
    sleep: Pin<Box<Sleep>>,
    data: Option<Bytes>,
    exact: bool,
}

impl http_body::Body for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let late = self.sleep.as_mut();
        late.poll(cx)
            .map(|()| self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.data {
            Some(data) if self.exact => SizeHint::with_exact(data.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

async fn is_kept(after: Duration, exact: bool, policy: Policy) -> bool {
    let handler = service_fn(move |_: Request<Body>| async move {
        let data = Some(Bytes::from_static(b"goats"));
        let sleep = Box::pin(sleep(after));
        Ok::<_, Infallible>(Response::new(Late { sleep, data, exact }))
    });
    let [first, retry] = twice(handler, policy).await;
    let whole = first.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(whole, "goats", "its client gets it whole");
    let kept = retry.headers().contains_key("idempotency-replayed");
    assert_eq!(retry.status(), if kept { 200 } else { 409 });
    kept
}

// S90
#[tokio::test(start_paused = true)]
async fn a_body_is_a_stream_if_nobody_knows_its_length_and_it_takes_too_long() {
    let ms = Duration::from_millis;
    for (after, exact, kept) in [
        (ms(99), false, true),
        (ms(101), false, false),
        (ms(29_999), true, true),
        (ms(30_001), true, false),
    ] {
        let policy = Policy::reference();
        assert_eq!(
            is_kept(after, exact, policy).await,
            kept,
            "{after:?}, {exact}"
        );
    }
    for (grace, after, kept) in [
        (ms(5_000), ms(4_999), true),
        (ms(5_000), ms(5_001), false),
        (Duration::ZERO, ms(1), false),
        (Duration::ZERO, ms(0), true),
        (Duration::MAX, ms(3_600_000), true),
    ] {
        let policy = Policy::reference().stream_after(grace);
        assert_eq!(
            is_kept(after, false, policy).await,
            kept,
            "{grace:?}, {after:?}"
        );
    }
}

#[tokio::test]
async fn a_response_with_trailers_is_passed_on_with_them_and_not_kept() {
    let handler = service_fn(|_: Request<Body>| async { Ok(trailed("whole", "x-sum", "17")) });
    let [first, retry] = twice(handler, Policy::reference()).await;
    let whole = first.into_body().collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["x-sum"], "17");
    assert_eq!(whole.to_bytes(), "whole");
    assert_eq!(retry.status(), 409);
}

#[tokio::test]
async fn a_grpc_failure_in_trailers_frees_the_key_and_reaches_its_client() {
    let answer = async |code: &'static str| {
        let trailed = move || trailed("whole", "grpc-status", code);
        let handler = service_fn(move |_: Request<Body>| async move { Ok(trailed()) });
        twice(handler, Policy::reference()).await
    };
    let [first, retry] = answer("13").await;
    let whole = first.into_body().collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["grpc-status"], "13");
    assert_eq!(whole.to_bytes(), "whole");
    assert_eq!(retry.status(), 200, "it ran again");
    let [_, retry] = answer("0").await;
    assert_eq!(
        retry.status(),
        409,
        "it was done, and trailers are not kept"
    );
}

/// As tonic sends and answers them, by hand.
#[tokio::test]
async fn a_grpc_request_passes_through_with_its_trailers() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let handler = service_fn(|request: Request<Body>| async {
        let run = RUNS.fetch_add(1, Ordering::SeqCst) + 1;
        assert_eq!(
            request.into_body().collect().await.unwrap().to_bytes(),
            "\0\0\0\0\0"
        );
        Ok::<_, Infallible>(trailed(format!("run {run}"), "grpc-status", "0"))
    });
    let service = IdempotencyLayer::new(MemoryStore::new())
        .policy(Policy::ietf())
        .layer(handler);
    for (content_type, run) in [
        ("application/grpc", "run 1"),
        ("application/grpc+proto", "run 2"),
        ("Application/gRPC-Web", "run 3"),
    ] {
        let request = Request::post("/goats.Market/Order")
            .header("idempotency-key", "k")
            .header("content-type", content_type)
            .body(Body::from("\0\0\0\0\0"))
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let whole = response.into_body().collect().await.unwrap();
        assert_eq!(whole.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(whole.to_bytes(), run);
    }
}

/// A handler may call services with requests that it made of its own, and with keys of theirs.
#[tokio::test]
async fn a_request_that_a_handler_made_with_another_key_is_protected_by_itself() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let layer = IdempotencyLayer::new(MemoryStore::new());
    let part = layer.layer(service_fn(|_: Request<Body>| async {
        let run = RUNS.fetch_add(1, Ordering::SeqCst) + 1;
        Ok::<_, Infallible>(Response::new(Body::from(run.to_string())))
    }));
    let batch = service_fn(move |request: Request<Body>| {
        let part = part.clone();
        async move {
            let (mut head, _) = request.into_parts();
            head.headers
                .insert("idempotency-key", "part".parse().unwrap());
            part.oneshot(Request::from_parts(head, Body::empty()))
                .await?;
            // The batch fails after one of its parts has been done.
            let mut failed = Response::new(Body::empty());
            *failed.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(failed)
        }
    });
    for response in twice(batch, Policy::reference()).await {
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    }
    assert_eq!(RUNS.load(Ordering::SeqCst), 1);
}

/// An endless upload under a limit ends with the limit, and one that breaks off is told so.
// S48
#[tokio::test]
async fn an_upload_that_breaks_off_is_told_apart_from_one_that_is_too_large() {
    let layer = IdempotencyLayer::new(MemoryStore::new());
    let service = layer.layer(service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let upload = |body: Body| {
        let request = Request::post("/").header("idempotency-key", "k");
        service.clone().oneshot(request.body(body).unwrap())
    };
    let broken = stream::iter([Ok("x"), Err(std::io::Error::other("a planted error"))]);
    assert_eq!(
        upload(Body::from_stream(broken)).await.unwrap().status(),
        400
    );
    let limited = http_body_util::Limited::new(Body::from("12345"), 4);
    let hidden = limited.map_err(|error| std::io::Error::other(std::io::Error::other(error)));
    assert_eq!(upload(Body::new(hidden)).await.unwrap().status(), 413);
    let endless = stream::repeat("x".repeat(1_000)).map(Ok::<_, Infallible>);
    assert_eq!(
        upload(Body::from_stream(endless)).await.unwrap().status(),
        413
    );
}

// S48
#[tokio::test]
async fn a_request_that_is_refused_by_its_head_is_not_asked_for_its_body() {
    let server = Server::start::<Axum>(Policy::reference().max_request_bytes(1_000)).await;
    for (key, length, told) in [
        ("a,b", 2, "HTTP/1.1 400"),
        ("k", 1_001, "HTTP/1.1 413"),
        ("k", 2, "HTTP/1.1 100"),
    ] {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST /orders HTTP/1.1\r\nhost: goats\r\nidempotency-key: {key}\r\n\
             expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        let answered = timeout(NEVER, client.read_exact(&mut status)).await;
        answered.expect("it is answered").unwrap();
        assert_eq!(std::str::from_utf8(&status).unwrap(), told);
    }
}

/// Claims the largest length there can be, as a body does under no limit.
struct AsLongAsCanBe(VecDeque<Bytes>);

impl http_body::Body for AsLongAsCanBe {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|data| Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_upper(u64::MAX);
        hint
    }
}

#[tokio::test]
async fn a_body_that_may_be_as_long_as_can_be_goes_to_its_client_whole() {
    let policy = Policy::reference().max_response_bytes(1_000);
    let long = async || {
        let pieces = (0..3).map(|_| Bytes::from(vec![b'g'; 600]));
        Body::new(AsLongAsCanBe(pieces.collect()))
    };
    let server = serve(|app| {
        let app = app.route("/long", post(long));
        app.layer(IdempotencyLayer::new(MemoryStore::new()).policy(policy))
    })
    .await;
    assert_eq!(
        send(server.post("/long", "k", "{}")).await.body,
        vec![b'g'; 1_800]
    );
    assert_eq!(send(server.post("/long", "k", "{}")).await.status, 409);
}
