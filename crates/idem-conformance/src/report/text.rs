//! For a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Outcome, Report, Verdict, exchange};
use crate::stage::Failure;

const PASSED: Style = AnsiColor::Green.on_default();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const NOT_RUN: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();

impl Report {
    /// The report as plain text.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.write_text(|_, text| text.to_owned())
    }

    /// The report as text with ANSI colours.
    #[must_use]
    pub fn to_coloured_text(&self) -> String {
        self.write_text(|style, text| format!("{style}{text}{style:#}"))
    }

    fn write_text(&self, paint: impl Fn(Style, &str) -> String) -> String {
        let mut text = format!(
            "{} by the profile {} (seed {})\n",
            self.base_url, self.profile, self.seed
        );
        let mut group = "";
        for outcome in &self.outcomes {
            if outcome.scenario.group() != group {
                group = outcome.scenario.group();
                let _ = writeln!(text, "\n{group}");
            }
            let _ = writeln!(text, "{}", line(outcome, &paint));
        }
        for (outcome, failure) in self.failed() {
            let _ = write!(text, "\n{}", explain(outcome, failure, &paint));
        }
        let style = if self.is_conformant() { PASSED } else { FAILED };
        let _ = writeln!(text, "\n{}", paint(style, &self.summary()));
        text
    }
}

fn line(outcome: &Outcome, paint: &impl Fn(Style, &str) -> String) -> String {
    let id = outcome.scenario.id();
    match &outcome.verdict {
        Verdict::Passed => format!("  {} {id}", paint(PASSED, "passed ")),
        Verdict::Failed(_) => format!("  {} {id}", paint(FAILED, "FAILED ")),
        Verdict::NotRun(reason) => {
            format!(
                "  {} {id} {}",
                paint(NOT_RUN, "not run"),
                paint(QUIET, &format!("({reason})"))
            )
        }
    }
}

fn explain(outcome: &Outcome, failure: &Failure, paint: &impl Fn(Style, &str) -> String) -> String {
    let scenario = outcome.scenario;
    let mut text = format!("{}\n", paint(FAILED, scenario.id()));
    let _ = writeln!(text, "  rule:   {}", scenario.rule());
    let _ = writeln!(text, "  source: {}", scenario.source());
    let _ = writeln!(text, "  wrong:  {}", failure.problem);
    let Some(telling) = outcome.telling_exchange(failure) else {
        return text;
    };
    let place = failure.exchange.unwrap_or(outcome.exchanges.len() - 1);
    if place > 0 {
        let _ = writeln!(text, "  before: {}", paint(QUIET, &before(outcome, place)));
    }
    for line in exchange::lines(telling).lines() {
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// The exchanges that led to the telling one, the last three of them.
fn before(outcome: &Outcome, place: usize) -> String {
    let exchanges = &outcome.exchanges[place.saturating_sub(3)..place];
    let lines = exchanges.iter().map(exchange::in_short);
    lines.collect::<Vec<_>>().join("; ")
}
