//! Posts one operation until its outcome is known.

use idem_client::{BoxError, Dialect, IdempotencyKey, IdempotentRetries};
use reqwest::Response;
use reqwest_middleware::{ClientWithMiddleware, Result};

pub fn client(server: &str) -> std::result::Result<ClientWithMiddleware, BoxError> {
    let retries = IdempotentRetries::new().server(server.parse()?, Dialect::idem());
    Ok(retries.client(reqwest::Client::builder())?)
}

pub async fn post(
    client: &ClientWithMiddleware,
    url: &str,
    key: IdempotencyKey,
    json: String,
) -> Result<Response> {
    let request = client.post(url).header("Content-Type", "application/json");
    request.with_extension(key).body(json).send().await
}
