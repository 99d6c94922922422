//! Transactions whose way is disturbed, and those without a key.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ConditionCheck, Delete, Put},
};
use idem_core::{
    CurrentExecution, Headers, Idempotency, MemoryStore, Policy, Response, Undone, Verdict,
    adapter::{Admission, Begin, Execution, RequestHead},
    store::EnlistError,
};
use idem_dynamodb::{DynamoDbStore, DynamoDbTransaction, TransactionError};
use test_servers::{DynamoDbFault as Fault, DynamoDbProxy};

use crate::server::{LONG, PATIENT, client, count, effect, name, proxy, store, table};

struct Trial {
    proxy: DynamoDbProxy,
    client: Client,
    store: DynamoDbStore,
    idempotency: Idempotency,
    key: String,
}

impl Trial {
    async fn new() -> Self {
        let proxy = proxy();
        let store = store(&proxy).await;
        Self {
            client: client(&proxy),
            idempotency: Idempotency::new(
                store.clone(),
                Policy::reference().lease(LONG).store_timeout(PATIENT),
            ),
            proxy,
            store,
            key: name(),
        }
    }

    async fn request(&self) -> Begin {
        begin(&self.idempotency, &self.key).await
    }

    async fn execution(&self) -> Execution {
        executes(self.request().await)
    }

    /// Runs a handler that has the effect, and what else it collects.
    async fn run(&self, collect: impl FnOnce(&mut DynamoDbTransaction)) -> Result<(), Undone> {
        let execution = self.execution().await;
        let current = execution.current().clone();
        self.proxy.forget_counts();
        let work = async {
            let mut transaction = self.store.begin(Some(&current)).unwrap();
            transaction.update(effect(&self.key)).unwrap();
            collect(&mut transaction);
            transaction.commit_with_response().await.unwrap();
            (keep(), ())
        };
        execution.run(work).await
    }

    async fn effects(&self) -> usize {
        count(&self.client, &self.key).await
    }

    async fn is_recorded(&self) -> bool {
        matches!(self.request().await, Begin::Replay(_))
    }

    async fn is_free(&self) -> bool {
        matches!(self.request().await, Begin::Execute(_))
    }
}

async fn begin(idempotency: &Idempotency, key: &str) -> Begin {
    match idempotency.admit(&Head(key), None, || None) {
        Admission::Protected(protected) => idempotency.begin(protected, b"").await,
        other => panic!("{other:?}"),
    }
}

fn executes(begin: Begin) -> Execution {
    match begin {
        Begin::Execute(execution) => execution,
        other => panic!("{other:?}"),
    }
}

fn keep() -> Verdict {
    Verdict::Keep(Response::new(201, Headers::default(), "done".into()).into())
}

fn answer(status: u16) -> Response {
    Response::new(status, Headers::default(), "the handler's".into())
}

fn rolled_back(answer: Option<Response>, can_retry: bool) -> Result<(), Undone> {
    let answer = answer.map(Box::new);
    Err(Undone::RolledBack { answer, can_retry })
}

struct Head<'a>(&'a str);

impl RequestHead for Head<'_> {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/goats"
    }

    fn route(&self) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        (name == "idempotency-key")
            .then_some(self.0.as_bytes())
            .into_iter()
    }
}

/// A check that somebody is there who is not.
fn nobody() -> ConditionCheck {
    let check = ConditionCheck::builder().table_name("market");
    let check = check.key("pk", AttributeValue::S(name()));
    let check = check.key("sk", AttributeValue::S("NOBODY".to_owned()));
    check
        .condition_expression("attribute_exists(pk)")
        .build()
        .unwrap()
}

fn somebody() -> Put {
    let put = Put::builder().table_name("market");
    let put = put.item("pk", AttributeValue::S(name()));
    put.item("sk", AttributeValue::S("SOMEBODY".to_owned()))
        .build()
        .unwrap()
}

// S63
#[tokio::test]
async fn effect_and_record_are_one_request() {
    let trial = Trial::new().await;
    assert_eq!(trial.run(|_| {}).await, Ok(()));
    assert_eq!(trial.proxy.count("TransactWriteItems"), 1);
    assert_eq!(trial.proxy.requests(), 1);
    assert_eq!(trial.effects().await, 1);
    assert!(trial.is_recorded().await);
}

#[tokio::test]
async fn a_conflict_is_tried_again() {
    let trial = Trial::new().await;
    let conflicts = [Fault::Conflict(0), Fault::Conflict(1), Fault::Throttle];
    trial.proxy.next("TransactWriteItems", &conflicts);
    assert_eq!(trial.run(|_| {}).await, Ok(()));
    assert_eq!(trial.proxy.count("TransactWriteItems"), 4);
    assert_eq!(trial.effects().await, 1);
    assert!(trial.is_recorded().await);
}

