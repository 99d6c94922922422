//! An operation from its first attempt to its end, in every client.

use std::time::{Duration, SystemTime};

use backon::ExponentialBackoff;
use bytes::Bytes;
use http::{Method, Response, Uri, header};
use http_body::Body;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use crate::{
    answer::{Answer, Meaning, retry_after},
    client::answer_body::AnswerBody,
    client::error::{BoxError, Error},
    client::events,
    client::report::Report,
    client::retries::IdempotentRetries,
    decision::{Attempt, GaveUp, History, Limits, Next, decide},
    dialect::Dialect,
    key::IdempotencyKey,
};

/// What sends one attempt: a chain of reqwest middlewares, or a tower service.
pub(crate) trait Wire: Send {
    type Request: Send;
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send;

    /// The same request again, or `None` if its body can be sent only once.
    fn again(request: &Self::Request) -> Option<Self::Request>;

    fn send(
        &mut self,
        request: Self::Request,
    ) -> impl Future<Output = Result<Response<Self::Body>, Failure>> + Send;
}

/// An attempt that brought no answer.
pub(crate) struct Failure {
    pub(crate) attempt: Attempt,
    pub(crate) source: BoxError,
}

impl Failure {
    pub(crate) fn new(attempt: Attempt, source: impl Into<BoxError>) -> Self {
        Self {
            attempt,
            source: source.into(),
        }
    }
}

/// What is known of an operation before its first attempt.
pub(crate) struct Operation {
    method: Method,
    host: String,
    under: Option<UnderKey>,
}

struct UnderKey {
    dialect: Dialect,
    /// `None` if the request came with a header of its own.
    key: Option<IdempotencyKey>,
    first_sent: Option<SystemTime>,
}

type Answered<B> = Result<Response<AnswerBody<B>>, Failure>;

impl Operation {
    pub(crate) fn without_key(method: &Method, uri: &Uri) -> Self {
        Self {
            method: method.clone(),
            host: uri.host().unwrap_or_default().to_owned(),
            under: None,
        }
    }

    pub(crate) fn under(
        mut self,
        dialect: Dialect,
        key: Option<IdempotencyKey>,
        first_sent: Option<SystemTime>,
    ) -> Self {
        self.under = Some(UnderKey {
            dialect,
            key,
            first_sent,
        });
        self
    }

    /// Makes attempts until one is the last.
    pub(crate) async fn run<W: Wire>(
        self,
        retries: &IdempotentRetries,
        wire: &mut W,
        request: W::Request,
    ) -> Result<Response<AnswerBody<W::Body>>, Error> {
        let span = events::operation_span(&self.method, &self.host);
        let ended = Course::new(&self, retries)
            .run(wire, request)
            .instrument(span.clone())
            .await;
        events::ended(&span, &ended);
        ended
    }

    #[cfg(feature = "reqwest")]
    pub(crate) const fn is_under_a_key(&self) -> bool {
        self.under.is_some()
    }

    fn key(&self) -> Option<IdempotencyKey> {
        self.under.as_ref()?.key.clone()
    }
}

/// An operation under way.
struct Course<'a> {
    operation: &'a Operation,
    retries: &'a IdempotentRetries,
    pauses: ExponentialBackoff,
    started: Instant,
    attempts: u32,
    /// When the first attempt was sent that may have arrived, by this process or before it.
    first_sent: Option<FirstSent>,
}

#[derive(Clone, Copy)]
struct FirstSent {
    at: SystemTime,
    /// How long ago that was when this operation started here, or how long after that it was.
    age_at_start: Duration,
    after_start: Duration,
}

impl<'a> Course<'a> {
    fn new(operation: &'a Operation, retries: &'a IdempotentRetries) -> Self {
        let before = operation.under.as_ref().and_then(|it| it.first_sent);
        Self {
            operation,
            retries,
            pauses: retries.new_pauses(),
            started: Instant::now(),
            attempts: 0,
            first_sent: before.map(|at| FirstSent {
                at,
                age_at_start: SystemTime::now().duration_since(at).unwrap_or_default(),
                after_start: Duration::ZERO,
            }),
        }
    }

