//! Posts one operation until its outcome is known.

use std::time::Duration;

use reqwest::{Client, Error, Response, StatusCode, header};

const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: String,
    /// After how long, at least, the same request may be answered otherwise; `None` is final.
    pub retry_after: Option<Duration>,
}

/// Posts JSON under a key that was stored before, and again until the answer is final.
///
/// After an error nobody knows whether the operation took effect: call again later, with the
/// same key and the same bytes.
pub async fn post(client: &Client, url: &str, key: &str, json: &str) -> Result<Answer, Error> {
    let mut attempt = 1;
    loop {
        let sent = send(client, url, key, json).await;
        let at_least = match &sent {
            _ if attempt == ATTEMPTS => return sent,
            Ok(answer) => match answer.retry_after {
                Some(wait) => wait,
                None => return sent,
            },
            Err(_) => Duration::ZERO,
        };
        tokio::time::sleep(at_least + jitter(attempt)).await;
        attempt += 1;
    }
}

async fn send(client: &Client, url: &str, key: &str, json: &str) -> Result<Answer, Error> {
    let response = client
        .post(url)
        .header("Idempotency-Key", format!("\"{key}\""))
        .header(header::CONTENT_TYPE, "application/json")
        .body(json.to_owned())
        .send()
        .await?;
    Ok(Answer {
        status: response.status(),
        retry_after: is_temporary(&response).then(|| retry_after(&response)),
        // An answer that breaks off is no answer: sending again fetches it.
        body: response.text().await?,
    })
}

fn is_temporary(response: &Response) -> bool {
    match response.headers().get("Idempotency-Refusal") {
        Some(code) => matches!(
            code.as_bytes(),
            b"idempotency-in-progress"
                | b"idempotency-too-many-waiters"
                | b"idempotency-store-unavailable"
                | b"idempotency-rolled-back"
                | b"idempotency-outcome-unknown"
                | b"idempotency-shutting-down"
        ),
        None => matches!(response.status().as_u16(), 408 | 429 | 500 | 502..=504),
    }
}

fn retry_after(response: &Response) -> Duration {
    let value = response.headers().get(header::RETRY_AFTER);
    let seconds = value.and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs)
}

/// Any part of a pause that doubles: clients that failed together do not come back together.
fn jitter(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE * 2_u32.pow(attempt - 1);
    pause.min(LONGEST_PAUSE).mul_f64(rand::random())
}
