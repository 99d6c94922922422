//! Why there is no server.

use std::fmt;

/// Why a server does not run as it was to.
#[derive(Debug)]
pub struct StartError {
    failed: String,
    pub(crate) said: String,
}

impl StartError {
    /// Names what failed, and what was said about it.
    pub(crate) fn new(failed: impl Into<String>, said: impl fmt::Display) -> Self {
        Self {
            failed: failed.into(),
            said: said.to_string(),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.failed, self.said)
    }
}

impl std::error::Error for StartError {}
