//! The market in actix-web: routes whose answers show what the middleware does with them.

use std::{net::SocketAddr, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::{ServerHandle, ServiceRequest},
    http::StatusCode,
    web,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use idem_core::{CurrentExecution, Scope};
use reqwest::Result;

use crate::support::Effects;

pub(crate) type Layer = idem_actix::IdempotencyMiddleware;

/// Serves the market under a middleware, on a port of its own.
pub(crate) async fn serve(layer: Layer, effects: Effects) -> SocketAddr {
    serve_until_stopped(layer, effects).0
}

/// As `serve`, with what stops the server.
pub(crate) fn serve_until_stopped(layer: Layer, effects: Effects) -> (SocketAddr, ServerHandle) {
    serve_app(move |config| {
        let market = web::scope("").wrap(layer.clone()).configure(market);
        config
            .app_data(web::Data::new(effects.clone()))
            .service(market);
    })
}

/// Serves the market twice under a middleware, at `/nested`: the inner one stands on an inner scope.
pub(crate) async fn serve_nested(outer: Layer, inner: Layer, effects: Effects) -> SocketAddr {
    let (address, _) = serve_app(move |config| {
        let market = web::scope("/nested").wrap(inner.clone()).configure(market);
        config
            .app_data(web::Data::new(effects.clone()))
            .service(web::scope("").wrap(outer.clone()).service(market));
    });
    address
}

/// Serves an app of any routes with two workers, so that what one knows the other must too.
pub(crate) fn serve_app(
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> (SocketAddr, ServerHandle) {
    let server = HttpServer::new(move || App::new().configure(routes.clone()))
        .workers(2)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let address = server.addrs()[0];
    let running = server.run();
    let handle = running.handle();
    tokio::spawn(running);
    (address, handle)
}

/// Takes the tenant from a header, as a test may; an application takes it from what it verified.
pub(crate) fn scoped_by_tenant(layer: Layer) -> Layer {
    layer.scope(|request: &ServiceRequest| {
        let tenant = request.headers().get("x-tenant")?;
        Some(Scope::from(tenant.to_str().ok()?))
    })
}

/// Takes the lease, in seconds, from a header, as a test may; an application takes it from what it knows.
pub(crate) fn leased_by_header(layer: Layer) -> Layer {
    layer.lease(|request: &ServiceRequest| {
        let seconds = request.headers().get("x-lease")?.to_str().ok()?;
        Some(Duration::from_secs(seconds.parse().ok()?))
    })
}

/// What a client gets when a handler panics: a connection that ends without an answer.
pub(crate) fn is_of_a_panic(answer: Result<reqwest::Response>) -> bool {
    answer.is_err_and(|error| error.is_request())
}

fn market(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/orders")
                .route(web::post().to(order))
                .route(web::patch().to(order))
                .route(web::get().to(order))
                .route(web::put().to(order))
                .route(web::delete().to(order)),
        )
        .route("/orders/{id}", web::post().to(order))
        .route("/gated", web::post().to(gated))
        .route("/status/{code}", web::post().to(status))
        .route("/empty", web::post().to(empty))
        .route("/created", web::post().to(created))
        .route("/binary", web::post().to(binary))
        .route("/headers", web::post().to(headers))
        .route("/panics", web::post().to(panics))
        .route("/pay", web::post().to(pay))
        .route("/travels/{code}", web::post().to(travels))
        .route("/travels-in-vain/{code}", web::post().to(travels_in_vain))
        .route("/large", web::post().to(large))
        .route("/small", web::post().to(small))
        .route("/unknown", web::post().to(unknown))
        .route("/breaks", web::post().to(breaks))
        .route("/events", web::post().to(events))
        .route("/answers/{code}", web::post().to(answers))
        .route("/answers/{code}", web::patch().to(answers))
        .route("/answers/{code}", web::put().to(answers))
        .route("/hesitant", web::post().to(hesitant))
        .route("/endless", web::post().to(endless))
        .route("/silent", web::post().to(silent));
}

type Shared = web::Data<Effects>;

/// Answers differently each time it runs, so that a replay can be told from a second run.
async fn order(effects: Shared) -> HttpResponse {
    let id = effects.run();
    HttpResponse::Created()
        .insert_header(("location", format!("/orders/{id}")))
        .json(serde_json::json!({ "id": id }))
}

async fn gated(effects: Shared) -> HttpResponse {
    let id = effects.run();
    effects.gate.acquire().await.unwrap().forget();
    HttpResponse::Created().json(serde_json::json!({ "id": id }))
}

/// Answers with the status in the path, or with 201 once the payload says that it is repaired.
async fn status(effects: Shared, code: web::Path<u16>, body: Bytes) -> HttpResponse {
    let run = effects.run();
    let repaired = body.windows(8).any(|window| window == b"repaired");
    let code = if repaired { 201 } else { *code };
    HttpResponse::build(StatusCode::from_u16(code).unwrap()).body(format!("run {run}"))
}

async fn empty(effects: Shared) -> HttpResponse {
    effects.run();
    HttpResponse::NoContent().finish()
}

async fn created(effects: Shared) -> HttpResponse {
    let location = format!("/orders/{}", effects.run());
    HttpResponse::Created()
        .insert_header(("location", location))
        .finish()
}

async fn binary(effects: Shared) -> HttpResponse {
    let run = effects.run() as u8;
    let body: Vec<u8> = (0..=255).chain([0, 0xc3, 0x28, run]).collect();
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .body(body)
}

async fn headers(effects: Shared) -> HttpResponse {
    let run = effects.run().to_string();
    let mut response = HttpResponse::Ok();
    for (name, value) in [
        ("x-repeated", b"first".as_slice()),
        ("x-repeated", b"second"),
        ("x-repeated", b"first"),
        ("x-opaque", b"caf\xe9"),
        ("set-cookie", b"session=1"),
        ("set-cookie", b"theme=dark"),
        ("x-hop", b"1"),
        ("connection", b"x-hop"),
        ("keep-alive", b"timeout=5"),
        ("x-run", run.as_bytes()),
    ] {
        response.append_header((name, value));
    }
    response.finish()
}

async fn panics(effects: Shared) -> &'static str {
    assert!(effects.run() > 1, "a planted panic");
    "done"
}

