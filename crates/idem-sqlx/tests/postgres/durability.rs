//! Which writes are on disk when they are answered, where leases may commit asynchronously.

use std::time::Duration;

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, NotKept},
};
use idem_sqlx::PostgresStore;
use sqlx::AssertSqlSafe;
use tokio::time::sleep;

use crate::{
    race::{key, lease},
    server::{pool, run, tables_of_its_own},
};

const LONG: Duration = Duration::from_secs(60);

/// A store whose leases may commit asynchronously, and which notes how each row was committed.
struct Noting {
    store: PostgresStore,
    schema: String,
}

impl Noting {
    async fn start() -> Self {
        let tables = tables_of_its_own().await;
        let builder = PostgresStore::builder(&pool()).tables(tables.clone());
        let builder = builder
            .without_sweeping()
            .every_effect_is_in_this_database();
        let store = builder.prepare().await.unwrap();
        let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
        let schema = sql.split('"').nth(1).unwrap().to_owned();
        // A trigger that is deferred runs at the commit, as late as it gets.
        run(&format!(
            "CREATE TABLE {schema}.noted (id bigserial, setting text);
             CREATE FUNCTION {schema}.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO {schema}.noted (setting) VALUES (current_setting('synchronous_commit'));
                 RETURN NULL;
             END $$;
             CREATE CONSTRAINT TRIGGER noting AFTER INSERT OR UPDATE OR DELETE
                 ON {schema}.\"Kept_records\"
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.note();
             CREATE CONSTRAINT TRIGGER noting AFTER INSERT OR UPDATE ON {schema}.\"Kept_renewals\"
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.note()"
        ))
        .await;
        Self { store, schema }
    }

    /// What `synchronous_commit` was at each commit since the last time.
    async fn noted(&self) -> Vec<String> {
        let sql = format!(
            "WITH noted AS (DELETE FROM {}.noted RETURNING id, setting)
             SELECT setting FROM noted ORDER BY id",
            self.schema
        );
        let asking = sqlx::query_scalar(AssertSqlSafe(sql));
        asking.fetch_all(&pool()).await.unwrap()
    }
}

#[tokio::test]
async fn leases_alone_commit_asynchronously_and_durable_ones_do_not() {
    let noting = Noting::start().await;
    let store = &noting.store;
    for (held, lazy) in [(lease(LONG), "off"), (lease(LONG).durable(), "on")] {
        let (key, lapsed) = (key(), lease(Duration::from_millis(1)));
        assert_eq!(store.claim(&key, &lapsed).await.unwrap(), Claim::Owned);
        sleep(Duration::from_millis(10)).await;
        assert_eq!(noting.noted().await, ["off"]);

        assert_eq!(store.claim(&key, &held).await.unwrap(), Claim::Owned);
        assert_eq!(noting.noted().await, [lazy], "a takeover");
        assert_eq!(store.renew(&key, &held).await.unwrap(), Fenced::Held);
        assert_eq!(noting.noted().await, [lazy], "a renewal");
        assert_eq!(store.release(&key, &held).await.unwrap(), Fenced::Held);
        assert_eq!(noting.noted().await, ["on"], "a release");
        assert_eq!(store.claim(&key, &held).await.unwrap(), Claim::Owned);
        assert_eq!(noting.noted().await, [lazy], "a claim of a free key");
        let done = NotKept::Stream.into();
        let completion = store.complete(&key, &held, &done, LONG).await.unwrap();
        assert_eq!(completion, Fenced::Held);
        assert_eq!(noting.noted().await, ["on"], "a completion");
    }
}
