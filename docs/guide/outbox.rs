//! Stores each request before it is sent, and after a crash sends again what has no answer.

use std::time::{Duration, SystemTime};

use idem_client::{BoxError, FirstSent, IdempotencyKey};
use reqwest_middleware::ClientWithMiddleware;
use sqlx::{SqliteConnection, SqlitePool};

pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS outbox (
    key TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    first_sent INTEGER, -- in seconds since 1970; NULL if it was never sent
    status INTEGER,     -- NULL until the outcome is known
    answer BLOB
) STRICT";

/// Stores a request. Call it in the transaction of whatever makes you send it, such as the invoice.
pub async fn store(
    transaction: &mut SqliteConnection,
    key: &IdempotencyKey,
    url: &str,
    json: &str,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO outbox (key, url, body) VALUES (?, ?, ?)")
        .bind(key.as_str())
        .bind(url)
        .bind(json.as_bytes())
        .execute(transaction)
        .await?;
    Ok(())
}

/// Sends everything that has no answer. Call it at the start, and when something was stored; two calls
/// at once do no harm, for the server sees one key.
///
/// The token is not stored: what is sent after a crash is sent with the token of then.
pub async fn send_all(
    pool: &SqlitePool,
    client: &ClientWithMiddleware,
    token: &str,
) -> Result<(), BoxError> {
    let waiting: Vec<Row> = sqlx::query_as(
        "SELECT key, url, body, first_sent FROM outbox WHERE status IS NULL ORDER BY rowid",
    )
    .fetch_all(pool)
    .await?;
    for row in waiting {
        send(pool, client, token, row).await?;
    }
    Ok(())
}

type Row = (String, String, Vec<u8>, Option<u64>);

async fn send(
    pool: &SqlitePool,
    client: &ClientWithMiddleware,
    token: &str,
    (key, url, body, first_sent): Row,
) -> Result<(), BoxError> {
    let mut request = client
        .post(url)
        .bearer_auth(token)
        .header("Content-Type", "application/json")
        .with_extension(IdempotencyKey::new(key.as_str())?)
        .body(body);
    if let Some(seconds) = first_sent {
        // Now it stops before the server can have forgotten the key.
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        request = request.with_extension(FirstSent(at));
    } else {
        // Before it is sent: a crash in between only makes us stop early.
        sqlx::query("UPDATE outbox SET first_sent = unixepoch() WHERE key = ?")
            .bind(&key)
            .execute(pool)
            .await?;
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    let answer = response.bytes().await?;
    sqlx::query("UPDATE outbox SET status = ?, answer = ? WHERE key = ?")
        .bind(status)
        .bind(&answer[..])
        .bind(&key)
        .execute(pool)
        .await?;
    Ok(())
}
