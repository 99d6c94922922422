//! Where the middleware itself is put.

use actix_web::{App, Resource, Route, web};
use idem_core::Policy;
use idem_http_tests::{layers::without_key, send};

use crate::{goats, idempotency};

fn post() -> Route {
    web::post().to(async || "a goat")
}

fn prices() -> Resource {
    web::resource("/prices").route(web::get().to(async || "10"))
}

#[tokio::test]
async fn a_required_key_is_asked_for_where_a_route_is_wrapped_and_nowhere_else() {
    let goats = || web::resource("/goats");

    let layer = idempotency(Policy::ietf());
    let on_the_route = move || goats().route(post().wrap(layer.clone()));
    let on_the_route = serve!(App::new().service((on_the_route(), prices())));
    assert_eq!(without_key(on_the_route).await, [400, 405, 405, 404]);

    let layer = idempotency(Policy::ietf());
    let on_the_resource = move || goats().route(post()).wrap(layer.clone());
    let on_the_resource = serve!(App::new().service((on_the_resource(), prices())));
    assert_eq!(without_key(on_the_resource).await, [400, 400, 405, 404]);

    let layer = idempotency(Policy::ietf());
    let on_a_scope = move || web::scope("").wrap(layer.clone());
    let on_a_scope =
        serve!(App::new().service(on_a_scope().service((goats().route(post()), prices()))));
    assert_eq!(without_key(on_a_scope).await, [400, 400, 400, 400]);

    let layer = idempotency(Policy::ietf());
    let on_the_app = serve!(
        App::new()
            .wrap(layer.clone())
            .service((goats().route(post()), prices()))
    );
    assert_eq!(without_key(on_the_app).await, [400, 400, 400, 400]);
}

// S88
#[tokio::test]
async fn a_middleware_on_the_app_and_again_on_a_resource_runs_the_handler_once() {
    let outer = idempotency(Policy::reference());
    // The inner policy would keep nothing.
    let inner = Policy::reference().save_when(|_, _| false);
    let inner = outer.clone().policy(inner);
    let server = serve!(
        App::new()
            .wrap(outer.clone())
            .service(goats().wrap(inner.clone()))
    );
    for replayed in [false, true] {
        let answer = send(server.post("/goats", "k", "{}")).await;
        assert_eq!((answer.status, answer.is_replay()), (200, replayed));
    }
    assert_eq!(server.effects.runs(), 1);
}
