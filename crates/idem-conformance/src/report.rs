//! What came of a run.

mod exchange;
mod json;
mod junit;
mod markdown;
mod text;
mod transcript;

use std::time::Duration;

use crate::{
    scenario::Scenario,
    stage::{Exchange, Failure},
};

/// What came of a scenario; the list is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rule holds.
    Passed,
    /// It does not hold, or could not be established: the operation itself did not work.
    Failed(Failure),
    /// The profile does not have what it takes, for this reason.
    NotRun(String),
}

/// A scenario, its verdict, and every exchange that led to it.
#[derive(Clone, Debug)]
pub struct Outcome {
    scenario: &'static Scenario,
    verdict: Verdict,
    duration: Duration,
    exchanges: Vec<Exchange>,
}

impl Outcome {
    pub(crate) fn new(
        scenario: &'static Scenario,
        verdict: Verdict,
        duration: Duration,
        exchanges: Vec<Exchange>,
    ) -> Self {
        Self {
            scenario,
            verdict,
            duration,
            exchanges,
        }
    }

    /// What was asked.
    #[must_use]
    pub fn scenario(&self) -> &'static Scenario {
        self.scenario
    }

    /// Its result.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// How long it took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// What was sent and what came back, in the order of sending.
    #[must_use]
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// The exchange that shows a failure: the one that was judged, or the last one.
    fn telling_exchange(&self, failure: &Failure) -> Option<&Exchange> {
        match failure.exchange {
            Some(place) => self.exchanges.get(place),
            None => self.exchanges.last(),
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    base_url: String,
    profile: String,
    seed: u64,
    outcomes: Vec<Outcome>,
}

impl Report {
    pub(crate) fn new(base_url: &str, profile: &str, seed: u64, outcomes: Vec<Outcome>) -> Self {
        Self {
            base_url: base_url.to_owned(),
            profile: profile.to_owned(),
            seed,
            outcomes,
        }
    }

    /// Whether no scenario failed; one that was not run has not failed.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Every scenario's outcome, in the order in which they were played.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The scenarios that passed.
    pub fn passed(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.verdict == Verdict::Passed)
    }

    /// The scenarios that failed, and how.
    pub fn failed(&self) -> impl Iterator<Item = (&Outcome, &Failure)> {
        self.outcomes
            .iter()
            .filter_map(|outcome| match &outcome.verdict {
                Verdict::Failed(failure) => Some((outcome, failure)),
                _ => None,
            })
    }

    /// The scenarios that were not run, and why.
    pub fn not_run(&self) -> impl Iterator<Item = (&Outcome, &str)> {
        self.outcomes
            .iter()
            .filter_map(|outcome| match &outcome.verdict {
                Verdict::NotRun(reason) => Some((outcome, reason.as_str())),
                _ => None,
            })
    }

    /// The seed, by which a run can be repeated on another server.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// `57 passed, 1 failed, 3 not run`.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "{} passed, {} failed, {} not run",
            self.passed().count(),
            self.failed().count(),
            self.not_run().count()
        )
    }
}
