//! The values of flags that have a few.

use clap::ValueEnum;

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
    /// In the market's own database, each in one commit with its goat or order: no crash and no restart makes
    /// a retry place an order twice
    Database,
    /// In this process, whose end they do not survive: a retry after a restart places its order again
    Memory,
    /// In a cache of Momento Serverless Cache, which several processes share; needs a build with the feature
    /// `momento`. A retry places its order again if the process died between order and record
    Momento,
    /// In a Redis or Valkey, which several processes share; needs a build with the feature `redis`. A retry places its
    /// order again if the process died between order and record, or if the server lost the record
    Redis,
}

impl Store {
    /// Its name as the flag has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Memory => "memory",
            Self::Momento => "momento",
            Self::Redis => "redis",
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
