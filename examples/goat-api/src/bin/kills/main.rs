//! Kills the goat market at random instants while clients retry each order to its answer, and counts the orders
//! that were placed twice or lost, with each store.
//!
//! The market is a process of its own, as it is when it is started by hand: this program, once more.

#![forbid(unsafe_code)]

mod clients;
mod flags;
mod market;
mod postgres;
mod table;
mod tally;
mod trial;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use flags::Flags;
use table::Row;
use trial::Trial;

/// Why there is no result.
type Failed = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(ended) = market::is_wanted() {
        return ended.await;
    }
    match run(Flags::parse()).await {
        Ok(rows) if rows.iter().all(Row::is_as_promised) => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("kills: an order was placed twice or lost where that must not be");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("kills: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<Vec<Row>, Failed> {
    let trials = Trial::of(&flags)?;
    let bar = progress(trials.iter().map(Trial::steps).sum());
    let mut rows = Vec::new();
    for trial in trials {
        bar.set_message(trial.name().to_owned());
        rows.push(trial.run(&flags, &bar).await?);
    }
    bar.finish_and_clear();
    println!("{}", table::text(&rows));
    println!("{}", flags.meaning());
    Ok(rows)
}

/// It is drawn only on a terminal.
fn progress(steps: u64) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}, {elapsed}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
