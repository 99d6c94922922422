//! A run: one server, one profile, and the scenarios that were chosen.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderName, HeaderValue};
use thiserror::Error;

use crate::{
    need::Need,
    profile::Profile,
    redact::Secrets,
    report::{Outcome, Report, Verdict},
    scenario::Scenario,
    scenarios,
    stage::{Scenery, Stage},
    survey::survey,
    target::{InvalidTarget, Target},
    wire::{Client, Connector},
};

/// Longer than most servers take for anything, and short enough for a person to wait for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// As many as find a race, and few enough for the open files of a process.
const CONCURRENCY: usize = 100;

/// The scenarios for one server.
#[derive(Clone, Debug)]
pub struct Suite {
    base_url: String,
    target: Target,
    profile: Profile,
    timeout: Duration,
    seed: u64,
    concurrency: usize,
    filters: Vec<String>,
    headers: Vec<(String, Vec<u8>)>,
}

/// The server cannot be reached.
#[derive(Debug, Error)]
#[error("{base_url} cannot be reached: {problem}; start the server, or give another --base-url")]
pub struct Unreachable {
    base_url: String,
    problem: String,
}

/// The profile does not fit the server: one line says which of its options does.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unfit(String);

/// Why a run found nothing out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NothingFoundOut {
    /// No connection to the server can be made.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The profile does not fit the server.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// A header cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the header {name:?} or its value cannot be sent; give it as 'Name: value'")]
pub struct InvalidHeader {
    name: String,
}

impl Suite {
    /// The scenarios for the server at `base_url`, whose path stands before every path of the profile.
    ///
    /// # Errors
    /// The URL is not one of `http` or `https` with a host.
    pub fn new(base_url: &str, profile: Profile) -> Result<Self, InvalidTarget> {
        Ok(Self {
            target: Target::parse(base_url)?,
            base_url: base_url.to_owned(),
            profile,
            timeout: TIMEOUT,
            seed: rand::random(),
            concurrency: CONCURRENCY,
            filters: Vec::new(),
            headers: Vec::new(),
        })
    }

    /// Sets how long any answer may take: 10 seconds by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what keys and payloads derive from: at random by default.
    ///
    /// Two runs with one seed send the same bytes. A server that has seen them replays them, so
    /// that a second run with a seed is for another server.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how many requests are "many at once": 100 by default, and at least 2.
    #[must_use]
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests.max(2);
        self
    }

    /// Plays only scenarios whose id contains one of these texts.
    #[must_use]
    pub fn only<F: Into<String>>(mut self, filters: impl IntoIterator<Item = F>) -> Self {
        self.filters = filters.into_iter().map(Into::into).collect();
        self
    }

    /// Sends a header with every request; its value is in no report.
    ///
    /// # Errors
    /// The name or the value cannot stand in a header.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, InvalidHeader> {
        let is_valid = HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok();
        if !is_valid {
            return Err(InvalidHeader {
                name: name.to_owned(),
            });
        }
        self.headers
            .push((name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        Ok(self)
    }

    /// The scenarios that were chosen, also those that the profile makes impossible.
    pub fn scenarios(&self) -> impl Iterator<Item = &'static Scenario> {
        scenarios::all().filter(|scenario| {
            let mut filters = self.filters.iter();
            self.filters.is_empty() || filters.any(|filter| scenario.id().contains(&**filter))
        })
    }

    /// Plays the scenarios, one after another.
    ///
    /// Before them it calls the profile's operation, and its slow operation twice at once, to see whether the profile
    /// fits the server.
    ///
    /// # Errors
    /// No connection to the server can be made, or the profile does not fit it; no scenario was played then.
    ///
    /// # Cancel safety
    /// Dropping the future ends the run; what the server was asked until then has happened.
    pub async fn run(&self) -> Result<Report, NothingFoundOut> {
        self.run_with(|_| ()).await
    }

    /// Plays the scenarios and shows each outcome as it comes.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Cancel safety
    /// As [`run`](Self::run).
    pub async fn run_with(
        &self,
        mut show: impl FnMut(&Outcome),
    ) -> Result<Report, NothingFoundOut> {
        let scenery = self.scenery().await?;
        let mut scenarios = self.scenarios();
        let asks_duplicates =
            scenarios.any(|scenario| scenario.needed().contains(&Need::InProgress));
        if let Some(problem) = survey(&scenery, asks_duplicates).await {
            return Err(Unfit(problem).into());
        }
        let mut outcomes = Vec::new();
        for scenario in self.scenarios() {
            let outcome = play(&scenery, scenario).await;
            show(&outcome);
            outcomes.push(outcome);
        }
        Ok(Report::new(
            &self.base_url,
            self.profile.name(),
            self.seed,
            outcomes,
        ))
    }

    async fn scenery(&self) -> Result<Scenery, Unreachable> {
        let unreachable = |problem: String| Unreachable {
            base_url: self.base_url.clone(),
            problem,
        };
        let connector =
            Connector::new(self.target.clone()).map_err(|error| unreachable(error.to_string()))?;
        let client = Client::new(connector, self.timeout);
        client
            .reach()
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        Ok(Scenery {
            secrets: Secrets::of(&self.profile, &self.headers),
            profile: Arc::new(self.profile.clone()),
            client,
            headers: self.headers.clone(),
            timeout: self.timeout,
            concurrency: self.concurrency,
            seed: self.seed,
        })
    }
}

async fn play(scenery: &Scenery, scenario: &'static Scenario) -> Outcome {
    let mut needs = scenario.needed().iter();
    if let Some(reason) = needs.find_map(|need| need.unmet(&scenery.profile)) {
        return Outcome::new(
            scenario,
            Verdict::NotRun(reason),
            Duration::ZERO,
            Vec::new(),
        );
    }
    let stage = Stage::new(scenery.clone(), scenario.id());
    let start = Instant::now();
    let verdict = match scenario.play(&stage).await {
        Ok(()) => Verdict::Passed,
        Err(failure) => Verdict::Failed(failure),
    };
    Outcome::new(scenario, verdict, start.elapsed(), stage.into_exchanges())
}
