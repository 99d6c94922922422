//! How a server writes keys and tells what became of them.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};

use crate::{
    answer::{Answer, Meaning},
    key::{IdempotencyKey, KeySyntax},
};

mod draft;
mod idem;
mod stripe;

type Rule = Arc<dyn Fn(&Answer<'_>) -> Option<Meaning> + Send + Sync>;

/// How a server wants its keys, what its answers mean, and how long it remembers a key.
///
/// Put one into a request's extensions to name the server for this request alone.
///
/// Whatever the dialect, a header `Idempotency-Refusal` is read as this library's servers send it,
/// `Idempotency-Replayed: true` and `Idempotent-Replayed: true` mark a replay, and a status that
/// nothing else explains is read as HTTP defines it.
#[derive(Clone)]
pub struct Dialect {
    header: HeaderName,
    syntax: KeySyntax,
    retention: Duration,
    reading: Reading,
}

#[derive(Clone)]
enum Reading {
    Idem,
    Draft { problem_type: Option<String> },
    Stripe,
    Rule(Rule),
}

impl Dialect {
    /// Servers of this library: `Idempotency-Refusal` tells everything, in each of their profiles.
    ///
    /// They remember a key for 60 minutes unless they are set otherwise.
    #[must_use]
    pub const fn idem() -> Self {
        Self::with(KeySyntax::Structured, HOUR, Reading::Idem)
    }

    /// Servers that follow draft-ietf-httpapi-idempotency-key-header: 409 and 422 with problem
    /// details (RFC 9457).
    ///
    /// A problem is about the key if its title is the draft's or its type names idempotency; see
    /// [`problem_type`](Self::problem_type). The draft says nothing about retention, so 60 minutes
    /// are assumed: set what the server documents.
    #[must_use]
    pub const fn draft() -> Self {
        let reading = Reading::Draft { problem_type: None };
        Self::with(KeySyntax::Structured, HOUR, reading)
    }

    /// Stripe, and servers like it: bare keys, and errors as JSON with a type and a code.
    ///
    /// Stripe remembers a key for at least 24 hours.
    #[must_use]
    pub const fn stripe() -> Self {
        Self::with(KeySyntax::Bare, HOUR.saturating_mul(24), Reading::Stripe)
    }

    /// Servers with rules of their own. The rule reads an answer and returns `None` where the
    /// status says enough. Keys are bare and 60 minutes of retention are assumed; set both as the
    /// server documents them.
    ///
    /// The rule runs for every answer and must not block.
    ///
    /// ```
    /// use idem_client::{Dialect, Meaning};
    ///
    /// // Adyen says by a header whether another attempt can help.
    /// let adyen = Dialect::rule(|answer| {
    ///     let transient = answer.headers.get("transient-error")?;
    ///     Some(if transient == "true" { Meaning::InProgress } else { Meaning::Result })
    /// });
    /// ```
    #[must_use]
    pub fn rule(rule: impl Fn(&Answer<'_>) -> Option<Meaning> + Send + Sync + 'static) -> Self {
        Self::with(KeySyntax::Bare, HOUR, Reading::Rule(Arc::new(rule)))
    }

    const fn with(syntax: KeySyntax, retention: Duration, reading: Reading) -> Self {
        Self {
            header: HeaderName::from_static("idempotency-key"),
            syntax,
            retention,
            reading,
        }
    }

    /// Sends keys in another header than `Idempotency-Key`.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }

    /// Writes keys bare or as structured strings.
    #[must_use]
    pub fn key_syntax(mut self, syntax: KeySyntax) -> Self {
        self.syntax = syntax;
        self
    }

    /// How long the server remembers a key, at least.
    ///
    /// It is counted from when the first attempt was sent that may have arrived. An attempt after
    /// that would be a new operation, so none is made.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// In the draft's dialect: the `type` of the server's problems about keys, without its fragment.
    /// In another dialect it changes nothing.
    #[must_use]
    pub fn problem_type(mut self, uri: impl Into<String>) -> Self {
        if let Reading::Draft { problem_type } = &mut self.reading {
            *problem_type = Some(uri.into());
        }
        self
    }

    /// What an answer means.
    #[must_use]
    pub fn read(&self, answer: &Answer<'_>) -> Meaning {
        if let Some(meaning) = idem::read(answer) {
            return meaning;
        }
        let told = match &self.reading {
            Reading::Idem => None,
            Reading::Draft { problem_type } => draft::read(answer, problem_type.as_deref()),
            Reading::Stripe => stripe::read(answer),
            Reading::Rule(rule) => rule(answer),
        };
        told.unwrap_or_else(|| {
            if is_replay(answer) {
                Meaning::Replay
            } else {
                answer.by_status()
            }
        })
    }

    /// The header's name.
    #[must_use]
    pub const fn key_header(&self) -> &HeaderName {
        &self.header
    }

    /// A key as the header's value.
    ///
    /// It is marked as sensitive, so that `Debug` of headers does not show it.
    #[must_use]
    pub fn key_value(&self, key: &IdempotencyKey) -> HeaderValue {
        key.header_value(self.syntax)
    }

    /// How long the server remembers a key, at least.
    #[must_use]
    pub const fn remembers_for(&self) -> Duration {
        self.retention
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);

fn is_replay(answer: &Answer<'_>) -> bool {
    ["idempotency-replayed", "idempotent-replayed"]
        .iter()
        .any(|name| answer.header(name) == Some("true"))
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reading = match &self.reading {
            Reading::Idem => "idem",
            Reading::Draft { .. } => "draft",
            Reading::Stripe => "stripe",
            Reading::Rule(_) => "rule",
        };
        f.debug_struct("Dialect")
            .field("reading", &reading)
            .field("header", &self.header)
            .field("syntax", &self.syntax)
            .field("retention", &self.retention)
            .finish()
    }
}

#[cfg(test)]
mod tests;