// S69
#[tokio::test]
async fn a_conflict_that_stays_is_undone_and_may_be_tried_later() {
    let trial = Trial::new().await;
    trial
        .proxy
        .always("TransactWriteItems", Some(Fault::Conflict(1)));
    let undone = trial.run(|_| {}).await;
    assert_eq!(undone, rolled_back(None, true));
    assert_eq!(trial.proxy.count("TransactWriteItems"), 6);
    assert_eq!(trial.effects().await, 0);
    assert!(trial.is_free().await);
}

// S67
#[tokio::test]
async fn a_transaction_whose_answer_was_lost_is_done_once() {
    for fault in [Fault::CutAfter, Fault::InternalAfter, Fault::Hang] {
        let trial = Trial::new().await;
        trial.proxy.next("TransactWriteItems", &[fault]);
        assert_eq!(trial.run(|_| {}).await, Ok(()), "{fault:?}");
        // A slow machine gives a second attempt up, too.
        let sent = trial.proxy.count("TransactWriteItems");
        assert!(sent >= 2, "{fault:?}");
        let asked = trial.proxy.requests() - sent;
        assert_eq!(asked, 0, "the token tells, and no question: {fault:?}");
        assert_eq!(trial.effects().await, 1, "{fault:?}");
        assert!(trial.is_recorded().await);
    }
}

/// As one does that was late on its way, after the question about it has freed the key.
#[tokio::test]
async fn a_transaction_that_arrives_when_its_key_is_free_does_nothing() {
    let trial = Trial::new().await;
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let work = async {
        let mut transaction = trial.store.begin(Some(&current)).unwrap();
        transaction.update(effect(&trial.key)).unwrap();
        transaction.commit_with_response().await.unwrap();
        let record = format!("idem#{}", current.record_key());
        let free = trial.client.delete_item().table_name("market");
        let free = free.key("pk", AttributeValue::S(record));
        free.key("sk", AttributeValue::S("IDEM".to_owned()))
            .send()
            .await
            .unwrap();
        (keep(), ())
    };
    assert_eq!(execution.run(work).await, Err(Undone::Lost(None)));
    assert_eq!(trial.effects().await, 0);
    assert!(trial.is_free().await);
}

// S68
#[tokio::test]
async fn a_refusal_of_the_service_is_for_good() {
    let trial = Trial::new().await;
    trial.proxy.next("TransactWriteItems", &[Fault::Deny]);
    let undone = trial.run(|_| {}).await;
    assert_eq!(undone, rolled_back(None, false));
    assert_eq!(trial.proxy.count("TransactWriteItems"), 1);
    assert!(trial.is_free().await);
}

#[tokio::test]
async fn the_condition_that_failed_gives_its_own_answer() {
    let trial = Trial::new().await;
    let undone = trial.run(|transaction| {
        transaction.put(somebody()).unwrap().or_answer(answer(500));
        transaction.check(nobody()).unwrap().or_answer(answer(409));
        transaction.check(nobody()).unwrap().or_answer(answer(410));
    });
    assert_eq!(undone.await, rolled_back(Some(answer(409)), false));
    assert_eq!(trial.effects().await, 0);
    assert!(trial.is_free().await, "the client may change its mind");
}

