//! The settings that every client of AWS begins with.

use aws_config::{BehaviorVersion, SdkConfig};

/// Credentials, region and endpoints, from where AWS's own tools have them: the environment,
/// `~/.aws` or the role of the machine.
///
/// `AWS_ENDPOINT_URL` sends every call elsewhere, such as to a stand-in.
///
/// # Cancel safety
/// Safe.
pub async fn settings() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).load().await
}
