//! Where the middleware may stand: apps, scopes and resources, and what it passes on there.

use std::{cell::Cell, fmt, rc::Rc, time::Duration};

use actix_web::{
    App, Error, HttpMessage, HttpResponse,
    body::{MessageBody, SizedStream},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::{ErrorInternalServerError, ErrorUnauthorized, InternalError, PayloadError},
    middleware::{Next, from_fn},
    rt,
    test::{TestRequest, call_service, init_service, read_body, try_call_service},
    web,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use idem_actix::IdempotencyMiddleware;
use idem_core::{MemoryStore, Policy};
use idem_http_tests::{Effects, Server, send, serve_actix_app};

fn serve(routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) -> Server {
    let effects = Effects::default();
    let data = effects.clone();
    let (address, _) = serve_actix_app(move |config| {
        config.app_data(web::Data::new(data.clone()));
        routes(config);
    });
    Server::at(address, effects)
}

async fn count(effects: web::Data<Effects>) -> String {
    effects.run().to_string()
}

// S22
#[tokio::test]
async fn a_scope_is_known_by_the_whole_path() {
    let idempotency = IdempotencyMiddleware::new(MemoryStore::new());
    let server = serve(move |config| {
        for name in ["/a", "/b"] {
            let scope = web::scope(name).wrap(idempotency.clone());
            config.service(scope.route("/orders", web::post().to(count)));
        }
    });
    assert_eq!(send(server.post("/a/orders", "k", "{}")).await.text(), "1");
    // Inside, both paths are `/orders`; the client asked for two resources.
    assert_eq!(send(server.post("/b/orders", "k", "{}")).await.status, 400);
    assert!(send(server.post("/a/orders", "k", "{}")).await.is_replay());
}

#[tokio::test]
async fn a_middleware_on_one_resource_leaves_the_others_alone() {
    let idempotency = IdempotencyMiddleware::new(MemoryStore::new());
    let server = serve(move |config| {
        let safe = web::resource("/safe").wrap(idempotency.clone());
        config
            .route("/plain", web::post().to(count))
            .service(safe.route(web::post().to(count)));
    });
    for (path, replayed) in [("/plain", false), ("/safe", true)] {
        send(server.post(path, "k", "{}")).await;
        assert_eq!(
            send(server.post(path, "k", "{}")).await.is_replay(),
            replayed
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_where_no_task_can_take_it_over_leaves_its_key_to_its_lease() {
    // There is no `LocalSet` here, as under a plain `#[tokio::main]`.
    let idempotency = IdempotencyMiddleware::new(MemoryStore::new());
    let app = App::new().wrap(idempotency.clone());
    let never = web::post().to(std::future::pending::<&'static str>);
    let app = init_service(app.route("/orders", never)).await;
    let calling = call_service(&app, post().to_request());
    let called = tokio::time::timeout(Duration::from_millis(100), calling).await;
    assert!(called.is_err());
    assert_eq!(call_service(&app, post().to_request()).await.status(), 202);
    idempotency.drain().await;
}

fn post() -> TestRequest {
    TestRequest::post()
        .uri("/orders")
        .insert_header(("idempotency-key", "k"))
}

#[actix_web::test]
async fn an_app_is_protected_and_its_handlers_need_not_be_send() {
    let app = App::new().wrap(IdempotencyMiddleware::new(MemoryStore::new()));
    let runs = Rc::new(Cell::new(0));
    let handler = move |body: String| {
        let runs = Rc::clone(&runs);
        async move {
            runs.set(runs.get() + 1);
            rt::task::yield_now().await;
            format!("run {} got {body}", runs.get())
        }
    };
    let app = init_service(app.route("/orders", web::post().to(handler))).await;
    for replayed in [false, true] {
        let answer = call_service(&app, post().set_payload("12345").to_request()).await;
        let marked = answer.headers().contains_key("idempotency-replayed");
        assert_eq!(marked, replayed);
        assert_eq!(read_body(answer).await, "run 1 got 12345");
    }
}

/// Refuses the first request that it sees, as an inner authentication might.
async fn refuse_once(
    refused: Rc<Cell<bool>>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !refused.replace(true) {
        return Err(ErrorUnauthorized("who are you?"));
    }
    next.call(request).await
}

// S94
#[actix_web::test]
async fn an_error_of_an_inner_middleware_frees_the_key() {
    let refused = Rc::new(Cell::new(false));
    let inner = from_fn(move |request, next| refuse_once(Rc::clone(&refused), request, next));
    let app = App::new()
        .wrap(inner)
        .wrap(IdempotencyMiddleware::new(MemoryStore::new()));
    let ok = || async { "done" };
    let app = init_service(app.route("/orders", web::post().to(ok))).await;
    let error = try_call_service(&app, post().to_request())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "who are you?");
    for replayed in [false, true] {
        let answer = call_service(&app, post().to_request()).await;
        let marked = answer.headers().contains_key("idempotency-replayed");
        assert_eq!(marked, replayed);
    }
}

/// Fails after its handler has run, as one that writes a log might.
async fn fail_late(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    match response.status().as_u16() {
        200 => Err(ErrorInternalServerError("broken")),
        _ => Ok(response),
    }
}

// S94
#[tokio::test]
async fn an_error_after_the_handler_is_kept_where_failures_are() {
    for (policy, kept) in [(Policy::stripe(), true), (Policy::reference(), false)] {
        let idempotency = IdempotencyMiddleware::new(MemoryStore::new()).policy(policy);
        let server = serve(move |config| {
            let scope = web::scope("")
                .wrap(from_fn(fail_late))
                .wrap(idempotency.clone());
            config.service(scope.route("/orders", web::post().to(count)));
        });
        let first = send(server.post("/orders", "k", "{}")).await;
        let again = send(server.post("/orders", "k", "{}")).await;
        assert_eq!((first.status, first.text().as_str()), (500, "broken"));
        assert_eq!(first.comparable(), again.comparable());
        assert_eq!(again.is_replay(), kept);
        assert_eq!(server.effects.runs(), if kept { 1 } else { 2 });
    }
}

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handler broke")
    }
}

/// Fails after its handler has run, with a response that the error gives away once.
async fn fail_with_a_response(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    if response.status() != 200 {
        return Ok(response);
    }
    let own = HttpResponse::ServiceUnavailable()
        .insert_header(("x-own", "1"))
        .body("our own words");
    Err(InternalError::from_response(Broken, own).into())
}

// S94
#[tokio::test]
async fn a_client_gets_the_response_that_an_error_was_made_with() {
    let everything = Policy::reference().save_when(|_, _| true);
    let nothing = Policy::reference().save_when(|_, _| false);
    for (policy, kept) in [
        (Policy::reference(), false),
        (Policy::ietf(), false),
        (Policy::stripe(), true),
        (everything, true),
        (nothing, false),
    ] {
        let idempotency = IdempotencyMiddleware::new(MemoryStore::new()).policy(policy);
        let server = serve(move |config| {
            let scope = web::scope("")
                .wrap(from_fn(fail_with_a_response))
                .wrap(idempotency.clone());
            config.service(scope.route("/orders", web::post().to(count)));
        });
        for again in [false, true] {
            let answer = send(server.post("/orders", "k", "{}")).await;
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (503, "our own words")
            );
            assert_eq!(answer.header("x-own"), Some("1"));
            assert_eq!(answer.is_replay(), again && kept);
        }
        assert_eq!(server.effects.runs(), if kept { 1 } else { 2 });
    }
}

#[actix_web::test]
async fn an_error_reaches_outer_middlewares_as_it_was() {
    for (policy, is_itself) in [(Policy::reference(), true), (Policy::stripe(), false)] {
        let app = App::new()
            .wrap(from_fn(fail_with_a_response))
            .wrap(IdempotencyMiddleware::new(MemoryStore::new()).policy(policy));
        let ok = || async { "done" };
        let app = init_service(app.route("/orders", web::post().to(ok))).await;
        let failed = try_call_service(&app, post().to_request()).await;
        let error = failed.unwrap_err();
        assert_eq!(error.to_string(), "the handler broke");
        assert!(error.as_error::<InternalError<Broken>>().is_some() == is_itself);
        assert_eq!(error.as_response_error().status_code(), 503);
    }
}

/// Lets 1,000 bytes through, and fails then.
async fn limit(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut left = 1_000_usize;
    let payload = request.take_payload().map(move |chunk| {
        let chunk = chunk?;
        left = left
            .checked_sub(chunk.len())
            .ok_or(PayloadError::Overflow)?;
        Ok(chunk)
    });
    let payload = Box::pin(payload);
    request.set_payload(Payload::Stream { payload });
    next.call(request).await
}

async fn upload(effects: web::Data<Effects>, _: Bytes) -> String {
    effects.run().to_string()
}

// S89
#[tokio::test]
async fn a_limit_outside_the_middleware_answers_as_it_does_without_a_key() {
    let [idempotency, protected] =
        [(), ()].map(|()| IdempotencyMiddleware::new(MemoryStore::new()));
    let by_middleware = serve(move |config| {
        let scope = web::scope("").wrap(protected.clone()).wrap(from_fn(limit));
        config.service(scope.route("/upload", web::post().to(upload)));
    });
    let by_extractor = serve(move |config| {
        let scope = web::scope("").wrap(idempotency.clone());
        config
            .app_data(web::PayloadConfig::new(1_000))
            .service(scope.route("/upload", web::post().to(upload)));
    });
    let chunked = |chunks| {
        let chunk = || Ok::<_, std::io::Error>("x".repeat(100));
        reqwest::Body::wrap_stream(stream::iter(0..chunks).map(move |_| chunk()))
    };
    for server in [by_middleware, by_extractor] {
        for keyed in [false, true] {
            let with_length = reqwest::Body::from("x".repeat(1_001));
            for body in [chunked(11), with_length] {
                let mut request = server.request(reqwest::Method::POST, "/upload").body(body);
                if keyed {
                    request = request.header("idempotency-key", "k");
                }
                assert_eq!(send(request).await.status, 413, "with a key: {keyed}");
            }
        }
        assert_eq!(server.effects.runs(), 0);
        let within = send(server.post("/upload", "k", chunked(10))).await;
        assert_eq!((within.status, within.text().as_str()), (200, "1"));
    }
}

// S90
#[actix_web::test]
async fn a_body_of_known_length_is_kept_however_late_it_comes() {
    // Time passes only while everything waits, however busy the machine is.
    tokio::time::pause();
    let idempotency = IdempotencyMiddleware::new(MemoryStore::new())
        .policy(Policy::reference().stream_after(Duration::ZERO));
    let late = |exact: bool| async move {
        let data = stream::once(async {
            rt::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, Error>(Bytes::from_static(b"goats"))
        });
        let mut response = HttpResponse::Ok();
        if exact {
            response.body(SizedStream::new(5, Box::pin(data)))
        } else {
            response.streaming(Box::pin(data))
        }
    };
    let app = App::new()
        .wrap(idempotency)
        .route("/known", web::post().to(move || late(true)))
        .route("/unknown", web::post().to(move || late(false)));
    let app = init_service(app).await;
    for (path, status) in [("/known", 200), ("/unknown", 409)] {
        let request = || post().uri(path).insert_header(("idempotency-key", path));
        let first = call_service(&app, request().to_request()).await;
        assert_eq!(read_body(first).await, "goats");
        let retry = call_service(&app, request().to_request()).await;
        assert_eq!(retry.status(), status, "{path}");
    }
}

#[actix_web::test]
async fn a_grpc_request_passes_through() {
    let app =
        App::new().wrap(IdempotencyMiddleware::new(MemoryStore::new()).policy(Policy::ietf()));
    let effects = web::Data::new(Effects::default());
    let app = app.app_data(effects.clone());
    let app = init_service(app.route("/orders", web::post().to(count))).await;
    for run in ["1", "2"] {
        let request = post().insert_header(("content-type", "application/grpc"));
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(read_body(answer).await, run);
    }
}
