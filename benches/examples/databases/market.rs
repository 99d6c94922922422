//! The service of a variant: its pool, its store, and the layer.

use std::sync::Arc;

use axum::{Router, http::StatusCode, routing::post};
use idem_axum::IdempotencyLayer;
use idem_benches::{
    orders::PATH,
    records::{RETENTION, key, lease, unbounded},
};
use idem_core::{Idempotency, IdempotencyStore, Policy, store::Fenced};
use idem_redis::RedisStore;
use idem_sqlx::{PostgresStore, SqliteStore};
use sqlx::{
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

use crate::{
    AnyError,
    orders::{Orders, order},
    service::{Service, Sweeping},
    variant::{Database, Record},
};

/// Where a lease is renewed, outside the layer.
pub(crate) const RENEWALS: &str = "/renewals";

/// As many as there are clients at most, so that no handler waits for a connection.
const CONNECTIONS: u32 = 32;

/// Where records are kept, if anywhere.
type Store = Option<Arc<dyn IdempotencyStore>>;

/// The service, ready to be served.
pub(crate) async fn router(service: &Service) -> Result<Router, AnyError> {
    let (orders, in_database) = match service.variant.database {
        Database::Postgres => on_postgres(service).await?,
        Database::Sqlite => on_sqlite(service).await?,
    };
    let store: Store = match service.variant.record {
        Record::Memory => Some(Arc::new(unbounded())),
        Record::Redis => Some(Arc::new(
            RedisStore::builder(service.redis.as_str())
                .connect()
                .await?,
        )),
        _ => in_database,
    };
    let router = Router::new().route(PATH, post(order));
    let router = router.with_state(Arc::new(orders));
    let Some(store) = store else {
        return Ok(router);
    };
    let retention = service.retention.unwrap_or(RETENTION);
    let policy = Policy::reference().retention(retention);
    let layer = IdempotencyLayer::from(Idempotency::new(Arc::clone(&store), policy));
    Ok(router.layer(layer).merge(renewals(store).await?))
}

/// Renews one lease, again and again.
async fn renewals(store: Arc<dyn IdempotencyStore>) -> Result<Router, AnyError> {
    let (key, lease) = (key(std::process::id().into()), lease(0));
    let _ = store.claim(&key, &lease).await?;
    let renewed = Arc::new((store, key, lease));
    let renew = async move || match renewed.0.renew(&renewed.1, &renewed.2).await {
        Ok(Fenced::Held) => StatusCode::CREATED,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok(Router::new().route(RENEWALS, post(renew)))
}

async fn on_postgres(service: &Service) -> Result<(Orders, Store), AnyError> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
    let pool = pool.connect(&service.place).await?;
    if !service.variant.keeps_records_there() {
        return Ok((Orders::Postgres(pool), None));
    }
    let builder = PostgresStore::builder(&pool);
    let builder = match service.sweeping {
        Sweeping::AsUsual => builder,
        Sweeping::Never => builder.without_sweeping(),
        Sweeping::Every(interval) => builder.sweep_every(interval),
    };
    let builder = match service.variant.record {
        Record::InsideManyConnections => builder.connections(CONNECTIONS as usize),
        Record::InsideWithOption => builder.every_effect_is_in_this_database(),
        _ => builder,
    };
    let store = builder.prepare().await?;
    let records: Arc<dyn IdempotencyStore> = Arc::new(store.clone());
    let orders = match service.variant.record {
        Record::Outside => Orders::Postgres(pool),
        _ => Orders::PostgresInside(store),
    };
    Ok((orders, Some(records)))
}

async fn on_sqlite(service: &Service) -> Result<(Orders, Store), AnyError> {
    let options = SqliteConnectOptions::new()
        .filename(&service.place)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS);
    let pool = pool.connect_with(options).await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL)")
        .execute(&pool)
        .await?;
    if !service.variant.keeps_records_there() {
        return Ok((Orders::Sqlite(pool), None));
    }
    let builder = SqliteStore::builder(&pool);
    let builder = match service.sweeping {
        Sweeping::AsUsual => builder,
        Sweeping::Never => builder.without_sweeping(),
        Sweeping::Every(interval) => builder.sweep_every(interval),
    };
    let store = builder.prepare().await?;
    let records: Arc<dyn IdempotencyStore> = Arc::new(store.clone());
    let orders = match service.variant.record {
        Record::Outside => Orders::Sqlite(pool),
        _ => Orders::SqliteInside(store),
    };
    Ok((orders, Some(records)))
}
