//! Durations as the databases count them.

use std::time::Duration;

/// Longer than any policy asks for, and short enough to be added to any time.
const LONGEST: Duration = Duration::from_secs(1_000 * 366 * 24 * 60 * 60);

/// Whole microseconds, rounded up: a lease is never shorter than it was asked for.
#[cfg(feature = "postgres")]
pub(crate) fn microseconds(duration: Duration) -> i64 {
    rounded_up(duration, 1_000)
}

/// Whole milliseconds, rounded up: a lease is never shorter than it was asked for.
#[cfg(feature = "sqlite")]
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    rounded_up(duration, 1_000_000)
}

fn rounded_up(duration: Duration, nanoseconds: u128) -> i64 {
    let units = duration.min(LONGEST).as_nanos().div_ceil(nanoseconds);
    i64::try_from(units).unwrap_or(i64::MAX / 2)
}

#[cfg(all(test, feature = "sqlite", feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_up_and_bounded() {
        assert_eq!(microseconds(Duration::from_nanos(1_001)), 2);
        assert_eq!(milliseconds(Duration::from_micros(1_000)), 1);
        assert_eq!(milliseconds(Duration::from_micros(1_001)), 2);
        assert_eq!(
            microseconds(Duration::MAX),
            1_000 * 366 * 86_400 * 1_000_000
        );
    }
}
