//! A client's configuration: servers, limits, pauses.

use std::{sync::LazyLock, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::{Extensions, HeaderMap, Method, Uri};

use crate::{
    client::budget::RetryBudget,
    client::error::Error,
    client::operation::Operation,
    client::report::FirstSent,
    decision::{GaveUp, Limits},
    dialect::Dialect,
    key::IdempotencyKey,
    server::Server,
};

/// Sends a POST or PATCH under one key until its outcome is known: as a middleware of
/// `reqwest-middleware` and as a tower layer.
///
/// Requests to servers that are [named](Self::server) get a key, and the same bytes are sent again
/// after what another attempt can help. To any other server they go once, and again only if no
/// connection was made. GET, HEAD, OPTIONS, PUT, DELETE and TRACE pass through untouched, unless a
/// request carries an [`IdempotencyKey`] or a header with one.
///
/// # Cancel safety
/// Dropping a request's future ends its attempts. What was sent until then may have taken effect, and
/// a key that was made here is lost: give the request a key of your own if it may be dropped, and send
/// it again under the same one.
#[derive(Clone, Debug)]
pub struct IdempotentRetries {
    servers: Vec<(Server, Dialect)>,
    pub(crate) limits: Limits,
    first_pause: Duration,
    longest_pause: Duration,
    pub(crate) budget: RetryBudget,
    pub(crate) answer_limit: usize,
    #[cfg(feature = "reqwest")]
    pub(crate) sees_redirects: bool,
}

static OF_THE_PROCESS: LazyLock<RetryBudget> = LazyLock::new(RetryBudget::default);

impl IdempotentRetries {
    /// With no server named yet, so that nothing is sent under a key.
    #[must_use]
    pub fn new() -> Self {
        Self {
            servers: Vec::new(),
            limits: Limits {
                attempts: 8,
                // Long enough for the lease of a server that died, which is 30 s in idem-core.
                deadline: Duration::from_secs(120),
                attempt_timeout: Duration::from_secs(35),
            },
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(30),
            budget: OF_THE_PROCESS.clone(),
            answer_limit: 1024 * 1024,
            #[cfg(feature = "reqwest")]
            sees_redirects: false,
        }
    }

    /// Names a server as honouring keys, and its dialect. Of several that cover an address, the one
    /// with the longest path counts.
    ///
    /// Name only what documents that it honours keys: a server that ignores the key does the
    /// operation again with each retry. To name a server for one request alone, put its [`Dialect`]
    /// into the request's extensions.
    #[must_use]
    pub fn server(mut self, server: Server, dialect: Dialect) -> Self {
        self.servers.push((server, dialect));
        self
    }

    /// The most attempts of an operation; 8 unless set, and never less than 1.
    #[must_use]
    pub fn attempts(mut self, most: u32) -> Self {
        self.limits.attempts = most.max(1);
        self
    }

    /// How long an operation may take with all its attempts; 120 s unless set.
    ///
    /// The attempt that is under way then is given up.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.limits.deadline = deadline;
        self
    }

    /// How long one attempt may take, its answer's body included; 35 s unless set: a server that
    /// lets duplicates wait or that has died is past its lease then.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.limits.attempt_timeout = timeout;
        self
    }

    /// The pause before the first retry, and the longest one; 250 ms and 30 s unless set.
    ///
    /// Pauses double. To each, a random part of its own length is added, and what `Retry-After` asks
    /// for. Both are taken as at most an hour.
    #[must_use]
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        let most = Duration::from_secs(3600);
        self.first_pause = first.min(most);
        self.longest_pause = longest.clamp(self.first_pause, most);
        self
    }

    /// Takes retries from this budget; unless set, all clients of the process share the
    /// [default](RetryBudget::default) one.
    #[must_use]
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = budget;
        self
    }

    /// How many bytes of an answer to a request under a key are read before it is handed on; 1 MiB
    /// unless set.
    ///
    /// An answer that breaks off within is fetched again. What comes after flows through, and so does
    /// `text/event-stream`; if that breaks off, the reader of the body gets the error.
    #[must_use]
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        self.answer_limit = bytes;
        self
    }

    pub(crate) fn new_pauses(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .without_max_times()
            .build()
    }

    fn dialect(&self, uri: &Uri) -> Option<&Dialect> {
        let covering = self.servers.iter().filter(|(it, _)| it.covers(uri));
        covering
            .max_by_key(|(server, _)| server.path_length())
            .map(|(_, dialect)| dialect)
    }

    #[cfg(feature = "reqwest")]
    pub(crate) fn names(&self, uri: &Uri) -> bool {
        self.dialect(uri).is_some()
    }

    /// What to do with a request: `None` lets it pass. The key is put into its headers.
    pub(crate) fn operation(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &mut HeaderMap,
        extensions: &Extensions,
    ) -> Result<Option<Operation>, Error> {
        let given = extensions.get::<IdempotencyKey>();
        let dialect = extensions.get::<Dialect>().or_else(|| self.dialect(uri));
        let first_sent = extensions.get().map(|FirstSent(at)| *at);
        let Some(dialect) = dialect else {
            if given.is_some() || first_sent.is_some() {
                let key = given.cloned();
                return Err(Error::unsent(GaveUp::ServerNotNamed, key, first_sent));
            }
            return Ok((!is_idempotent(method)).then(|| Operation::without_key(method, uri)));
        };
        let has_header = headers.contains_key(dialect.key_header());
        if is_idempotent(method) && given.is_none() && !has_header {
            return Ok(None);
        }
        let key = match given {
            Some(key) => Some(key.clone()),
            None if has_header => None,
            None if first_sent.is_some() => {
                return Err(Error::unsent(GaveUp::KeyNotGiven, None, first_sent));
            }
            None => Some(IdempotencyKey::random()),
        };
        if let Some(key) = &key {
            headers.insert(dialect.key_header().clone(), dialect.key_value(key));
        }
        Ok(Some(Operation::without_key(method, uri).under(
            dialect.clone(),
            key,
            first_sent,
        )))
    }
}

impl Default for IdempotentRetries {
    fn default() -> Self {
        Self::new()
    }
}

/// RFC 9110, section 9.2.2.
fn is_idempotent(method: &Method) -> bool {
    method.is_idempotent()
}
