//! Where the layer itself is put.

use axum::{
    Router,
    routing::{get, post},
};
use idem_core::Policy;
use idem_http_tests::{layers, send};

use crate::{idempotency, serve};

async fn without_key(app: impl FnOnce() -> Router) -> [u16; 4] {
    layers::without_key(serve(|_| app()).await).await
}

#[tokio::test]
async fn a_required_key_is_asked_for_where_the_methods_route_layer_puts_it_and_nowhere_else() {
    let layer = || idempotency(Policy::ietf());
    let goats = || post(async || "a goat");
    let shop = |goats| {
        let prices = get(async || "10");
        Router::new()
            .route("/goats", goats)
            .route("/prices", prices)
    };

    let on_the_method = without_key(|| shop(goats().route_layer(layer()))).await;
    assert_eq!(on_the_method, [400, 405, 405, 404]);

    let around_the_method = without_key(|| shop(goats().layer(layer()))).await;
    assert_eq!(around_the_method, [400, 400, 405, 404]);
    let on_the_routes = without_key(|| shop(goats()).route_layer(layer())).await;
    assert_eq!(on_the_routes, [400, 400, 400, 404]);
    let on_the_app = without_key(|| shop(goats()).layer(layer())).await;
    assert_eq!(on_the_app, [400, 400, 400, 400]);
}

// S88
#[tokio::test]
async fn a_layer_on_the_app_and_again_on_a_route_runs_the_handler_once() {
    let outer = idempotency(Policy::reference());
    // The inner policy would keep nothing.
    let inner = Policy::reference().save_when(|_, _| false);
    let inner = outer.clone().policy(inner);
    let server = serve(|effects| {
        let count = move || async move { effects.run().to_string() };
        let pay = post(count).layer(inner);
        Router::new().route("/pay", pay).layer(outer)
    })
    .await;
    for replayed in [false, true] {
        let answer = send(server.post("/pay", "k", "{}")).await;
        assert_eq!((answer.status, answer.is_replay()), (200, replayed));
    }
    assert_eq!(server.effects.runs(), 1);
}
