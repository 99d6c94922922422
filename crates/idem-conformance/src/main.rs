#![forbid(unsafe_code)]
//! The program: a server and a profile in, a report and an exit code out.

mod cli;
mod progress;

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use clap::Parser;
use idem_conformance::{BUILTIN, Outcome, Profile, Report, Suite};

use crate::{
    cli::{Cli, Format},
    progress::Progress,
};

/// Some scenario failed.
const NOT_CONFORMANT: u8 = 1;

/// Nothing was found out: the command line, the profile or the server is at fault.
const NOTHING_FOUND_OUT: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => NOT_CONFORMANT.into(),
        Err(problem) => {
            anstream::eprintln!("idem-conformance: {problem}");
            NOTHING_FOUND_OUT.into()
        }
    }
}

/// Whether no scenario failed.
async fn run(cli: Cli) -> Result<bool, String> {
    if let Some(name) = &cli.print_profile {
        let text = Profile::builtin_toml(name).ok_or_else(|| unknown_profile(name))?;
        return print(text).map(|()| true);
    }
    let suite = suite(&cli)?;
    let number = suite.scenarios().count();
    if number == 0 {
        let filters = cli.scenario.join(", ");
        return Err(format!(
            "no scenario's id contains {filters}; --list shows the ids"
        ));
    }
    if cli.list {
        return print(&list(&suite)).map(|()| true);
    }
    let progress = Progress::start(number);
    let show = |outcome: &Outcome| progress.show(outcome);
    let report = suite
        .run_with(show)
        .await
        .map_err(|error| error.to_string())?;
    progress.end();
    publish(&cli, &report)?;
    Ok(report.is_conformant())
}

fn suite(cli: &Cli) -> Result<Suite, String> {
    let base_url = match (&cli.base_url, cli.list) {
        (Some(url), _) => url,
        (None, true) => "http://127.0.0.1:3000",
        (None, false) => {
            return Err("--base-url is missing; give one such as http://127.0.0.1:3000".to_owned());
        }
    };
    let mut suite = Suite::new(base_url, profile(&cli.profile)?)
        .map_err(|error| error.to_string())?
        .timeout(cli.timeout)
        .concurrency(cli.concurrency)
        .only(&cli.scenario);
    if let Some(seed) = cli.seed {
        suite = suite.seed(seed);
    }
    for line in &cli.header {
        let (name, value) = line
            .split_once(':')
            .ok_or("a --header has no colon; it is written 'Name: value'")?;
        suite = suite
            .header(name.trim(), value.trim())
            .map_err(|error| error.to_string())?;
    }
    Ok(suite)
}

fn profile(name: &str) -> Result<Profile, String> {
    if let Some(profile) = Profile::builtin(name) {
        return Ok(profile);
    }
    if !Path::new(name).exists() {
        return Err(unknown_profile(name));
    }
    let text = fs::read_to_string(name)
        .map_err(|error| format!("the profile {name} cannot be read: {error}"))?;
    Profile::named(name, &text).map_err(|error| format!("the profile {name} is not valid: {error}"))
}

fn unknown_profile(name: &str) -> String {
    format!(
        "there is no profile {name}; it can be {}, or a file",
        BUILTIN.join(", ")
    )
}

fn list(suite: &Suite) -> String {
    let lines = suite.scenarios().map(|scenario| {
        format!(
            "{:<34} {} [{}]\n",
            scenario.id(),
            scenario.rule(),
            scenario.source()
        )
    });
    lines.collect()
}

fn publish(cli: &Cli, report: &Report) -> Result<(), String> {
    let Some(path) = &cli.output else {
        let text = match cli.format {
            Format::Text => report.to_coloured_text(),
            format => render(format, report),
        };
        return print(&text);
    };
    fs::write(path, render(cli.format, report)).map_err(|error| {
        format!(
            "the report cannot be written to {}: {error}",
            path.display()
        )
    })?;
    anstream::eprintln!("{}", report.summary());
    Ok(())
}

fn render(format: Format, report: &Report) -> String {
    match format {
        Format::Text => report.to_text(),
        Format::Json => report.to_json() + "\n",
        Format::Junit => report.to_junit(),
        Format::Markdown => report.to_markdown(),
    }
}

/// Prints with colours only where a terminal shows them. A reader that has left is no error.
fn print(text: &str) -> Result<(), String> {
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("the output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}
