//! What is asked of a server: one rule each.

use std::fmt;

use futures_util::future::BoxFuture;

use crate::{
    need::Need,
    stage::{Check, Stage},
};

/// One rule, where it comes from, and how a server is asked whether it keeps it.
#[derive(Clone, Copy)]
pub struct Scenario {
    id: &'static str,
    rule: &'static str,
    source: &'static str,
    numbers: &'static str,
    needs: &'static [Need],
    sequential: bool,
    play: Play,
}

type Play = fn(&Stage) -> BoxFuture<'_, Check>;

impl Scenario {
    pub(crate) const fn new(
        id: &'static str,
        numbers: &'static str,
        rule: &'static str,
        source: &'static str,
        play: Play,
    ) -> Self {
        Self {
            id,
            rule,
            source,
            numbers,
            needs: &[],
            sequential: true,
            play,
        }
    }

    /// What the profile must have.
    pub(crate) const fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }

    /// Several requests are under way at once: what each is answered depends on who comes first.
    pub(crate) const fn concurrent(mut self) -> Self {
        self.sequential = false;
        self
    }

    /// A stable name: `key/quoted-and-bare`.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What must hold, in a sentence.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// The document that says so.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Its numbers in idem's list of scenarios.
    #[must_use]
    pub fn numbers(&self) -> &'static str {
        self.numbers
    }

    /// The first part of its id.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(group, _)| group)
    }

    /// Whether its requests follow one another, so that two servers can be compared by its exchanges.
    #[must_use]
    pub fn is_sequential(&self) -> bool {
        self.sequential
    }

    pub(crate) fn needed(&self) -> &'static [Need] {
        self.needs
    }

    pub(crate) async fn play(&self, stage: &Stage) -> Check {
        (self.play)(stage).await
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scenario").field(&self.id).finish()
    }
}
