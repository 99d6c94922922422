//! Round trips, counted between the store and the server.

use std::time::Duration;

use idem_core::{
    IdempotencyKey, IdempotencyStore, Policy, RecordKey, TravellingLease,
    store::{Claim, Fenced, Lease, NotKept},
};
use idem_sqlx::{PostgresBuilder, PostgresStore};
use test_servers::Relay;

use crate::{
    race::{key, lease},
    server::{options, pool, tables_of_its_own},
};

const KEPT: Duration = Duration::from_secs(60);

struct Counted {
    store: PostgresStore,
    relay: Relay,
}

impl Counted {
    /// A store with one connection, which has sent each statement once: the first time, it is prepared.
    async fn start(set: impl Fn(PostgresBuilder) -> PostgresBuilder) -> Self {
        let relay = Relay::to(options().get_port()).unwrap();
        let builder = PostgresStore::builder(&pool())
            .tables(tables_of_its_own().await)
            .connect_options(options().port(relay.port()))
            .connections(1)
            .without_sweeping();
        let store = set(builder).prepare().await.unwrap();
        let this = Self { store, relay };
        let (key, lease) = (key(), lease(KEPT));
        this.whole_life(&key, &lease).await;
        this
    }

    async fn whole_life(&self, key: &RecordKey, held: &Lease) -> [usize; 5] {
        let store = &self.store;
        let fresh = self.trips(store.claim(key, held), Claim::Owned).await;
        let (duplicate, answer) = self.counted(store.claim(key, &lease(KEPT))).await;
        assert!(matches!(answer, Ok(Claim::Taken(_))));
        let renewal = self.trips(store.renew(key, held), Fenced::Held).await;
        let done = NotKept::Stream.into();
        let completion = store.complete(key, held, &done, KEPT);
        let completion = self.trips(completion, Fenced::Held).await;
        let (look_up, found) = self.counted(store.look_up(key)).await;
        assert!(found.unwrap().is_some());
        [fresh, duplicate, renewal, completion, look_up]
    }

    async fn trips<T: PartialEq + std::fmt::Debug>(
        &self,
        call: impl Future<Output = Result<T, idem_core::store::StoreError>>,
        wanted: T,
    ) -> usize {
        let (trips, answer) = self.counted(call).await;
        assert_eq!(answer.unwrap(), wanted);
        trips
    }

    async fn counted<T>(&self, call: impl Future<Output = T>) -> (usize, T) {
        let before = self.relay.trips();
        let answer = call.await;
        // A connection that was pinged on its way back would show within this time.
        tokio::time::sleep(Duration::from_millis(20)).await;
        (self.relay.trips() - before, answer)
    }
}

#[tokio::test]
async fn each_operation_is_one_round_trip() {
    let counted = Counted::start(|builder| builder).await;
    let trips = counted.whole_life(&key(), &lease(KEPT)).await;
    assert_eq!(
        trips, [1; 5],
        "fresh, duplicate, renewal, completion, look-up"
    );
}

#[tokio::test]
async fn asynchronous_claims_are_one_round_trip_too() {
    let counted = Counted::start(PostgresBuilder::every_effect_is_in_this_database).await;
    let trips = counted.whole_life(&key(), &lease(KEPT)).await;
    assert_eq!(
        trips, [1; 5],
        "fresh, duplicate, renewal, completion, look-up"
    );
}

#[tokio::test]
async fn a_failed_handler_costs_one_for_its_release() {
    let counted = Counted::start(|builder| builder).await;
    for _ in 0..2 {
        let (key, lease) = (key(), lease(KEPT));
        assert_eq!(
            counted.store.claim(&key, &lease).await.unwrap(),
            Claim::Owned
        );
        let release = counted.store.release(&key, &lease);
        let trips = counted.trips(release, Fenced::Held).await;
        assert!(trips <= 2, "{trips}");
    }
    let (key, lease) = (key(), lease(KEPT));
    assert_eq!(
        counted.store.claim(&key, &lease).await.unwrap(),
        Claim::Owned
    );
    let release = counted.store.release(&key, &lease);
    assert_eq!(counted.trips(release, Fenced::Held).await, 1);
}

#[tokio::test]
async fn behind_a_pooler_no_statement_has_a_name() {
    let plain = Counted::start(|builder| builder).await;
    assert!(plain.relay.names() > 0, "the relay sees names");
    let counted = Counted::start(PostgresBuilder::behind_transaction_pooler).await;
    let trips = counted.whole_life(&key(), &lease(KEPT)).await;
    assert_eq!(
        trips, [4; 5],
        "BEGIN with its settings, preparation, the statement, COMMIT"
    );
    assert_eq!(counted.relay.names(), 0);
}

#[tokio::test]
async fn a_transaction_adds_one_round_trip_for_its_record() {
    let relay = Relay::to(options().get_port()).unwrap();
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .connect_lazy_with(options().port(relay.port()));
    let builder = PostgresStore::builder(&pool).connect_options(options());
    let builder = builder.tables(tables_of_its_own().await).without_sweeping();
    let counted = Counted {
        store: builder.prepare().await.unwrap(),
        relay,
    };
    let idempotency = idem_core::Idempotency::new(counted.store.clone(), Policy::reference());
    for prepared in [false, true] {
        let (key, lease) = (key(), lease(KEPT));
        let claim = counted.store.claim(&key, &lease).await.unwrap();
        assert_eq!(claim, Claim::Owned);
        let name = IdempotencyKey::new("k").unwrap();
        let continuation = idempotency.resume(TravellingLease::new(name, key, lease));
        let current = continuation.current().clone();
        let (begin, tx) = counted.counted(counted.store.begin(Some(&current))).await;
        let mut tx = tx.unwrap();
        let statement = sqlx::raw_sql("SELECT 1").execute(&mut *tx);
        let (statement, answer) = counted.counted(statement).await;
        answer.unwrap();
        let (hand_over, answer) = counted.counted(tx.commit_with_response()).await;
        answer.unwrap();
        let (end, ended) = counted
            .counted(continuation.complete(NotKept::Stream))
            .await;
        assert_eq!(ended.unwrap(), Fenced::Held);
        if prepared {
            let trips = [begin, statement, hand_over, end];
            assert_eq!(
                trips,
                [1, 1, 0, 3],
                "the end: record, COMMIT, and the pool's own ping"
            );
        }
    }
}