    async fn run<W: Wire>(
        mut self,
        wire: &mut W,
        request: W::Request,
    ) -> Result<Response<AnswerBody<W::Body>>, Error> {
        self.retries.budget.deposit();
        self.check_retention()?;
        let mut next = Some(request);
        while let Some(request) = next.take() {
            next = W::again(&request);
            let sent = (self.started.elapsed(), SystemTime::now());
            self.attempts = self.attempts.saturating_add(1);
            let answered = self.attempt(wire, request).await;
            let attempt = self.judge(&answered);
            let history = self.history(sent.0, next.is_some());
            let pause = self.pauses.next().unwrap_or_default();
            let decision = decide(&self.retries.limits, &history, &attempt, pause);
            if decision.may_have_taken_effect && self.first_sent.is_none() {
                self.first_sent = Some(FirstSent {
                    at: sent.1,
                    age_at_start: Duration::ZERO,
                    after_start: sent.0,
                });
            }
            match decision.next {
                Next::Done => return self.done(answered, &attempt),
                Next::GiveUp(gave_up) => return Err(self.gave_up(gave_up, answered)),
                Next::RetryAfter(wait) => {
                    if !self.retries.budget.withdraw() {
                        return Err(self.gave_up(GaveUp::BudgetSpent, answered));
                    }
                    events::retry(self.attempts, &attempt, wait);
                    // A connection that waits for its answer to be read is free again.
                    drop(answered);
                    sleep(wait).await;
                }
            }
        }
        Err(self.error(GaveUp::BodyNotRepeatable))
    }

    /// An earlier process may have sent it so long ago that even the first attempt is too late.
    fn check_retention(&self) -> Result<(), Error> {
        let (Some(first_sent), Some(under)) = (&self.first_sent, &self.operation.under) else {
            return Ok(());
        };
        let timeout = self.retries.limits.attempt_timeout;
        let arrives = first_sent.age_at_start.saturating_add(timeout);
        if arrives > under.dialect.remembers_for() {
            return Err(self.error(GaveUp::RetentionPassed));
        }
        Ok(())
    }

    async fn attempt<W: Wire>(&self, wire: &mut W, request: W::Request) -> Answered<W::Body> {
        let Limits {
            deadline,
            attempt_timeout,
            ..
        } = self.retries.limits;
        let rest = deadline.saturating_sub(self.started.elapsed());
        let attempt = async {
            let response = wire.send(request).await?;
            self.read(response).await
        };
        timeout(attempt_timeout.min(rest), attempt)
            .await
            .unwrap_or_else(|elapsed| Err(Failure::new(Attempt::Lost, elapsed)))
    }

    /// Reads the answer, if there can be another attempt: one that breaks off is none.
    async fn read<B>(&self, response: Response<B>) -> Answered<B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        let streams = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"));
        let (head, body) = response.into_parts();
        let body = if self.operation.under.is_none() || streams {
            AnswerBody::streaming(body)
        } else {
            AnswerBody::read(body, self.retries.answer_limit)
                .await
                .map_err(|error| Failure::new(Attempt::Lost, error))?
        };
        Ok(Response::from_parts(head, body))
    }

    fn judge<B: Body<Data = Bytes>>(&self, answered: &Answered<B>) -> Attempt {
        let response = match answered {
            Ok(response) => response,
            Err(failure) => return failure.attempt,
        };
        let body = response.body().beginning();
        let answer = Answer::new(response.status(), response.headers(), &body);
        Attempt::Answered {
            status: response.status(),
            meaning: match &self.operation.under {
                Some(under) => under.dialect.read(&answer),
                None => answer.by_status(),
            },
            retry_after: retry_after(response.headers(), SystemTime::now()),
        }
    }

    fn history(&self, sent: Duration, repeatable: bool) -> History {
        let elapsed = self.started.elapsed();
        let under = self.operation.under.as_ref();
        History {
            under_a_key: under.is_some(),
            repeatable,
            attempts: self.attempts,
            elapsed,
            since_first_arrival: self.first_sent.map(|first| {
                let since = elapsed.saturating_sub(first.after_start);
                since.saturating_add(first.age_at_start)
            }),
            since_sent: elapsed.saturating_sub(sent),
            retention: under.map_or(Duration::ZERO, |it| it.dialect.remembers_for()),
        }
    }

    fn done<B: Body<Data = Bytes>>(
        &self,
        answered: Answered<B>,
        attempt: &Attempt,
    ) -> Result<Response<AnswerBody<B>>, Error> {
        let Ok(mut response) = answered else {
            return Err(self.gave_up(GaveUp::Failed, answered));
        };
        let is_replay = matches!(
            attempt,
            Attempt::Answered {
                meaning: Meaning::Replay,
                ..
            }
        );
        response.extensions_mut().insert(Report {
            attempts: self.attempts,
            is_replay,
            may_have_taken_effect: self.first_sent.is_some(),
            key: self.operation.key(),
        });
        Ok(response)
    }

    fn gave_up<B: Body<Data = Bytes>>(&self, gave_up: GaveUp, answered: Answered<B>) -> Error {
        let error = self.error(gave_up);
        match answered {
            Ok(response) => {
                let answer = response.map(|body| body.beginning());
                error.with_answer(Some(answer))
            }
            Err(failure) => error.with_source(Some(failure.source)),
        }
    }

    fn error(&self, gave_up: GaveUp) -> Error {
        let first_sent = self.first_sent.map(|first| first.at);
        Error::new(gave_up, self.attempts, first_sent.is_some())
            .with_key(self.operation.key())
            .with_first_sent(first_sent)
    }
}
