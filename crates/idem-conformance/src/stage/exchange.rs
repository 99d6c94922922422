//! What was sent and what came back, and what was wrong with it.

use thiserror::Error;

use crate::wire::{Answer, Request};

/// What a step of a scenario comes to.
pub(crate) type Check<T = ()> = Result<T, Failure>;

/// What was wrong, and with which exchange.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct Failure {
    pub(crate) problem: String,
    pub(crate) exchange: Option<usize>,
}

impl Failure {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            exchange: None,
        }
    }

    /// A failure that an answer shows.
    pub(crate) fn at(answer: &Answer, problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            exchange: Some(answer.exchange),
        }
    }

    /// What was wrong.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

/// A request and its result; secrets are blotted out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub(crate) request: Request,
    pub(crate) answer: Option<Answer>,
    pub(crate) note: Option<String>,
}

impl Exchange {
    /// What was sent.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// What came back, if anything did.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    /// What else is to say: that the client hung up, or why there is no answer.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }
}
