//! Middlewares that let a caller in, or not.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorServiceUnavailable, ErrorUnauthorized},
    middleware::{Next, from_fn},
};
use idem_core::Policy;
use idem_http_tests::{Server, send};

use crate::{goats, idempotency};

static IS_REVOKED: AtomicBool = AtomicBool::new(false);

async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if IS_REVOKED.load(Ordering::SeqCst) {
        return Err(ErrorUnauthorized("who are you?"));
    }
    next.call(request).await
}

#[tokio::test]
async fn authentication_outside_gives_no_replay_to_a_revoked_token() {
    let layer = idempotency(Policy::reference());
    let right = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(from_fn(authenticate))
            .service(goats())
    );
    let layer = idempotency(Policy::reference());
    let wrong = serve!(
        App::new()
            .wrap(from_fn(authenticate))
            .wrap(layer.clone())
            .service(goats())
    );
    let buy = |server: &Server| {
        let request = server.post("/goats", "k", "{}");
        send(request.header("authorization", "Bearer of the shop"))
    };
    for server in [&right, &wrong] {
        assert_eq!(buy(server).await.status, 200);
    }
    IS_REVOKED.store(true, Ordering::SeqCst);
    assert_eq!(buy(&right).await.status, 401);
    let leaked = buy(&wrong).await;
    assert!(leaked.is_replay(), "nobody asked who calls");
}

static IS_OVERLOADED: AtomicBool = AtomicBool::new(false);

async fn shed(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if IS_OVERLOADED.load(Ordering::SeqCst) {
        return Err(ErrorServiceUnavailable("overloaded"));
    }
    next.call(request).await
}

#[tokio::test]
async fn load_shedding_outside_keeps_no_overload() {
    // This profile keeps what failed.
    let layer = idempotency(Policy::stripe());
    let right = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(from_fn(shed))
            .service(goats())
    );
    let layer = idempotency(Policy::stripe());
    let wrong = serve!(
        App::new()
            .wrap(from_fn(shed))
            .wrap(layer.clone())
            .service(goats())
    );
    for (server, status, is_kept) in [(right, 200, false), (wrong, 503, true)] {
        IS_OVERLOADED.store(true, Ordering::SeqCst);
        assert_eq!(send(server.post("/goats", "k", "{}")).await.status, 503);
        IS_OVERLOADED.store(false, Ordering::SeqCst);
        let retry = send(server.post("/goats", "k", "{}")).await;
        assert_eq!((retry.status, retry.is_replay()), (status, is_kept));
    }
}
