//! The command line flags, each with an environment variable behind it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// A goat market with idempotent orders.
#[derive(Debug, Clone, Parser)]
#[command(name = "goat-api", version, about)]
pub struct Cli {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, env = "GOAT_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: String,

    /// The web framework that serves
    #[arg(long, env = "GOAT_FRAMEWORK", value_enum, default_value_t = Framework::default())]
    pub framework: Framework,

    /// Where the idempotency records are kept
    #[arg(long, env = "GOAT_STORE", value_enum, default_value_t = Store::Memory)]
    pub store: Store,

    /// The Momento cache, created if it is missing
    #[arg(
        long,
        env = "GOAT_MOMENTO_CACHE",
        value_name = "NAME",
        default_value = "idempotency-cache"
    )]
    pub momento_cache: String,

    /// Where a stand-in for Momento's service listens
    #[arg(
        long,
        help = "A stand-in for Momento's service, such as http://127.0.0.1:8181",
        env = "GOAT_MOMENTO_ENDPOINT",
        value_name = "URL"
    )]
    pub momento_endpoint: Option<String>,

    /// The Momento API key; the service's endpoint is in `MOMENTO_ENDPOINT`
    #[arg(
        long,
        env = "MOMENTO_API_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    pub momento_api_key: Option<String>,

    /// The name or ARN of the secret in AWS Secrets Manager that is the Momento API key; needs a build with the
    /// feature `lambda`
    #[arg(long, env = "GOAT_MOMENTO_SECRET", value_name = "NAME")]
    pub momento_secret: Option<String>,

    /// The market's SQLite file, created if it is missing
    #[arg(
        long,
        env = "GOAT_DATABASE",
        value_name = "PATH",
        default_value = "goat-market.db"
    )]
    pub database: PathBuf,

    /// The DynamoDB table that has the market's data in the file's place, created if it is missing
    #[arg(long, env = "GOAT_DYNAMODB_TABLE", value_name = "NAME")]
    pub dynamodb_table: Option<String>,

    /// What a client sees when it repeats a request
    #[arg(long, env = "GOAT_PROFILE", value_enum, default_value_t = Profile::Reference)]
    pub profile: Profile,

    /// How long a finished request is remembered
    #[arg(
        long,
        env = "GOAT_RETENTION",
        value_name = "DURATION",
        default_value = "60m",
        value_parser = more_than_nothing
    )]
    pub retention: Duration,

    /// How long a running request holds its key
    #[arg(
        long,
        env = "GOAT_LEASE",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = more_than_nothing
    )]
    pub lease: Duration,

    /// How long a Lambda function that was killed at its timeout goes on holding its key
    #[arg(
        long,
        env = "GOAT_LEASE_MARGIN",
        value_name = "DURATION",
        default_value = "5s",
        value_parser = humantime::parse_duration
    )]
    pub lease_margin: Duration,

    /// How long placing an order takes, so that a person can watch one in progress
    #[arg(
        long,
        env = "GOAT_ORDER_DELAY",
        value_name = "DURATION",
        default_value = "0s",
        value_parser = humantime::parse_duration
    )]
    pub order_delay: Duration,

    /// How long it goes on serving after a stop was asked for, while it says that it is not ready
    #[arg(
        long,
        env = "GOAT_STOP_DELAY",
        value_name = "DURATION",
        default_value = "0s",
        value_parser = humantime::parse_duration
    )]
    pub stop_delay: Duration,

    /// What operators send to look at keys and to release them; without it these routes are not there
    #[arg(
        long,
        env = "GOAT_ADMIN_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub admin_token: Option<Secret>,

    /// How the log is written
    #[arg(long, env = "GOAT_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// A text that is not shown where the flags are.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A lease of no length would protect nothing, and a response that is not kept cannot be replayed.
fn more_than_nothing(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be longer than 0s, such as 30s or 60m".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write it as 500ms, 30s, 60m or 1h 30m")),
    }
}

/// The web framework that serves; the first that this build has, unless chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Framework {
    /// axum; needs a build with the feature `axum`.
    #[cfg_attr(feature = "axum", default)]
    Axum,
    /// actix-web; needs a build with the feature `actix`.
    #[cfg_attr(not(feature = "axum"), default)]
    Actix,
}

impl Framework {
    /// Its name as the flag has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Actix => "actix",
        }
    }
}

/// Where the idempotency records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Store {
    /// In this process: they end with it.
    Memory,
    /// In a cache of Momento Serverless Cache; needs a build with the feature `momento`.
    Momento,
}

impl Store {
    /// Its name as the flag has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Momento => "momento",
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object on each line.
    Json,
}

/// What a client sees when it repeats a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Profile {
    /// The library's own default.
    Reference,
    /// The IETF draft `draft-ietf-httpapi-idempotency-key-header`.
    Ietf,
    /// As Stripe's API does it: a failure is remembered as well.
    Stripe,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_given_in_human_form() {
        let cli = Cli::try_parse_from(["goat-api", "--retention", "2h", "--lease", "1m 30s"]);
        let cli = cli.unwrap();
        assert_eq!(cli.retention, Duration::from_secs(7200));
        assert_eq!(cli.lease, Duration::from_secs(90));
        for lease in ["soon", "0s", "-1s", ""] {
            assert!(
                Cli::try_parse_from(["goat-api", "--lease", lease]).is_err(),
                "{lease}"
            );
        }
    }

    #[test]
    fn the_admin_token_is_not_shown_with_the_flags() {
        let cli = Cli::try_parse_from(["goat-api", "--admin-token", "open sesame"]).unwrap();
        assert_eq!(cli.admin_token.as_ref().unwrap().reveal(), "open sesame");
        assert!(!format!("{cli:?}").contains("sesame"));
    }

    #[test]
    fn a_profile_is_chosen_by_name() {
        let cli = Cli::try_parse_from(["goat-api", "--profile", "ietf"]).unwrap();
        assert_eq!(cli.profile, Profile::Ietf);
        assert!(Cli::try_parse_from(["goat-api", "--profile", "other"]).is_err());
    }
}
