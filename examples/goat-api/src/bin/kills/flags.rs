//! The command line flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use goat_api::cli::{Framework, Secret};

/// Kills the goat market at random instants while clients retry each order to its answer, and counts the orders
/// that were placed twice or lost.
#[derive(Debug, Clone, Parser)]
#[command(name = "kills", version)]
pub(crate) struct Flags {
    /// How often a market is killed (SIGKILL), with each store
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(..=1_000_000)
    )]
    pub(crate) kills: u64,

    /// The longest time between two kills; the shortest is a quarter of it
    #[arg(long, value_name = "DURATION", default_value = "1200ms", value_parser = humantime::parse_duration)]
    pub(crate) pause: Duration,

    /// How many markets share one database; one at a time is killed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=16))]
    pub(crate) markets: u64,

    /// How many clients order at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) clients: u32,

    /// What to try on an SQLite file; none to try nothing but PostgreSQL
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., default_values_t = [Kept::Memory, Kept::Database])]
    pub(crate) stores: Vec<Kept>,

    /// The URL of a PostgreSQL database without orders, to try that too
    #[arg(
        long,
        value_name = "URL",
        env = "KILLS_POSTGRES",
        hide_env_values = true,
        conflicts_with = "own_postgres"
    )]
    pub(crate) postgres: Option<Secret>,

    /// Try PostgreSQL too, on a server that this program starts (Debian's package `postgresql`)
    #[arg(long)]
    pub(crate) own_postgres: bool,

    /// How often that server is stopped as by a crash (`pg_ctl stop -m immediate`), after the kills
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "own_postgres",
        value_parser = clap::value_parser!(u64).range(..=1_000_000)
    )]
    pub(crate) crashes: u64,

    /// The web framework that serves
    #[arg(long, value_enum, default_value_t = Framework::default())]
    pub(crate) framework: Framework,

    /// The market's program, to kill that instead of this program's own copy
    #[arg(long, value_name = "PATH")]
    pub(crate) program: Option<PathBuf>,
}

/// Where records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kept {
    /// In the market's process; its orders are in an SQLite file
    Memory,
    /// In the SQLite file that has the orders
    Database,
}

impl Flags {
    /// What the figures say, and what they do not.
    pub(crate) fn meaning(&self) -> String {
        let crashes = match self.crashes {
            0 => "",
            _ => " An immediate stop of PostgreSQL is no more than that.",
        };
        format!(
            "Each key was retried until its order's id came back. \"extra\": orders beyond one a key; \"lost\": ids that \
             were answered and belong to no order.\n\"blocked\": the longest time that a key was answered \"in progress\": \
             what was left of a dead market's lease of {} s, and as much again\nwhere the market that took the key over was \
             killed too. SIGKILL ends a process and not the machine, whose system still writes\nwhat the process has \
             written: this does not test fsync.{crashes}",
            crate::market::LEASE_SECONDS
        )
    }
}
