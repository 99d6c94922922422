//! How long a call may take, so that nothing that its caller gave up lands later.

use std::time::Duration;

use tokio::time::Instant;

/// The time of one call. Statements are sent in its first half only, and the database stops each of
/// them after the other half: what has not landed when the time is over never does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    send_until: Instant,
}

impl Budget {
    /// Begins now.
    pub(crate) fn begin(call_timeout: Duration) -> Self {
        Self {
            send_until: Instant::now() + call_timeout / 2,
        }
    }

    /// Until when statements may be sent, and waited for a connection.
    pub(crate) const fn send_until(self) -> Instant {
        self.send_until
    }

    pub(crate) fn allows_a_statement(self) -> bool {
        Instant::now() < self.send_until
    }
}

/// How long the database works on a statement before it stops.
pub(crate) fn statement_timeout(call_timeout: Duration) -> Duration {
    call_timeout / 2
}
