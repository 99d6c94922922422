//! Transactions as endings, without HTTP: workers, one store or two, and ends that nobody waits for.

use std::time::Duration;

use idem_core::{
    CurrentExecution, Idempotency, IdempotencyKey, IdempotencyStore, Policy, Response, Resumed,
    TravellingLease, Undone, Verdict,
    store::{Claim, EnlistError, Lease, NotKept},
};
use idem_sqlx::{PostgresStore, Tables};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use test_servers::Relay;

use crate::{
    race::{key, lease},
    server::{LEVELS, options, pool, run, sessions, tables_of_its_own},
};

const LONG: Duration = Duration::from_secs(60);

/// A table of effects beside the records.
struct Place {
    tables: Tables,
    effects: String,
}

impl Place {
    async fn new() -> Self {
        let tables = tables_of_its_own().await;
        let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
        let effects = format!("{}.effects", sql.split('"').nth(1).unwrap());
        run(&format!("CREATE TABLE {effects} (id bigserial)")).await;
        Self { tables, effects }
    }

    async fn store(&self) -> PostgresStore {
        self.store_on(&pool()).await
    }

    async fn store_on(&self, pool: &PgPool) -> PostgresStore {
        let builder = PostgresStore::builder(pool).tables(self.tables.clone());
        builder.without_sweeping().prepare().await.unwrap()
    }

    async fn effects(&self) -> i64 {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {}", self.effects));
        sqlx::query_scalar(sql).fetch_one(&pool()).await.unwrap()
    }

    async fn have_effect(
        &self,
        store: &PostgresStore,
        current: Option<&CurrentExecution>,
        level: &'static str,
    ) -> Result<(), sqlx::Error> {
        let mut tx = store.begin_with(current, level).await?;
        let sql = AssertSqlSafe(format!("INSERT INTO {} DEFAULT VALUES", self.effects));
        sqlx::query(sql).execute(&mut *tx).await?;
        tx.commit_with_response().await
    }
}

fn travelling(record_key: idem_core::RecordKey, lease: Lease) -> TravellingLease {
    TravellingLease::new(IdempotencyKey::new("k").unwrap(), record_key, lease)
}

// S79
#[tokio::test]
async fn a_worker_completes_a_travelled_lease_in_its_own_transaction() {
    for level in LEVELS {
        let place = Place::new().await;
        let (here, there) = (place.store().await, place.store().await);
        let (key, lease) = (key(), lease(LONG));
        assert_eq!(here.claim(&key, &lease).await.unwrap(), Claim::Owned);
        let worker = Idempotency::new(there.clone(), Policy::reference());
        // The message is delivered twice: the first one has its effect, and the fence keeps the other from it.
        let (first, second) = (
            worker.resume(travelling(key, lease)),
            worker.resume(travelling(key, lease)),
        );
        let working = async |current: CurrentExecution| {
            let done = place.have_effect(&there, Some(&current), level).await;
            let response = Response::new(201, idem_core::Headers::default(), "done".into());
            (Verdict::Keep(response.into()), done.unwrap())
        };
        let current = second.current().clone();
        let one = first.current().clone();
        let nested = second.run(async {
            let ran = first.run(working(one)).await.unwrap();
            assert!(matches!(ran, Resumed::Ended(())), "{ran:?}");
            working(current).await
        });
        let ran = nested.await.unwrap();
        assert!(
            matches!(ran, Resumed::Undone(Undone::Lost(_))),
            "{level}: {ran:?}"
        );
        assert_eq!(place.effects().await, 1, "{level}");
    }
}

#[tokio::test]
async fn stores_on_one_table_are_one_whatever_way_leads_there() {
    let (place, other) = (Place::new().await, Place::new().await);
    let relay = Relay::to(options().get_port()).unwrap();
    let relayed = PgPoolOptions::new().connect_lazy_with(options().port(relay.port()));
    let one = place.store().await;
    assert_eq!(one.identity(), place.store_on(&relayed).await.identity());
    assert_eq!(one.identity(), one.clone().identity());
    assert_ne!(one.identity(), other.store().await.identity());
}

// S73
#[tokio::test]
async fn an_ending_in_another_store_is_refused_before_anything_is_sent() {
    let (place, other) = (Place::new().await, Place::new().await);
    let idempotency = Idempotency::new(place.store().await, Policy::reference());
    let continuation = idempotency.resume(travelling(key(), lease(LONG)));
    // Not even a connection is asked for: this pool would never give one.
    let nowhere = PgPoolOptions::new()
        .acquire_timeout(Duration::from_secs(3_600))
        .max_connections(1)
        .connect_lazy_with(options());
    let store = other.store_on(&nowhere).await;
    let _all = nowhere.acquire().await.unwrap();
    let error = store.begin(Some(continuation.current())).await.unwrap_err();
    let sqlx::Error::Configuration(source) = error else {
        panic!("{error:?}");
    };
    let source = source.downcast_ref::<EnlistError>();
    assert_eq!(source, Some(&EnlistError::OtherStore));
}

#[tokio::test]
async fn a_place_that_was_given_back_can_be_taken_again() {
    let place = Place::new().await;
    let store = place.store().await;
    let idempotency = Idempotency::new(store.clone(), Policy::reference());
    let (key, lease) = (key(), lease(LONG));
    assert_eq!(store.claim(&key, &lease).await.unwrap(), Claim::Owned);
    let continuation = idempotency.resume(travelling(key, lease));
    let current = continuation.current().clone();
    drop(store.begin(Some(&current)).await.unwrap());
    store
        .begin(Some(&current))
        .await
        .unwrap()
        .rollback()
        .await
        .unwrap();
    let error = store
        .begin_with(Some(&current), "SELECT 1")
        .await
        .unwrap_err();
    assert!(matches!(error, sqlx::Error::BeginFailed), "{error:?}");
    place
        .have_effect(&store, Some(&current), "BEGIN;")
        .await
        .unwrap();
    let _ = continuation.complete(NotKept::Stream).await.unwrap();
    assert_eq!(place.effects().await, 1);
}

#[test]
fn one_that_is_dropped_outside_its_runtime_rolls_back() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let name = "dropped outside";
    for ended_first in [false, true] {
        let first = runtime();
        let begun = first.block_on(async {
            let pool = PgPoolOptions::new().connect_lazy_with(options().application_name(name));
            let store = Place::new().await.store_on(&pool).await;
            store.begin(None).await.unwrap()
        });
        let open = format!("application_name = '{name}' AND state = 'idle in transaction'");
        // The check at start-up had one too, and its rollback may be on its way.
        first.block_on(async {
            while sessions(&open).await != 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        if ended_first {
            drop(first);
            drop(begun);
        } else {
            drop(begun);
            std::mem::forget(first);
        }
        runtime().block_on(async {
            while sessions(&open).await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }
}
