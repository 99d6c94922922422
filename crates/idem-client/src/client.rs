//! What the clients share: settings, the course of an operation, and what they tell.

mod answer_body;
mod attempts;
mod budget;
mod error;
mod events;
mod operation;
mod report;
mod retries;
mod wire;

#[cfg(feature = "reqwest")]
mod reqwest_middleware;
#[cfg(feature = "tower")]
mod tower_layer;

#[cfg(feature = "metrics")]
pub use events::describe_metrics;
#[cfg(feature = "tower")]
pub use tower_layer::IdempotentService;
pub use {
    answer_body::AnswerBody,
    budget::RetryBudget,
    error::{BoxError, Error},
    report::{FirstSent, Report},
    retries::IdempotentRetries,
};
