//! What an error of the server means for a claim: its kind, and whether it may have landed.

use std::time::Duration;

use idem_core::{
    IdempotencyStore,
    store::StoreErrorKind::{Full, Rejected, Timeout, TooLarge, Unavailable},
};
use idem_sqlx::PostgresStore;

use crate::{
    race::{key, lease},
    server::{pool, run, tables_of_its_own},
};

#[tokio::test]
async fn an_error_is_told_by_its_code() {
    let tables = tables_of_its_own().await;
    let builder = PostgresStore::builder(&pool()).tables(tables.clone());
    let store = builder.without_sweeping().prepare().await.unwrap();
    let sql = PostgresStore::migrations(&tables)[0].sql().to_owned();
    let schema = sql.split('"').nth(1).unwrap();
    run(&format!(
        "CREATE FUNCTION {schema}.failing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER failing BEFORE INSERT ON {schema}.\"Kept_records\"
             FOR EACH ROW EXECUTE FUNCTION {schema}.failing()"
    ))
    .await;
    for (code, kind, may_have_landed) in [
        ("53100", Full, false),
        ("53300", Full, false),
        ("54000", TooLarge, false),
        ("57014", Timeout, false),
        ("55P03", Timeout, false),
        ("57P03", Unavailable, false),
        ("57P01", Unavailable, true),
        ("57P02", Unavailable, true),
        ("40001", Unavailable, false),
        ("40P01", Unavailable, false),
        ("25006", Unavailable, false),
        ("08006", Unavailable, false),
        ("42501", Rejected, false),
        ("42P01", Rejected, false),
        ("23514", Rejected, false),
        ("58030", Unavailable, true),
        ("XX000", Unavailable, true),
    ] {
        run(&format!(
            "CREATE OR REPLACE FUNCTION {schema}.failing() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = '{code}'; END $$"
        ))
        .await;
        let lease = lease(Duration::from_secs(60));
        let error = store.claim(&key(), &lease).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_landed()),
            (kind, may_have_landed),
            "{code}"
        );
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("as asked"), "{source}");
    }
}
