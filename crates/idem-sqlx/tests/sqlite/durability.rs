//! Which writes are on disk when they are answered.

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, NotKept},
};

use crate::file::{File, LONG, key, lease};

const NORMAL: i64 = 1;
const FULL: i64 = 2;

/// What `synchronous` was at each write since the last time.
async fn noted(file: &File) -> Vec<i64> {
    let asking = sqlx::query_scalar("SELECT setting FROM noted ORDER BY id");
    let noted = asking.fetch_all(&file.pool).await.unwrap();
    file.run("DELETE FROM noted").await;
    noted
}

#[tokio::test]
async fn leases_alone_are_not_flushed_and_durable_ones_are() {
    let file = File::new();
    let store = file.builder().without_sweeping().prepare().await.unwrap();
    let note = "BEGIN INSERT INTO noted (setting) SELECT synchronous FROM pragma_synchronous; END;";
    let triggers: String = ["INSERT", "UPDATE", "DELETE"]
        .map(|write| format!("CREATE TRIGGER on_{write} AFTER {write} ON idem_records {note}"))
        .concat();
    file.run("CREATE TABLE noted (id INTEGER PRIMARY KEY, setting INTEGER)")
        .await;
    let creating = sqlx::raw_sql(sqlx::AssertSqlSafe(triggers));
    creating.execute(&file.pool).await.unwrap();

    for (held, lazy) in [(lease(LONG), NORMAL), (lease(LONG).durable(), FULL)] {
        let key = key();
        assert_eq!(store.claim(&key, &held).await.unwrap(), Claim::Owned);
        assert_eq!(noted(&file).await, [lazy], "a claim");
        assert_eq!(store.renew(&key, &held).await.unwrap(), Fenced::Held);
        assert_eq!(noted(&file).await, [lazy], "a renewal");
        assert_eq!(store.release(&key, &held).await.unwrap(), Fenced::Held);
        assert_eq!(noted(&file).await, [lazy], "a release");
        assert_eq!(store.claim(&key, &held).await.unwrap(), Claim::Owned);
        assert_eq!(noted(&file).await, [lazy]);
        let done = NotKept::Stream.into();
        let completion = store.complete(&key, &held, &done, LONG).await.unwrap();
        assert_eq!(completion, Fenced::Held);
        assert_eq!(noted(&file).await, [FULL], "a completion");
    }
}
