//! A secret of AWS Secrets Manager, read once.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use tokio::time::timeout;

use crate::aws;

/// How long it may take, tries again included: a Lambda function has 10 seconds to start in all.
const PATIENCE: Duration = Duration::from_secs(4);

/// Why a secret has no text to give.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("AWS Secrets Manager does not give it")]
    Refused(#[source] Box<SdkError<GetSecretValueError>>),
    #[error("AWS Secrets Manager gave no answer in {} seconds", PATIENCE.as_secs())]
    Silent,
    #[error("it is binary, and must be text")]
    Binary,
    #[error("it is empty")]
    Empty,
}

/// The text of a secret, of a name or an ARN, without the white space around it.
///
/// # Cancel safety
/// Safe.
pub(super) async fn read(name: &str) -> Result<String, SecretError> {
    timeout(PATIENCE, fetch(name))
        .await
        .map_err(|_| SecretError::Silent)?
}

async fn fetch(name: &str) -> Result<String, SecretError> {
    let client = Client::new(&aws::settings().await);
    let secret = client.get_secret_value().secret_id(name).send().await;
    let secret = secret.map_err(|error| SecretError::Refused(Box::new(error)))?;
    let text = secret.secret_string().ok_or(SecretError::Binary)?;
    match text.trim() {
        "" => Err(SecretError::Empty),
        text => Ok(text.to_owned()),
    }
}
