//! The store contract, with two servers on one database and 16 connections.

use std::time::Duration;

use idem_sqlx::{PostgresBuilder, PostgresStore};
use idem_store_tests::Fixture;

use crate::server::{options, pool, run};

async fn two_stores(set: impl Fn(PostgresBuilder) -> PostgresBuilder) -> Fixture {
    let store = async || {
        let builder = PostgresStore::builder(&pool()).connections(8);
        // The rules are not about how fast a machine is that has other work.
        let builder = builder.call_timeout(Duration::from_secs(20));
        set(builder).prepare().await.unwrap()
    };
    Fixture::new(store().await).client(store().await).crowd(300)
}

mod plain {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::two_stores(|builder| builder).await,
    }
}

mod asynchronous_claims {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::two_stores(super::PostgresBuilder::every_effect_is_in_this_database).await,
    }
}

mod behind_a_pooler {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::two_stores(super::PostgresBuilder::behind_transaction_pooler).await,
    }
}

/// The application's database has another default, at which races would fail.
mod repeatable_read_by_default {
    idem_store_tests::store_tests! {
        clock: real,
        store: super::on_repeatable_read().await,
    }
}

async fn on_repeatable_read() -> Fixture {
    static ONCE: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    ONCE.get_or_init(|| async {
        run("CREATE ROLE repeating SUPERUSER LOGIN").await;
        run("ALTER ROLE repeating SET default_transaction_isolation = 'repeatable read'").await;
    })
    .await;
    two_stores(|builder| builder.connect_options(options().username("repeating"))).await
}
