//! Middlewares that tell of each request, and one that switches others off.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    App,
    middleware::{Condition, Logger},
};
use idem_core::Policy;
use idem_http_tests::{layers, send};

use crate::{goats, idempotency};

/// A logger that counts its lines.
fn logger(lines: &Arc<AtomicUsize>) -> Logger {
    let lines = Arc::clone(lines);
    Logger::new("%{COUNT}xo").custom_response_replace("COUNT", move |_| {
        lines.fetch_add(1, Ordering::SeqCst);
        String::new()
    })
}

#[tokio::test]
async fn a_logger_outside_sees_refusals_and_replays() {
    let seen: [Arc<AtomicUsize>; 2] = Default::default();
    let (layer, lines) = (idempotency(Policy::reference()), Arc::clone(&seen[0]));
    let right = serve!(
        App::new()
            .wrap(layer.clone())
            .wrap(logger(&lines))
            .service(goats())
    );
    let (layer, lines) = (idempotency(Policy::reference()), Arc::clone(&seen[1]));
    let wrong = serve!(
        App::new()
            .wrap(logger(&lines))
            .wrap(layer.clone())
            .service(goats())
    );
    layers::a_trace([right, wrong], &seen).await;
}

#[tokio::test]
async fn a_condition_that_is_off_leaves_requests_unprotected() {
    for (is_on, runs) in [(true, 1), (false, 2)] {
        let layer = idempotency(Policy::reference());
        let server = serve!(
            App::new()
                .wrap(Condition::new(is_on, layer.clone()))
                .service(goats())
        );
        for _ in 0..2 {
            assert_eq!(send(server.post("/goats", "k", "{}")).await.status, 200);
        }
        assert_eq!(server.effects.runs(), runs);
    }
}
