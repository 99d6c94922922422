//! Runs of a contest, a seed after the other.

use crate::contest::Report;

/// Runs seed after seed until the judge has seen something.
///
/// # Panics
/// It has seen nothing in so many runs.
pub async fn is_caught(runs: u64, run: impl AsyncFn(u64) -> Report) {
    for seed in 1..=runs {
        if !run(seed).await.violations.is_empty() {
            return;
        }
    }
    panic!("the judge saw nothing in {runs} runs");
}

/// What `CHAOS_SEED` or `CHAOS_KEYS` says, if it is set.
///
/// # Panics
/// It is no number.
#[must_use]
pub fn from_env(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.expect("CHAOS_SEED and CHAOS_KEYS are numbers"))
}
