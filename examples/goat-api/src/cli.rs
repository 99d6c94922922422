//! The command line flags, each with an environment variable behind it.

mod choices;
mod place;
mod reading;
mod secret;

use std::time::Duration;

use clap::Parser;

use crate::web::cors::Origin;
pub use choices::{Framework, LogFormat, Profile, Store};
pub use place::Place;
use reading::between;
pub(crate) use reading::on_lambda;
pub use secret::Secret;

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
    #[arg(long, env = "GOAT_STORE", value_enum, default_value_t = Store::Database)]
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
    pub momento_api_key: Option<Secret>,

    /// The name or ARN of the secret in AWS Secrets Manager that is the Momento API key; needs a build with the
    /// feature `lambda`
    #[arg(long, env = "GOAT_MOMENTO_SECRET", value_name = "NAME")]
    pub momento_secret: Option<String>,

    /// The Redis or Valkey that keeps the records; any number of processes share it
    ///
    /// It is written as `redis://user:password@host:6379/0`, or `rediss://` over TLS. Put a URL with a password into the
    /// environment, where nobody lists it.
    #[arg(
        long,
        env = "GOAT_REDIS_URL",
        value_name = "URL",
        default_value = "redis://127.0.0.1:6379",
        hide_env_values = true
    )]
    pub redis_url: Secret,

    /// Where the market's data are: an SQLite file, created if it is missing, or the URL of a PostgreSQL database
    ///
    /// A URL such as `postgres://user@host/database` needs a build with the feature `postgres`, which is a default
    /// one; any number of processes share that database. Put a URL with a password into the environment, where
    /// nobody lists it. SQLite's `:memory:` is refused: each connection would have a database of its own.
    #[arg(
        long,
        env = "GOAT_DATABASE",
        value_name = "PATH or URL",
        default_value = "goat-market.db",
        hide_env_values = true
    )]
    pub database: Place,

    /// The DynamoDB table that has the market's data in the file's place, created if it is missing; needs a build with the
    /// feature `dynamodb`
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
        value_parser = between("1s", "100y")
    )]
    pub retention: Duration,

    /// How long a running request holds its key
    #[arg(
        long,
        env = "GOAT_LEASE",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = between("1s", "1day")
    )]
    pub lease: Duration,

    /// How long a Lambda function that was killed at its timeout goes on holding its key
    #[arg(
        long,
        env = "GOAT_LEASE_MARGIN",
        value_name = "DURATION",
        default_value = "5s",
        value_parser = between("0s", "1day")
    )]
    pub lease_margin: Duration,

    /// How long placing an order takes, so that a person can watch one in progress
    #[arg(
        long,
        env = "GOAT_ORDER_DELAY",
        value_name = "DURATION",
        default_value = "0s",
        value_parser = between("0s", "1day")
    )]
    pub order_delay: Duration,

    /// How long it goes on serving after a stop was asked for, while it says that it is not ready
    #[arg(
        long,
        env = "GOAT_STOP_DELAY",
        value_name = "DURATION",
        default_value = "0s",
        value_parser = between("0s", "1day")
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

    /// An origin whose pages may use the API, such as `https://shop.example`, or `*` for all
    #[arg(
        long,
        help = "An origin whose pages may use the API, such as https://shop.example, or * for all; may be \
                repeated, or a list with commas",
        env = "GOAT_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub cors_origin: Vec<Origin>,

    /// How the log is written
    #[arg(long, env = "GOAT_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}
