//! What both databases' stores have in common to be set.

use std::time::Duration;

use crate::PrepareError;

/// A header's byte takes up to six in a record, and PostgreSQL's values end at 1 GB.
pub(crate) const MOST_RECORD_BYTES: usize = 64 * 1024 * 1024;

/// Each call has two halves, and the databases count milliseconds.
const SHORTEST_CALL: Duration = Duration::from_millis(20);

/// Who waits longer for a row than this waits for something else.
const LONGEST_CALL: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) call_timeout: Duration,
    pub(crate) max_record_bytes: usize,
    /// How often expired records are swept; `None` if not by the store.
    pub(crate) sweep: Option<Duration>,
}

impl Settings {
    pub(crate) const fn new(sweep: Duration) -> Self {
        Self {
            // The default policy gives a call 1 s.
            call_timeout: Duration::from_millis(900),
            // What lands within half of a call, on a slow disk too.
            max_record_bytes: 4 * 1024 * 1024,
            sweep: Some(sweep),
        }
    }

    pub(crate) fn check(&self) -> Result<(), PrepareError> {
        if (SHORTEST_CALL..=LONGEST_CALL).contains(&self.call_timeout) {
            Ok(())
        } else {
            let timeout = self.call_timeout;
            Err(PrepareError::CallTimeout { timeout })
        }
    }
}
