//! How an execution ends.

use idem_core::Verdict;

use crate::support::{Engine, keep, spawn};

// S12
#[tokio::test(start_paused = true)]
async fn a_success_is_replayed() {
    let engine = Engine::new();
    engine.succeed().await;
    assert_eq!(engine.duplicate().await, "done");
    assert_eq!(engine.log.lines(), ["execute", "recorded", "replay"]);
}

// S43
#[tokio::test(start_paused = true)]
async fn a_failure_frees_the_key_for_another_payload() {
    let engine = Engine::new();
    engine.end(Verdict::Free).await;
    assert!(matches!(
        engine.begin("[1]").await,
        idem_core::adapter::Begin::Execute(_)
    ));
}

// S44
#[tokio::test(start_paused = true)]
async fn a_panic_frees_the_key_at_once_and_goes_on_unwinding() {
    for after_a_pause in [false, true] {
        let engine = Engine::new();
        let panicking = spawn(&engine, async move {
            if after_a_pause {
                tokio::time::sleep(crate::support::SECOND).await;
            }
            panic!("a planted panic");
        });
        let panic = panicking.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"a planted panic"));
        assert_eq!(engine.log.lines(), ["execute", "panicked"]);
        assert_eq!(engine.duplicate().await, "execute");
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_dropped_is_reported_and_keeps_its_key() {
    let engine = Engine::new();
    drop(engine.execution().await);
    assert_eq!(engine.log.lines(), ["execute", "abandoned"]);
    assert_eq!(engine.duplicate().await, "idempotency-in-progress");
}

#[tokio::test(start_paused = true)]
async fn the_work_is_dropped_before_its_end_is_recorded() {
    struct Guard(Engine);
    impl Drop for Guard {
        fn drop(&mut self) {
            assert_eq!(self.0.log.lines(), ["execute"], "nothing is recorded yet");
        }
    }
    let engine = Engine::new();
    let guard = Guard(Engine {
        idempotency: engine.idempotency.clone(),
        store: engine.store.clone(),
        log: engine.log.clone(),
    });
    let work = async move {
        let _guard = guard;
        (keep("done"), ())
    };
    engine.execution().await.run(work).await.unwrap();
    assert_eq!(engine.log.count("recorded"), 1);
}
