//! What the head of a request decides alone.

use idem_core::{
    CurrentExecution, Idempotency, KeyRequirement, MemoryStore, Policy, Refusal, adapter::Admission,
};

use crate::{
    log::Lines,
    support::{Engine, Head},
};

fn admit(
    idempotency: &Idempotency,
    current: Option<&CurrentExecution>,
    lines: &[(&str, &str)],
) -> Admission {
    idempotency.admit(&Head(lines), current, || None)
}

// S88
#[tokio::test(start_paused = true)]
async fn a_request_that_holds_its_record_is_let_through_and_another_is_not() {
    let engine = Engine::new();
    let execution = engine.execution().await;
    let current = Some(execution.current());
    let required = Policy::reference().key_requirement(KeyRequirement::Required);
    let inner = engine.idempotency.with_policy(required.clone());
    let elsewhere = inner.with_policy(required.header("X-Request-Key"));
    // The key of the execution, in either form, or taken off on the way.
    for same in [
        &[("idempotency-key", "k")][..],
        &[("idempotency-key", "\"k\"")],
        &[],
    ] {
        for layer in [&inner, &elsewhere] {
            let admitted = admit(layer, current, same);
            assert!(matches!(admitted, Admission::PassThrough), "{same:?}");
        }
    }
    // One that a handler made of it, with a key of its own.
    let other = admit(&inner, current, &[("idempotency-key", "part-1")]);
    assert!(matches!(other, Admission::Protected(_)));
    let other = admit(&elsewhere, current, &[("x-request-key", "part-1")]);
    assert!(matches!(other, Admission::Protected(_)));
    let broken = admit(&inner, current, &[("idempotency-key", "")]);
    assert!(matches!(broken, Admission::Refused(Refusal::KeyInvalid(_))));
}

#[tokio::test]
async fn grpc_requests_pass_through_with_one_warning_a_layer() {
    let lines = Lines::default();
    let _guard = lines.subscribe_up_to(tracing::Level::WARN);
    let layer = Idempotency::new(MemoryStore::new(), Policy::ietf());
    let is_let_through = |layer: &Idempotency, content_type| {
        let lines = [("idempotency-key", "k"), ("content-type", content_type)];
        matches!(admit(layer, None, &lines), Admission::PassThrough)
    };
    for other in [
        "application/json",
        "application/grp",
        "text/plain; application/grpc",
    ] {
        assert!(!is_let_through(&layer, other), "{other}");
    }
    assert_eq!(lines.text(), "");
    for grpc in [
        "application/grpc",
        "application/grpc+proto",
        "APPLICATION/GRPC-web+json",
    ] {
        assert!(is_let_through(&layer, grpc), "{grpc}");
        assert!(is_let_through(&layer.clone(), grpc), "{grpc}");
    }
    assert_eq!(
        lines
            .text()
            .matches("gRPC requests are not protected")
            .count(),
        1
    );
    let another = layer.with_policy(Policy::reference());
    assert!(is_let_through(&another, "application/grpc"));
    assert_eq!(
        lines
            .text()
            .matches("gRPC requests are not protected")
            .count(),
        2
    );
}
