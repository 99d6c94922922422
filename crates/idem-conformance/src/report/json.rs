//! For programs.

use serde::Serialize;

use super::{Outcome, Report, Verdict, exchange};

#[derive(Serialize)]
struct Document<'a> {
    base_url: &'a str,
    profile: &'a str,
    seed: u64,
    conformant: bool,
    passed: usize,
    failed: usize,
    not_run: usize,
    scenarios: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    numbers: &'a str,
    rule: &'a str,
    source: &'a str,
    verdict: &'static str,
    /// What was wrong, or why it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
    milliseconds: u128,
    /// Of a failure alone: the one that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<String>,
}

impl Report {
    /// The report as a JSON document.
    #[must_use]
    pub fn to_json(&self) -> String {
        let document = Document {
            base_url: &self.base_url,
            profile: &self.profile,
            seed: self.seed,
            conformant: self.is_conformant(),
            passed: self.passed().count(),
            failed: self.failed().count(),
            not_run: self.not_run().count(),
            scenarios: self.outcomes.iter().map(entry).collect(),
        };
        serde_json::to_string_pretty(&document).expect("text and numbers always serialise")
    }
}

fn entry(outcome: &Outcome) -> Entry<'_> {
    let (verdict, problem, shown) = match &outcome.verdict {
        Verdict::Passed => ("passed", None, None),
        Verdict::Failed(failure) => (
            "failed",
            Some(failure.problem()),
            outcome.telling_exchange(failure),
        ),
        Verdict::NotRun(reason) => ("not run", Some(reason.as_str()), None),
    };
    let scenario = outcome.scenario;
    Entry {
        id: scenario.id(),
        numbers: scenario.numbers(),
        rule: scenario.rule(),
        source: scenario.source(),
        verdict,
        problem,
        milliseconds: outcome.duration.as_millis(),
        exchange: shown.map(exchange::lines),
    }
}
