//! Durations as the server counts them.

use std::time::Duration;

/// Longer than any policy asks for, and short enough to be added to any time.
const LONGEST: Duration = Duration::from_secs(1_000 * 366 * 24 * 60 * 60);

/// Whole milliseconds, rounded up: a lease is never shorter than it was asked for.
pub(crate) fn milliseconds(duration: Duration) -> String {
    let duration = duration.min(LONGEST);
    duration.as_nanos().div_ceil(1_000_000).max(1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_up_and_bounded() {
        assert_eq!(milliseconds(Duration::from_micros(1_000)), "1");
        assert_eq!(milliseconds(Duration::from_micros(1_001)), "2");
        assert_eq!(milliseconds(Duration::ZERO), "1");
        assert_eq!(milliseconds(Duration::MAX), "31622400000000");
    }
}
