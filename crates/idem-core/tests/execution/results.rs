//! What of a verdict gets into the record, whichever way it comes: from a handler or from a worker.

use std::sync::Arc;

use bytes::Bytes;
use idem_core::{
    Headers, Policy, Response, Resumed, Verdict,
    adapter::Begin,
    store::{Fenced, NotKept, Outcome},
};

use crate::support::Engine;

fn response(status: u16, lines: &[(&str, &str)], body: &'static str) -> Response {
    let lines = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    let headers: Headers = lines.collect();
    Response::new(status, headers, Bytes::from_static(body.as_bytes()))
}

/// The ways of a verdict into a record, and what a duplicate gets after each.
async fn after_each_way(policy: fn() -> Policy, outcome: impl Into<Outcome>) -> Vec<Begin> {
    let outcome = outcome.into();
    let mut after = Vec::new();
    for way in ["handler", "worker that runs", "worker that completes"] {
        let engine = Engine::with(policy());
        let execution = engine.execution().await;
        let verdict = Verdict::Keep(outcome.clone());
        match way {
            "handler" => execution.run(async { (verdict, ()) }).await.unwrap(),
            "worker that runs" => {
                let resumed = engine.idempotency.resume(execution.travel());
                let ended = resumed.run(async { (verdict, ()) }).await;
                assert_eq!(ended.unwrap(), Resumed::Ended(()));
            }
            _ => {
                let resumed = engine.idempotency.resume(execution.travel());
                let completed = resumed.complete(outcome.clone()).await;
                assert_eq!(completed.unwrap(), Fenced::Held);
            }
        }
        after.push(engine.begin("{}").await);
    }
    after
}

// S87
#[tokio::test(start_paused = true)]
async fn what_says_that_nothing_was_done_frees_the_key_on_every_way() {
    let everything = || Policy::reference().save_when(|_, _| true);
    for policy in [Policy::reference, Policy::stripe, everything] {
        for no_result in [
            response(307, &[("location", "/new")], ""),
            response(308, &[], ""),
            response(100, &[], ""),
            response(101, &[("upgrade", "websocket")], ""),
            response(199, &[], ""),
            response(
                202,
                &[("Idempotency-Refusal", "idempotency-in-progress")],
                "",
            ),
            response(409, &[("x", "1"), ("idempotency-refusal", "")], ""),
        ] {
            for after in after_each_way(policy, no_result).await {
                assert!(matches!(after, Begin::Execute(_)), "{after:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hidden_grpc_failure_is_kept_only_where_failures_are() {
    let failed = || response(200, &[("grpc-status", "13")], "");
    for after in after_each_way(Policy::reference, failed()).await {
        assert!(matches!(after, Begin::Execute(_)), "{after:?}");
    }
    for after in after_each_way(Policy::stripe, failed()).await {
        assert!(matches!(after, Begin::Replay(_)), "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_a_worker_keeps_openly_is_kept() {
    for after in after_each_way(Policy::reference, response(500, &[], "broken")).await {
        assert!(matches!(after, Begin::Replay(_)), "{after:?}");
    }
}

// S42
#[tokio::test(start_paused = true)]
async fn what_may_not_be_replayed_is_left_out_on_every_way() {
    let lines = [
        ("Set-Cookie", "session=1"),
        ("Date", "Mon, 30 Nov 2026 00:00:00 GMT"),
        ("Connection", "close, X-Hop"),
        ("x-hop", "1"),
        ("transfer-encoding", "chunked"),
        ("content-length", "17"),
        ("x-kept", "1"),
    ];
    for after in after_each_way(Policy::reference, response(201, &lines, "done")).await {
        let Begin::Replay(replayed) = after else {
            panic!("{after:?}")
        };
        assert_eq!(*replayed, response(201, &[("x-kept", "1")], "done"));
    }
}

// S47
#[tokio::test(start_paused = true)]
async fn what_is_over_the_limit_is_not_kept_on_any_way() {
    let limited = || Policy::reference().max_response_bytes(8);
    let header = [("x-long", "123456")];
    for too_large in [response(200, &[], "123456789"), response(200, &header, "")] {
        for after in after_each_way(limited, too_large).await {
            let Begin::Refused(refusal) = after else {
                panic!("{after:?}")
            };
            assert_eq!(refusal, idem_core::Refusal::NotKept(NotKept::TooLarge));
        }
    }
    let dropped = [("set-cookie", "123456789")];
    for after in after_each_way(limited, response(200, &dropped, "12345678")).await {
        assert!(matches!(after, Begin::Replay(_)), "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_cannot_be_sent_is_remembered_and_not_replayed() {
    for status in [0, 99, 1000, u16::MAX] {
        for after in after_each_way(Policy::reference, response(status, &[], "done")).await {
            let Begin::Refused(refusal) = after else {
                panic!("{after:?}")
            };
            assert_eq!(
                refusal,
                idem_core::Refusal::NotKept(NotKept::NotSerializable)
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_does_not_keep_the_large_buffer_that_its_small_body_is_a_part_of() {
    struct Buffer(Vec<u8>, #[expect(dead_code, reason = "it counts")] Arc<()>);
    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let engine = Engine::new();
    let buffers = Arc::new(());
    let buffer = Bytes::from_owner(Buffer(vec![b'g'; 1 << 20], Arc::clone(&buffers)));
    let execution = engine.execution().await;
    let response = Response::new(200, Headers::default(), buffer.slice(..4));
    drop(buffer);
    execution
        .run(async { (Verdict::Keep(response.into()), ()) })
        .await
        .unwrap();
    assert_eq!(engine.duplicate().await, "gggg");
    assert_eq!(Arc::strong_count(&buffers), 1, "the buffer is still there");
}