/// Tells what the handler sees of its execution.
async fn pay(effects: Shared, current: Option<web::ReqData<CurrentExecution>>) -> String {
    effects.run();
    current.map_or("unprotected".to_owned(), |current| {
        let key = current.key().as_str();
        format!("{key} {}", current.derived_key("payment"))
    })
}

/// Sends its lease away, and answers with the status in the path.
async fn travels(
    effects: Shared,
    current: web::ReqData<CurrentExecution>,
    code: web::Path<u16>,
) -> HttpResponse {
    effects.send(&current).await;
    HttpResponse::build(StatusCode::from_u16(*code).unwrap()).body("on its way")
}

/// Has its lease sent by a task, which fails later, and answers with the status in the path.
async fn travels_in_vain(
    effects: Shared,
    current: web::ReqData<CurrentExecution>,
    code: web::Path<u16>,
) -> HttpResponse {
    effects.send_in_vain(&current);
    tokio::task::yield_now().await;
    HttpResponse::build(StatusCode::from_u16(*code).unwrap()).body("on its way")
}

async fn large(effects: Shared) -> String {
    effects.run();
    "x".repeat(3_000)
}

async fn small(effects: Shared) -> HttpResponse {
    effects.run();
    HttpResponse::Ok().streaming(chunks(2, 100))
}

async fn unknown(effects: Shared) -> HttpResponse {
    effects.run();
    HttpResponse::Ok().streaming(chunks(30, 100))
}

async fn breaks(effects: Shared) -> HttpResponse {
    effects.run();
    let end = stream::iter([Err(std::io::Error::other("a planted error"))]);
    HttpResponse::Ok().streaming(chunks(2, 100).chain(end))
}

async fn events(effects: Shared) -> HttpResponse {
    effects.run();
    HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .streaming(chunks(2, 100))
}

/// Answers with the status in the path and the header lines that the request asks for.
async fn answers(effects: Shared, code: web::Path<u16>, request: HttpRequest) -> HttpResponse {
    let run = effects.run();
    let mut response = HttpResponse::build(StatusCode::from_u16(*code).unwrap());
    for line in request.headers().get_all("x-answer") {
        response.append_header(line.to_str().unwrap().split_once('=').unwrap());
    }
    response.body(format!("run {run}"))
}

/// Of unknown length, and not ready at once: as behind a compression that works in other threads.
async fn hesitant(effects: Shared) -> HttpResponse {
    effects.run();
    HttpResponse::Ok().streaming(chunks(5, 100).then(|chunk| async {
        tokio::task::yield_now().await;
        chunk
    }))
}

async fn endless(effects: Shared) -> HttpResponse {
    effects.run();
    let lines = stream::repeat("{}\n").then(|line| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(line.as_bytes()))
    });
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(lines)
}

async fn silent(effects: Shared) -> HttpResponse {
    effects.run();
    HttpResponse::Ok().streaming(stream::pending::<std::io::Result<Bytes>>())
}

fn chunks(number: usize, length: usize) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::iter(0..number).map(move |_| Ok("x".repeat(length).into()))
}
