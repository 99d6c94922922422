//! What a handler's transaction has committed, behind a local cache.

use idem_core::{Idempotency, LocalCache, Policy, store::Operation};

use super::{
    ledger::{Fate, Ledger},
    shop::Shop,
};
use crate::support::{LEASE, Log};

fn shop() -> Shop {
    let (ledger, log) = (Ledger::new(), Log::default());
    let policy = Policy::reference().lease(LEASE).observer(log.clone());
    Shop {
        idempotency: Idempotency::new(LocalCache::new(ledger.store()), policy),
        ledger,
        log,
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_committed_is_replayed_without_the_store() {
    let shop = shop();
    assert_eq!(shop.order().await, "201 done");
    let claims = shop.ledger.records.calls(Operation::Claim);
    assert_eq!(shop.retry().await, "replay: 201 done");
    assert_eq!(
        shop.request_with(" {}", async |_| unreachable!()).await,
        "replay: 201 done"
    );
    assert_eq!(shop.ledger.records.calls(Operation::Claim), claims);
    assert_eq!(shop.events(), ["execute", "recorded", "replay", "replay"]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_nobody_heard_of_is_left_to_the_store() {
    let shop = shop();
    shop.ledger.commit(Fate::AnswerLost);
    assert_eq!(shop.order().await, "201 done");
    let claims = shop.ledger.records.calls(Operation::Claim);
    assert_eq!(shop.retry().await, "replay: 201 done");
    assert_eq!(shop.ledger.records.calls(Operation::Claim), claims + 1);
}
