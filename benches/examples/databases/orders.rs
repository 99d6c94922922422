//! The handler: one INSERT in a transaction, on either database, with the record inside or not.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};
use idem_core::CurrentExecution;
use idem_sqlx::{PostgresStore, SqliteStore};
use sqlx::{PgPool, SqlitePool};

/// Where orders go.
#[derive(Debug)]
pub(crate) enum Orders {
    Postgres(PgPool),
    PostgresInside(PostgresStore),
    Sqlite(SqlitePool),
    SqliteInside(SqliteStore),
}

pub(crate) async fn order(
    State(orders): State<Arc<Orders>>,
    current: Option<Extension<CurrentExecution>>,
    item: String,
) -> Result<impl IntoResponse, StatusCode> {
    let current = current.as_deref();
    let id = insert(&orders, current, &item).await.map_err(|error| {
        eprintln!("{error}");
        StatusCode::SERVICE_UNAVAILABLE
    })?;
    let content_type = [(CONTENT_TYPE, "application/json")];
    Ok((
        StatusCode::CREATED,
        content_type,
        format!(r#"{{"id":{id}}}"#),
    ))
}

const ON_POSTGRES: &str = "INSERT INTO orders (item) VALUES ($1) RETURNING id";
const ON_SQLITE: &str = "INSERT INTO orders (item) VALUES (?1) RETURNING id";

async fn insert(
    orders: &Orders,
    current: Option<&CurrentExecution>,
    item: &str,
) -> Result<i64, sqlx::Error> {
    Ok(match orders {
        Orders::Postgres(pool) => {
            let mut tx = pool.begin().await?;
            let insert = sqlx::query_scalar(ON_POSTGRES).bind(item);
            let id = insert.fetch_one(&mut *tx).await?;
            tx.commit().await?;
            id
        }
        Orders::PostgresInside(store) => {
            let mut tx = store.begin(current).await?;
            let insert = sqlx::query_scalar(ON_POSTGRES).bind(item);
            let id = insert.fetch_one(&mut *tx).await?;
            tx.commit_with_response().await?;
            id
        }
        Orders::Sqlite(pool) => {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
            let insert = sqlx::query_scalar(ON_SQLITE).bind(item);
            let id = insert.fetch_one(&mut *tx).await?;
            tx.commit().await?;
            id
        }
        Orders::SqliteInside(store) => {
            let mut tx = store.begin(current).await?;
            let insert = sqlx::query_scalar(ON_SQLITE).bind(item);
            let id = insert.fetch_one(&mut *tx).await?;
            tx.commit_with_response().await?;
            id
        }
    })
}