// S71
#[tokio::test]
async fn the_record_of_a_long_response_is_one_commit_with_the_effect_too() {
    let trial = Trial::new().await;
    let execution = trial.execution().await;
    let current = execution.current().clone();
    let body = vec![7; 500_000];
    let work = async {
        let mut transaction = trial.store.begin(Some(&current)).unwrap();
        transaction.update(effect(&trial.key)).unwrap();
        transaction.commit_with_response().await.unwrap();
        let response = Response::new(201, Headers::default(), body.clone().into());
        (Verdict::Keep(response.into()), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    assert_eq!(trial.effects().await, 1);
    let Begin::Replay(replayed) = trial.request().await else {
        panic!("it is recorded");
    };
    assert_eq!(replayed.body(), &body);
}

#[tokio::test]
async fn a_result_with_a_wrong_time_is_put_right() {
    // The second attempt knows the time, and sends what the first one did.
    for faults in [&[] as &[Fault], &[Fault::Conflict(1)], &[Fault::CutAfter]] {
        let trial = Trial::new().await;
        let execution = trial.execution().await;
        let current = execution.current().clone();
        let work = async {
            let mut transaction = trial.store.begin(Some(&current)).unwrap();
            transaction.update(effect(&trial.key)).unwrap();
            trial.proxy.skew(3 * 3600);
            trial.proxy.next("TransactWriteItems", faults);
            transaction.commit_with_response().await.unwrap();
            (keep(), ())
        };
        assert_eq!(execution.run(work).await, Ok(()));
        // The default retention is an hour, and would be over.
        assert!(trial.is_recorded().await, "{faults:?}");
    }
}

fn refusal(begun: Result<DynamoDbTransaction, TransactionError>) -> EnlistError {
    match begun {
        Err(TransactionError::CannotEnd(why)) => why,
        other => panic!("{other:?}"),
    }
}

// S73
#[tokio::test]
async fn what_cannot_end_the_execution_is_refused_where_it_begins() {
    let trial = Trial::new().await;
    let execution = trial.execution().await;
    let current: CurrentExecution = execution.current().clone();

    let other = DynamoDbStore::builder(&trial.client, table().prefix("other#"));
    let other = other.build().unwrap();
    assert_eq!(
        refusal(other.begin(Some(&current))),
        EnlistError::OtherStore
    );
    let elsewhere = Idempotency::new(MemoryStore::new(), Policy::default());
    let foreign = executes(begin(&elsewhere, &trial.key).await);
    assert_eq!(
        refusal(trial.store.begin(Some(foreign.current()))),
        EnlistError::OtherStore
    );

    let first = trial.store.begin(Some(&current)).unwrap();
    assert_eq!(
        refusal(trial.store.begin(Some(&current))),
        EnlistError::AlreadyBegun
    );
    drop(first);
    let mut transaction = trial.store.begin(Some(&current)).unwrap();
    for _ in 0..99 {
        transaction.put(somebody()).unwrap();
    }
    let one_more = transaction.put(somebody());
    assert!(matches!(
        one_more,
        Err(TransactionError::TooMany { most: 99 })
    ));
    let same = transaction.update(effect(&trial.key));
    assert!(matches!(same, Err(TransactionError::TooMany { .. })));
    // As many as are taken do fit.
    let work = async {
        transaction.commit_with_response().await.unwrap();
        (keep(), ())
    };
    assert_eq!(execution.run(work).await, Ok(()));
    assert!(trial.is_recorded().await);
    let late = trial.store.begin(Some(&current));
    assert_eq!(refusal(late), EnlistError::Ended);
}

// S72
#[tokio::test]
async fn without_a_key_it_is_committed_now() {
    let trial = Trial::new().await;
    trial
        .proxy
        .next("TransactWriteItems", &[Fault::Conflict(0), Fault::CutAfter]);
    let mut transaction = trial.store.begin(None).unwrap();
    transaction.update(effect(&trial.key)).unwrap();
    transaction.commit_with_response().await.unwrap();
    assert_eq!(trial.effects().await, 1);

    let nothing = trial.store.begin(None).unwrap();
    nothing.commit_with_response().await.unwrap();
}

#[tokio::test]
async fn without_a_key_a_condition_that_failed_is_an_error_with_its_answer() {
    let trial = Trial::new().await;
    let mut transaction = trial.store.begin(None).unwrap();
    transaction.update(effect(&trial.key)).unwrap();
    transaction.check(nobody()).unwrap().or_answer(answer(409));
    let error = transaction.commit_with_response().await.unwrap_err();
    let TransactionError::ConditionFailed {
        position: 1,
        answer: Some(told),
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(*told, answer(409));
    assert_eq!(trial.effects().await, 0);
}

#[tokio::test]
async fn without_a_key_an_error_says_what_is_known() {
    let trial = Trial::new().await;
    let commit = async || {
        let mut transaction = trial.store.begin(None).unwrap();
        let delete = Delete::builder().table_name("market");
        let delete = delete.key("pk", AttributeValue::S(name()));
        let delete = delete.key("sk", AttributeValue::S("A".to_owned()));
        transaction.delete(delete.build().unwrap()).unwrap();
        transaction.commit_with_response().await.unwrap_err()
    };
    trial
        .proxy
        .always("TransactWriteItems", Some(Fault::Throttle));
    let throttled = commit().await;
    assert!(matches!(
        throttled,
        TransactionError::NotCommitted {
            can_retry: true,
            ..
        }
    ));
    trial.proxy.always("TransactWriteItems", Some(Fault::Deny));
    let refused = commit().await;
    assert!(matches!(
        refused,
        TransactionError::NotCommitted {
            can_retry: false,
            ..
        }
    ));
    trial
        .proxy
        .always("TransactWriteItems", Some(Fault::CutAfter));
    assert!(matches!(commit().await, TransactionError::Unknown { .. }));
}
