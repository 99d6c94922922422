//! A service that places an order exactly once: the order and the record of its answer are one commit.

use axum::{Extension, Json, Router, extract::State, http::StatusCode, routing::post};
use idem_axum::{CurrentExecution, IdempotencyLayer, Policy};
use idem_sqlx::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

type Error = Box<dyn std::error::Error>;

async fn place(
    State(store): State<SqliteStore>,
    current: Option<Extension<CurrentExecution>>,
    Json(item): Json<String>,
) -> Result<(StatusCode, Json<i64>), StatusCode> {
    let placed = insert(&store, current.as_deref(), &item).await;
    // The cause belongs in your log, and never in an answer.
    let id = placed.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok((StatusCode::CREATED, Json(id)))
}

async fn insert(
    store: &SqliteStore,
    current: Option<&CurrentExecution>,
    item: &str,
) -> Result<i64, sqlx::Error> {
    let mut tx = store.begin(current).await?;
    let id = sqlx::query_scalar("INSERT INTO orders (item) VALUES (?1) RETURNING id")
        .bind(item)
        .fetch_one(&mut *tx)
        .await?;
    // The last line for the database: the commit comes with the record.
    tx.commit_with_response().await?;
    Ok(id)
}

async fn app(file: &str) -> Result<Router, Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT)")
        .execute(&pool)
        .await?;
    // Creates the tables of the records beside it.
    let store = SqliteStore::builder(&pool).prepare().await?;
    let idempotency = IdempotencyLayer::new(store.clone()).policy(Policy::ietf());
    Ok(Router::new()
        .route("/orders", post(place).route_layer(idempotency))
        .with_state(store))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
    axum::serve(listener, app("orders.db").await?).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request, response::Response};
    use tower::ServiceExt;

    use super::*;

    async fn order(app: Router) -> Response {
        let request = Request::post("/orders")
            .header("content-type", "application/json")
            .header("idempotency-key", "order-1")
            .body(Body::from("\"milk\""))
            .expect("it is a request");
        app.oneshot(request).await.expect("a router never fails")
    }

    #[tokio::test]
    async fn a_retry_after_a_restart_gets_the_first_answer_and_places_nothing() -> Result<(), Error>
    {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("orders.db");
        let file = file.to_str().expect("its path is text");
        for replayed in [false, true] {
            // Each is a service of its own, on the same file.
            let response = order(app(file).await?).await;
            assert_eq!(response.status(), StatusCode::CREATED);
            assert_eq!(
                response.headers().contains_key("idempotency-replayed"),
                replayed
            );
        }
        let pool = SqlitePool::connect(file).await?;
        let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders")
            .fetch_one(&pool)
            .await?;
        assert_eq!(orders, 1);
        Ok(())
    }
}
