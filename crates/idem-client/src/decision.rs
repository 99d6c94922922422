//! What to do after an attempt: pure, with time as a parameter.
//!
//! The reqwest middleware and the tower layer decide by [`decide`] alone. Use it directly to give
//! another HTTP client the same behaviour.

use std::time::Duration;

use http::StatusCode;

use crate::answer::{Meaning, Refusal};

/// What came of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// The server answered, and the answer arrived whole.
    Answered {
        /// The status.
        status: StatusCode,
        /// What the answer means, as the server's [`Dialect`](crate::Dialect) reads it.
        meaning: Meaning,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The connection was never made, so the request did not arrive.
    NotConnected,
    /// No answer came, or not all of it: a timeout, a reset. The request may have arrived.
    Lost,
    /// It failed in a way that another attempt does not change: the request cannot be sent, or a
    /// redirect leads nowhere.
    Failed {
        /// Whether the request may have arrived all the same.
        may_have_arrived: bool,
    },
}

/// How often and how long an operation is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most attempts.
    pub attempts: u32,
    /// How long the whole operation may take, from its first attempt.
    pub deadline: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
}

/// An operation so far, with the attempt that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Whether the server is named as honouring keys, and the request carries one.
    pub under_a_key: bool,
    /// Whether the same bytes can be sent again.
    pub repeatable: bool,
    /// How many attempts were made, this one included.
    pub attempts: u32,
    /// How long ago the first attempt was sent.
    pub elapsed: Duration,
    /// How long ago the first attempt was sent that may have arrived; `None` if all before this one
    /// are known not to have taken effect.
    pub since_first_arrival: Option<Duration>,
    /// How long ago this attempt was sent.
    pub since_sent: Duration,
    /// How long the server remembers the key.
    pub retention: Duration,
}

/// What to do, and what is known of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// What to do.
    pub next: Next,
    /// Whether the operation may have taken effect by now.
    pub may_have_taken_effect: bool,
}

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// The answer is the operation's.
    Done,
    /// Send the same again after this time.
    RetryAfter(Duration),
    /// Do not send it again.
    GiveUp(GaveUp),
}

/// Why an operation ended without its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GaveUp {
    /// A key, or when it was sent first, was given for a server that is not named as honouring keys.
    /// Nothing was sent.
    #[error("a key or its first sending was given, but the server is not named as honouring keys")]
    ServerNotNamed,
    /// The operation was sent before, and its key was not given with it: another key would be another operation.
    /// Nothing was sent.
    #[error(
        "the operation was sent before, but its key was not given, and another key would be another operation"
    )]
    KeyNotGiven,
    /// The request may have arrived at a server that is not named as honouring keys.
    #[error(
        "the request may have arrived, and the server is not named as honouring keys, so it was not sent again"
    )]
    NotUnderAKey,
    /// The body cannot be sent again: it is a stream, or larger than what is kept in memory.
    #[error("the body cannot be cloned, so the request was not sent again")]
    BodyNotRepeatable,
    /// Another attempt would fail in the same way.
    #[error("the request failed in a way that another attempt does not change")]
    Failed,
    /// The server refused.
    #[error("the server refused: {0}")]
    Refused(Refusal),
    /// All attempts were made.
    #[error("all attempts were made")]
    AttemptsSpent,
    /// The next attempt would begin after the operation's deadline.
    #[error("the operation's deadline leaves no time for another attempt")]
    DeadlinePassed,
    /// The next attempt could arrive when the server has forgotten the key.
    #[error("the server may have forgotten the key before another attempt arrives")]
    RetentionPassed,
    /// The process has made as many retries as its budget allows.
    #[error("the budget for retries is spent")]
    BudgetSpent,
}

/// Decides what follows an attempt. `pause` is what to wait at least, before any `Retry-After`.
///
/// The process's retry budget is not considered here. Check it last, just before you retry.
#[must_use]
pub fn decide(limits: &Limits, history: &History, attempt: &Attempt, pause: Duration) -> Decision {
    let before = history.since_first_arrival.is_some();
    let may_have_taken_effect = before || attempt.may_have_taken_effect();
    let next = match ending(history, attempt, may_have_taken_effect) {
        Some(next) => next,
        None => retry(limits, history, attempt, pause, may_have_taken_effect),
    };
    Decision {
        next,
        may_have_taken_effect,
    }
}

/// What ends the operation, whatever the limits.
fn ending(history: &History, attempt: &Attempt, may_have_taken_effect: bool) -> Option<Next> {
    match attempt {
        // Without a key there is no other answer to be had.
        Attempt::Answered { .. } if !history.under_a_key => Some(Next::Done),
        Attempt::Answered { meaning, .. } => match meaning {
            Meaning::Result | Meaning::Replay => Some(Next::Done),
            Meaning::Refused(refusal) => Some(Next::GiveUp(GaveUp::Refused(*refusal))),
            Meaning::InProgress | Meaning::NotDone | Meaning::Unknown => None,
        },
        Attempt::Failed { .. } => Some(Next::GiveUp(GaveUp::Failed)),
        Attempt::Lost | Attempt::NotConnected => None,
    }
    .or_else(|| {
        let gave_up = if !history.under_a_key && may_have_taken_effect {
            GaveUp::NotUnderAKey
        } else if !history.repeatable {
            GaveUp::BodyNotRepeatable
        } else {
            return None;
        };
        Some(Next::GiveUp(gave_up))
    })
}

fn retry(
    limits: &Limits,
    history: &History,
    attempt: &Attempt,
    pause: Duration,
    may_have_taken_effect: bool,
) -> Next {
    if history.attempts >= limits.attempts {
        return Next::GiveUp(GaveUp::AttemptsSpent);
    }
    let wait = attempt.retry_after().saturating_add(pause);
    if history.elapsed.saturating_add(wait) >= limits.deadline {
        return Next::GiveUp(GaveUp::DeadlinePassed);
    }
    // An attempt may arrive as late as it is waited for.
    let age = history.since_first_arrival.unwrap_or(history.since_sent);
    let arrives = age
        .saturating_add(wait)
        .saturating_add(limits.attempt_timeout);
    if may_have_taken_effect && history.under_a_key && arrives > history.retention {
        return Next::GiveUp(GaveUp::RetentionPassed);
    }
    Next::RetryAfter(wait)
}

impl Attempt {
    /// Whether this attempt by itself may have taken effect, or shows that an earlier one may have.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::NotConnected => false,
            Self::Lost => true,
            Self::Failed { may_have_arrived } => *may_have_arrived,
            Self::Answered {
                status, meaning, ..
            } => match meaning {
                Meaning::Result => !status.is_client_error(),
                Meaning::Replay | Meaning::InProgress | Meaning::Unknown => true,
                Meaning::NotDone => false,
                // Somebody used the key: perhaps this operation, with a payload that was built again or
                // with other credentials.
                Meaning::Refused(refusal) => matches!(
                    refusal,
                    Refusal::Mismatch
                        | Refusal::OtherCaller
                        | Refusal::AnswerNotKept
                        | Refusal::Other
                ),
            },
        }
    }

    fn retry_after(&self) -> Duration {
        match self {
            Self::Answered { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
