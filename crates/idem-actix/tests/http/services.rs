//! Where the middleware may stand: apps, scopes and resources, and what it passes on there.

use std::{cell::Cell, rc::Rc, time::Duration};

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorUnauthorized,
    middleware::{Next, from_fn},
    rt,
    test::{TestRequest, call_service, init_service, read_body, try_call_service},
    web,
};
use idem_actix::IdempotencyMiddleware;
use idem_core::MemoryStore;

use crate::{
    market::serve_app,
    support::{Effects, Server, send, store},
};

fn serve(routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) -> Server {
    let effects = Effects::new();
    let data = effects.clone();
    let (address, _) = serve_app(move |config| {
        config.app_data(web::Data::new(data.clone()));
        routes(config);
    });
    Server::at(address, effects)
}

async fn count(effects: web::Data<Effects>) -> String {
    effects.run().to_string()
}

#[tokio::test]
async fn a_scope_is_known_by_the_whole_path() {
    let idempotency = IdempotencyMiddleware::new(store());
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
    let idempotency = IdempotencyMiddleware::new(store());
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

#[tokio::test]
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
