//! Waiting that ends, even where what is waited for never happens.

use std::time::Duration;

use tokio::{task::yield_now, time::timeout};

/// How long a test waits for anything at most. Only what never happens takes so long.
pub const NEVER: Duration = Duration::from_secs(30);

/// Waits until something holds, which is named in case it never does.
///
/// # Panics
/// If it does not hold in time.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            yield_now().await;
        }
    };
    let waited = timeout(NEVER, waiting).await;
    assert!(waited.is_ok(), "waited in vain until {what}");
}
