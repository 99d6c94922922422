//! Code outside HTTP that commits its effect together with its record, and runs again after a conflict.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use idem_core::{CurrentExecution, Done, IdempotencyKey, RunError, Undone, store::RolledBack};

use super::{
    ledger::{Fate, Ledger},
    shop::Shop,
};

#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Conflict,
    Broken,
}

type Ran = Result<Done<u32>, RunError<Failure>>;

fn key() -> IdempotencyKey {
    IdempotencyKey::new("k").unwrap()
}

/// Sells a goat in a transaction, and counts how often that was tried.
struct Sale {
    ledger: Ledger,
    runs: Arc<AtomicUsize>,
}

impl Sale {
    fn on(shop: &Shop) -> Self {
        Self {
            ledger: shop.ledger.clone(),
            runs: Arc::default(),
        }
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    /// Runs it where its first runs end so, before or after it was handed over.
    async fn with_conflicts(&self, shop: &Shop, failures: usize, handed_over: bool) -> Ran {
        let (ledger, runs) = (self.ledger.clone(), Arc::clone(&self.runs));
        let operation = move |current: Option<CurrentExecution>| {
            let (ledger, runs) = (ledger.clone(), Arc::clone(&runs));
            async move {
                let current = current.unwrap();
                let run = runs.fetch_add(1, Ordering::Relaxed);
                let mut transaction = ledger.begin(&current).unwrap();
                transaction.write("goat");
                if run < failures && !handed_over {
                    return Err(Failure::Conflict);
                }
                transaction.hand_over().unwrap();
                if run < failures {
                    return Err(Failure::Conflict);
                }
                Ok(7)
            }
        };
        let is_conflict = |failure: &Failure| *failure == Failure::Conflict;
        shop.idempotency
            .run_transaction(&key(), "goat", is_conflict, operation)
            .await
    }
}

async fn sell(shop: &Shop) -> Ran {
    let ledger = shop.ledger.clone();
    let operation = async move |current: Option<CurrentExecution>| {
        ledger.order(&current.unwrap(), "goat");
        Ok(7)
    };
    shop.idempotency.run_with(&key(), "goat", operation).await
}

// S63
#[tokio::test(start_paused = true)]
async fn effect_and_value_are_committed_together_and_replayed() {
    let shop = Shop::new();
    assert_eq!(sell(&shop).await.unwrap(), Done::Executed(7));
    assert_eq!(sell(&shop).await.unwrap(), Done::Replayed(7));
    assert_eq!(shop.ledger.written(), ["goat"]);
}

// S68
#[tokio::test(start_paused = true)]
async fn a_value_whose_transaction_failed_is_not_handed_back() {
    let shop = Shop::new();
    shop.ledger.commit(Fate::Refused(RolledBack::for_good));
    let undone = sell(&shop).await;
    let expected = Undone::RolledBack {
        answer: None,
        can_retry: false,
    };
    assert!(matches!(&undone, Err(RunError::Undone(undone)) if *undone == expected));
    assert!(shop.ledger.written().is_empty());
    shop.ledger.commit(Fate::Lands);
    assert_eq!(sell(&shop).await.unwrap(), Done::Executed(7));
}

// S69
#[tokio::test(start_paused = true)]
async fn an_operation_that_meets_a_conflict_runs_again_under_its_lease() {
    for handed_over in [false, true] {
        let shop = Shop::new();
        let sale = Sale::on(&shop);
        let ran = sale.with_conflicts(&shop, 2, handed_over).await;
        assert_eq!(ran.unwrap(), Done::Executed(7));
        assert_eq!((sale.runs(), shop.ledger.written()), (3, vec!["goat"]));
        assert!(!shop.ledger.steps().contains(&"release"));
        assert_eq!(shop.ledger.open(), 0);
    }
}

// S69
#[tokio::test(start_paused = true)]
async fn an_operation_runs_three_times_at_most_and_frees_its_key() {
    for handed_over in [false, true] {
        let shop = Shop::new();
        let sale = Sale::on(&shop);
        let ran = sale.with_conflicts(&shop, 3, handed_over).await;
        assert!(
            matches!(ran, Err(RunError::Failed(Failure::Conflict))),
            "{ran:?}"
        );
        assert_eq!((sale.runs(), shop.ledger.written().len()), (3, 0));
        assert_eq!(sell(&shop).await.unwrap(), Done::Executed(7));
    }
}

// S69
#[tokio::test(start_paused = true)]
async fn a_commit_that_meets_conflicts_only_is_given_up_after_three_runs() {
    let shop = Shop::new();
    let sale = Sale::on(&shop);
    shop.ledger.commit(Fate::Refused(RolledBack::for_now));
    let ran = sale.with_conflicts(&shop, 0, true).await;
    assert!(
        matches!(ran, Err(RunError::Undone(Undone::RolledBack { .. }))),
        "{ran:?}"
    );
    assert_eq!((sale.runs(), shop.ledger.written().len()), (3, 0));
    let rollbacks = shop
        .events()
        .iter()
        .filter(|event| *event == "undone")
        .count();
    assert_eq!(rollbacks, 3, "{:?}", shop.events());
}

// S67
#[tokio::test(start_paused = true)]
async fn an_operation_whose_commit_may_have_landed_does_not_run_again() {
    for (fate, written) in [(Fate::AnswerLost, 1), (Fate::NeverArrives, 0)] {
        let shop = Shop::new();
        let sale = Sale::on(&shop);
        shop.ledger.commit(fate);
        let ran = sale.with_conflicts(&shop, 0, true).await;
        assert_eq!(ran.is_ok(), written == 1, "{ran:?}");
        assert_eq!((sale.runs(), shop.ledger.written().len()), (1, written));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_conflict_is_handed_back_at_once() {
    let shop = Shop::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let operation = move |_: Option<CurrentExecution>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Err::<u32, _>(Failure::Broken) }
    };
    let is_conflict = |failure: &Failure| *failure == Failure::Conflict;
    let ran = shop
        .idempotency
        .run_transaction(&key(), "goat", is_conflict, operation)
        .await;
    assert!(
        matches!(ran, Err(RunError::Failed(Failure::Broken))),
        "{ran:?}"
    );
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}
