//! What the head of a request decides alone.

use std::borrow::Cow;

use idem_core::{
    CurrentExecution, Idempotency, KeyRequirement, MemoryStore, Policy, Refusal,
    adapter::{Admission, RequestHead},
};

use crate::{log::Lines, support::Engine};

/// A `POST /orders` with lines of its own.
struct Head {
    lines: Vec<(&'static str, &'static str)>,
    current: Option<CurrentExecution>,
}

impl RequestHead for Head {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/orders"
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.lines.iter().filter(move |(line, _)| *line == name);
        lines.map(|(_, value)| value.as_bytes())
    }
}

fn is_let_through(idempotency: &Idempotency, head: &Head) -> bool {
    matches!(
        idempotency.admit(head, head.current.as_ref(), || None),
        Admission::PassThrough
    )
}

// S88
#[tokio::test(start_paused = true)]
async fn a_request_that_holds_its_record_is_let_through_and_another_is_not() {
    let engine = Engine::new();
    let execution = engine.execution().await;
    let head = |lines: &[_]| Head {
        lines: lines.to_vec(),
        current: Some(execution.current().clone()),
    };
    let required = Policy::reference().key_requirement(KeyRequirement::Required);
    let inner = engine.idempotency.with_policy(required.clone());
    let elsewhere = inner.with_policy(required.header("X-Request-Key"));
    // The key of the execution, in either form, or taken off on the way.
    for same in [
        &[("idempotency-key", "k")][..],
        &[("idempotency-key", "\"k\"")],
        &[],
    ] {
        assert!(is_let_through(&inner, &head(same)), "{same:?}");
        assert!(is_let_through(&elsewhere, &head(same)), "{same:?}");
    }
    // One that a handler made of it, with a key of its own.
    let other = head(&[("idempotency-key", "part-1")]);
    let other = inner.admit(&other, other.current.as_ref(), || None);
    assert!(matches!(other, Admission::Protected(_)));
    let other = head(&[("x-request-key", "part-1")]);
    let other = elsewhere.admit(&other, other.current.as_ref(), || None);
    assert!(matches!(other, Admission::Protected(_)));
    let broken = head(&[("idempotency-key", "")]);
    let broken = inner.admit(&broken, broken.current.as_ref(), || None);
    assert!(matches!(broken, Admission::Refused(Refusal::KeyInvalid(_))));
}

#[tokio::test]
async fn grpc_requests_pass_through_with_one_warning_a_layer() {
    let lines = Lines::default();
    let _guard = lines.subscribe_up_to(tracing::Level::WARN);
    let layer = Idempotency::new(MemoryStore::new(), Policy::ietf());
    let head = |content_type| Head {
        lines: vec![("idempotency-key", "k"), ("content-type", content_type)],
        current: None,
    };
    for other in [
        "application/json",
        "application/grp",
        "text/plain; application/grpc",
    ] {
        assert!(!is_let_through(&layer, &head(other)), "{other}");
    }
    assert_eq!(lines.text(), "");
    for grpc in [
        "application/grpc",
        "application/grpc+proto",
        "APPLICATION/GRPC-web+json",
    ] {
        assert!(is_let_through(&layer, &head(grpc)), "{grpc}");
        assert!(is_let_through(&layer.clone(), &head(grpc)), "{grpc}");
    }
    assert_eq!(
        lines
            .text()
            .matches("gRPC requests are not protected")
            .count(),
        1
    );
    let another = layer.with_policy(Policy::reference());
    assert!(is_let_through(&another, &head("application/grpc")));
    assert_eq!(
        lines
            .text()
            .matches("gRPC requests are not protected")
            .count(),
        2
    );
}
