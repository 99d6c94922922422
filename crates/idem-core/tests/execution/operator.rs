//! A key that an operator frees by hand.

use idem_core::{Freed, IdempotencyKey, OnLeaseEnd, Policy};

use crate::support::{Engine, keep};

#[tokio::test(start_paused = true)]
async fn a_dead_owner_s_key_is_freed_and_nothing_else_is() {
    let engine = Engine::with(Policy::reference().on_lease_end(OnLeaseEnd::Refuse));
    let key = IdempotencyKey::new("k").unwrap();
    let key = engine.idempotency.record_key(None, &key);
    assert_eq!(
        engine.idempotency.free(&key).await.unwrap(),
        Freed::NothingPending
    );

    std::mem::forget(engine.execution().await);
    assert_eq!(engine.idempotency.free(&key).await.unwrap(), Freed::Freed);
    engine
        .execution()
        .await
        .run(async { (keep("done"), ()) })
        .await;

    assert_eq!(
        engine.idempotency.free(&key).await.unwrap(),
        Freed::NothingPending
    );
    assert_eq!(engine.duplicate().await, "done");
}
