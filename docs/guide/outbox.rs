//! Stores each request before it is sent, and after a crash sends again what has no answer.

use std::time::{Duration, SystemTime};

use idem_client::{BoxError, Error, FirstSent, IdempotencyKey, Report};
use reqwest::Response;
use reqwest_middleware::ClientWithMiddleware;
use sqlx::{SqliteConnection, SqlitePool};

pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS outbox (
    key TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    first_sent INTEGER, -- in seconds since 1970; NULL if it surely never arrived
    sends INTEGER NOT NULL DEFAULT 0, -- how often it was sent since then
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
/// A request that fails holds up no other: the first error comes at the end. The token is not stored:
/// what is sent after a crash is sent with the token of then.
pub async fn send_all(
    pool: &SqlitePool,
    client: &ClientWithMiddleware,
    token: &str,
) -> Result<(), BoxError> {
    let waiting: Vec<Row> =
        sqlx::query_as("SELECT key, url, body FROM outbox WHERE status IS NULL ORDER BY rowid")
            .fetch_all(pool)
            .await?;
    let mut all = Ok(());
    for row in waiting {
        let sent = send(pool, client, token, row).await;
        all = all.and(sent);
    }
    all
}

type Row = (String, String, Vec<u8>);

async fn send(
    pool: &SqlitePool,
    client: &ClientWithMiddleware,
    token: &str,
    (key, url, body): Row,
) -> Result<(), BoxError> {
    // Before it is sent: a crash in between only makes us stop early.
    let claimed: Option<(u64, u32)> = sqlx::query_as(
        "UPDATE outbox SET first_sent = coalesce(first_sent, unixepoch()), sends = sends + 1
         WHERE key = ? AND status IS NULL RETURNING first_sent, sends",
    )
    .bind(&key)
    .fetch_optional(pool)
    .await?;
    let Some((first_sent, sends)) = claimed else {
        return Ok(()); // Another call has its answer.
    };
    let mut request = client
        .post(url)
        .bearer_auth(token)
        .header("Content-Type", "application/json")
        .with_extension(IdempotencyKey::new(key.as_str())?)
        .body(body);
    if sends > 1 {
        // Now it stops before the server can have forgotten the key.
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(first_sent);
        request = request.with_extension(FirstSent(at));
    }
    let answered = request.send().await;
    if !may_have_taken_effect(&answered) {
        // Unless another call has sent it meanwhile.
        sqlx::query("UPDATE outbox SET first_sent = NULL, sends = 0 WHERE key = ? AND sends = 1")
            .bind(&key)
            .execute(pool)
            .await?;
    }
    let response = answered?;
    let status = response.status().as_u16();
    if matches!(status, 401 | 403 | 407) && !is_replay(&response) {
        // Perhaps not the outcome, but a gate's answer: another token may get the outcome.
        return Err(format!("the server refused the token with {status}").into());
    }
    let answer = response.bytes().await?;
    sqlx::query("UPDATE outbox SET status = ?, answer = ? WHERE key = ? AND status IS NULL")
        .bind(status)
        .bind(&answer[..])
        .bind(&key)
        .execute(pool)
        .await?;
    Ok(())
}

fn may_have_taken_effect(answered: &reqwest_middleware::Result<Response>) -> bool {
    match answered {
        Ok(response) => {
            let report = response.extensions().get();
            report.is_none_or(Report::may_have_taken_effect)
        }
        Err(error) => Error::find(error).is_none_or(Error::may_have_taken_effect),
    }
}

fn is_replay(response: &Response) -> bool {
    response.extensions().get().is_some_and(Report::is_replay)
}
