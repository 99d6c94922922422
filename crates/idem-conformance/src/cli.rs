//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

/// Drives an HTTP server over a socket and says which idempotency scenarios it passes.
///
/// The requests take effect: point it at a server for tests. The exit code is 0 if no scenario
/// failed, 1 if one did, and 2 if nothing was found out.
#[derive(Debug, Parser)]
#[command(name = "idem-conformance", version, about)]
pub(crate) struct Cli {
    /// Where the server is, such as <http://127.0.0.1:3000> or <https://api.example.com/v1>
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// What the server promises: reference, ietf, stripe, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "reference")]
    pub(crate) profile: String,

    /// Play only scenarios whose id contains this; may be given again
    #[arg(long, value_name = "FILTER")]
    pub(crate) scenario: Vec<String>,

    /// List the scenarios, and play none
    #[arg(long)]
    pub(crate) list: bool,

    /// Print a built-in profile, to start one of your own from
    #[arg(long, value_name = "NAME")]
    pub(crate) print_profile: Option<String>,

    /// How the report is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Where the report goes, instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// How long any answer may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = some_time)]
    pub(crate) timeout: Duration,

    /// What keys and payloads derive from, to send the same to another server
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// How many requests are "many at once"
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) concurrency: usize,

    /// A header for every request, such as 'Authorization: Bearer …'; reports do not show its value
    // Not parsed by clap, which would show a value that it refuses.
    #[arg(long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Junit,
    Markdown,
}

fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("no time at all is too short; give one such as 10s".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; give one such as 10s or 500ms")),
    }
}
