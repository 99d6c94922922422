//! The stores in databases beside the bare handler: `databases [load|counts|growth|all]`.
//!
//! The handler makes one INSERT in a transaction, behind a socket, on PostgreSQL and on SQLite; the record of
//! its response is kept nowhere, in memory, in Redis, in the database, or in the handler's transaction. Each variant is
//! a process of this program. It needs Debian's packages `postgresql` and `redis-server` and, to count flushes, `strace`.
//!
//! `load [ROUNDS] [SECONDS]` measures all variants in turns; `counts` counts statements, round trips and flushes
//! of a request; `growth [CYCLES] [SWEEP_MS]` tells how large the tables get.

#![forbid(unsafe_code)]

mod client;
mod counts;
mod cpu;
mod growth;
mod load;
mod market;
mod orders;
mod place;
mod service;
mod strace;
mod variant;

use std::{env, error::Error, str::FromStr, time::Duration};

use idem_benches::table::heading;
use tokio::runtime::Builder;

type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (what, rest) = match arguments.split_first() {
        Some((what, rest)) => (what.as_str(), rest),
        None => ("all", arguments.as_slice()),
    };
    // A service has the threads that it would have on a machine of this size; clients need one.
    let threads = if what == service::SERVE { 2 } else { 1 };
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match what {
            service::SERVE => service::serve(rest).await,
            "load" => load(rest).await,
            "counts" => counts().await,
            "growth" => growth(rest).await,
            "all" => {
                counts().await?;
                load(&[]).await?;
                growth(&[]).await
            }
            _ => Err(
                "usage: databases [load [ROUNDS] [SECONDS]|counts|growth [CYCLES] [SWEEP_MS]|all]"
                    .into(),
            ),
        }
    })
}

fn number<T: FromStr>(arguments: &[String], place: usize) -> Result<Option<T>, T::Err> {
    arguments
        .get(place)
        .map(|number| number.parse())
        .transpose()
}

async fn counts() -> Result<(), AnyError> {
    heading(
        &["", "record", ""],
        &[
            "statements",
            "round trips",
            "to Redis",
            "flushes",
            "file writes",
            "log, B",
        ],
    );
    counts::count().await
}

async fn load(arguments: &[String]) -> Result<(), AnyError> {
    let seconds = number(arguments, 1)?.unwrap_or(2);
    let length = Duration::from_secs(seconds);
    eprintln!(
        "\nOf {} client, and of {} clients at once:",
        load::CLIENTS[0],
        load::CLIENTS[1]
    );
    let each = ["requests/s", "of bare", "p50, ms", "p99, ms"];
    let costs = ["service, µs", "PostgreSQL, µs", "Redis, µs", "failures"];
    heading(
        &["", "record", ""],
        &[&each[..], &each[..], &costs[..]].concat(),
    );
    load::compare(number(arguments, 0)?.unwrap_or(5), length).await
}

async fn growth(arguments: &[String]) -> Result<(), AnyError> {
    heading(
        &["", ""],
        &[
            "requests/s",
            "failures",
            "rows",
            "table, KiB",
            "indexes, KiB",
            "renewals, KiB",
            "log, KiB",
        ],
    );
    let sweeping = number(arguments, 1)?.map(Duration::from_millis);
    growth::watch(number(arguments, 0)?.unwrap_or(200_000), sweeping).await
}
