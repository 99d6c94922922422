//! What went wrong in a store, and whether the write may have landed anyway.

use std::{error::Error, fmt};

/// An operation of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Taking a lease.
    Claim,
    /// Renewing a lease.
    Renew,
    /// Recording the outcome of an execution.
    Complete,
    /// Freeing a key.
    Release,
    /// Looking at a key, which writes nothing.
    LookUp,
}

impl Operation {
    /// The operation's name in logs and metrics: a label of lower-case letters and underscores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Renew => "renew",
            Self::Complete => "complete",
            Self::Release => "release",
            Self::LookUp => "look_up",
        }
    }

    /// The operation as a verb in a sentence.
    const fn verb(self) -> &'static str {
        match self {
            Self::LookUp => "look up",
            other => other.as_str(),
        }
    }
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store could not be reached, or is not working.
    Unavailable,
    /// No answer came in time.
    Timeout,
    /// The store is full, or a limit on its use was reached.
    Full,
    /// The record is larger than the store takes.
    TooLarge,
    /// The store refuses the caller or the call: credentials, permissions, settings.
    Rejected,
    /// What the store holds is damaged.
    Corrupt,
}

impl StoreErrorKind {
    /// The kind's name in metrics: a label of lower-case letters and underscores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Full => "full",
            Self::TooLarge => "too_large",
            Self::Rejected => "rejected",
            Self::Corrupt => "corrupt",
        }
    }

    /// The kind in a sentence.
    const fn words(self) -> &'static str {
        match self {
            Self::TooLarge => "too large",
            other => other.as_str(),
        }
    }
}

/// What a failed operation did to the record.
///
/// The enum is complete: there is nothing between "no" and "perhaps".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteEffect {
    /// Nothing was written, and nothing will be.
    None,
    /// The write may have landed, or may still land.
    Unknown,
}

/// A failure of a store.
///
/// The message says what was being done; the cause is its [`source`](Error::source). Nothing of
/// either reaches a client.
#[derive(Debug)]
pub struct StoreError {
    operation: Operation,
    kind: StoreErrorKind,
    effect: WriteEffect,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// Describes a failure.
    #[must_use]
    pub const fn new(operation: Operation, kind: StoreErrorKind, effect: WriteEffect) -> Self {
        Self {
            operation,
            kind,
            effect,
            source: None,
        }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What was being done.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// What kind of failure it was.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the write may have landed although the operation failed; a look-up writes nothing.
    #[must_use]
    pub const fn may_have_landed(&self) -> bool {
        matches!(self.effect, WriteEffect::Unknown) && !matches!(self.operation, Operation::LookUp)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation, kind, ..
        } = self;
        write!(
            f,
            "the store failed to {} the key: {}",
            operation.verb(),
            kind.words()
        )?;
        if self.may_have_landed() {
            f.write_str(" (the write may have landed)")?;
        }
        Ok(())
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_writes_nothing_however_it_fails() {
        let (operation, unknown) = (Operation::LookUp, WriteEffect::Unknown);
        let error = StoreError::new(operation, StoreErrorKind::Timeout, unknown);
        assert!(!error.may_have_landed());
        let message = "the store failed to look up the key: timeout";
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn a_name_is_a_label_and_a_message_has_words() {
        assert_eq!(StoreErrorKind::TooLarge.as_str(), "too_large");
        let (kind, effect) = (StoreErrorKind::TooLarge, WriteEffect::None);
        let error = StoreError::new(Operation::Complete, kind, effect);
        let message = "the store failed to complete the key: too large";
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn the_message_leaves_the_cause_to_the_source() {
        let cause = std::io::Error::other("connection to cache.example:443 reset");
        let error = StoreError::new(
            Operation::Complete,
            StoreErrorKind::Timeout,
            WriteEffect::Unknown,
        )
        .with_source(cause);
        assert_eq!(
            error.to_string(),
            "the store failed to complete the key: timeout (the write may have landed)"
        );
        assert!(
            error
                .source()
                .unwrap()
                .to_string()
                .contains("cache.example")
        );
    }
}
