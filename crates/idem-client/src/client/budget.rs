//! How many retries a process makes in all.

use std::{fmt, sync::Arc, time::Duration};

use tower::retry::budget::{Budget, TpsBudget};

/// Bounds the retries of everything that shares it, so that a server that fails is not asked many
/// times as often as one that works.
///
/// It is [tower's](tower::retry::budget): clones share one.
#[derive(Clone)]
pub struct RetryBudget(Arc<TpsBudget>);

impl RetryBudget {
    /// Allows so many retries a second in any case, and beyond these a share of the operations of
    /// the last ten seconds: 0.2 is one retry for five operations.
    ///
    /// `share` is taken as at least 0 and at most 1000.
    #[must_use]
    pub fn new(per_second: u32, share: f32) -> Self {
        let share = if share.is_nan() { 0.0 } else { share };
        let per_second = per_second.min(1_000_000);
        Self(Arc::new(TpsBudget::new(
            WINDOW,
            per_second,
            share.clamp(0.0, 1000.0),
        )))
    }

    pub(crate) fn deposit(&self) {
        self.0.deposit();
    }

    pub(crate) fn withdraw(&self) -> bool {
        self.0.withdraw()
    }
}

const WINDOW: Duration = Duration::from_secs(10);

/// Ten retries a second, and one for five operations: what finagle and linkerd begin with.
impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(10, 0.2)
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A share near 0 is one withdrawal of very many deposits, and must not overflow.
    #[test]
    fn no_setting_panics() {
        for share in [f32::NAN, -1.0, 0.0, f32::MIN_POSITIVE, 1e-9, 1.0, 1e9] {
            for per_second in [0, 1, u32::MAX] {
                let budget = RetryBudget::new(per_second, share);
                budget.deposit();
                assert_eq!(
                    budget.withdraw(),
                    per_second > 0 || share > 1.0 || share == 1.0
                );
            }
        }
    }

    #[test]
    fn clones_share_one_budget() {
        let budget = RetryBudget::new(1, 0.0);
        let other = budget.clone();
        let granted = (0..30).filter(|_| budget.withdraw()).count();
        assert_eq!(granted, 10);
        assert!(!other.withdraw());
    }
}
