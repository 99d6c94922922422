//! Middlewares that let a caller in, or not.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorServiceUnavailable, ErrorUnauthorized},
    middleware::{Next, from_fn},
};
use idem_core::Policy;
use idem_http_tests::{layers, send};

use crate::goats;

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
    let servers = orders!(Policy::reference(), from_fn(authenticate), goats());
    let revoke = || IS_REVOKED.store(true, Ordering::SeqCst);
    layers::authentication(servers, revoke).await;
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
    let [right, wrong] = orders!(Policy::stripe(), from_fn(shed), goats());
    for (server, status, is_kept) in [(right, 200, false), (wrong, 503, true)] {
        IS_OVERLOADED.store(true, Ordering::SeqCst);
        assert_eq!(send(server.post("/goats", "k", "{}")).await.status, 503);
        IS_OVERLOADED.store(false, Ordering::SeqCst);
        let retry = send(server.post("/goats", "k", "{}")).await;
        assert_eq!((retry.status, retry.is_replay()), (status, is_kept));
    }
}
