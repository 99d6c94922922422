//! The attempts of an operation, from the first to the last, in every client.

use std::time::{Duration, SystemTime};

use backon::ExponentialBackoff;
use bytes::Bytes;
use http::{Response, header};
use http_body::Body;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    answer::{Answer, Meaning, retry_after},
    client::{
        answer_body::AnswerBody,
        error::{BoxError, Error},
        events,
        operation::Operation,
        report::Report,
        retries::IdempotentRetries,
        wire::{Answered, Failure, Wire},
    },
    decision::{Attempt, GaveUp, History, Limits, Next, decide},
};

/// An operation under way.
pub(crate) struct Attempts<'a> {
    operation: &'a Operation,
    retries: &'a IdempotentRetries,
    pauses: ExponentialBackoff,
    started: Instant,
    made: u32,
    /// When the first attempt was sent that may have arrived, by this process or before it.
    first_sent: Option<Arrival>,
}

/// When an attempt was sent that may have arrived.
#[derive(Clone, Copy)]
struct Arrival {
    at: SystemTime,
    /// How long ago that was when this operation started here, or how long after that it was.
    age_at_start: Duration,
    after_start: Duration,
}

impl Arrival {
    const fn at((after_start, at): (Duration, SystemTime)) -> Self {
        Self {
            at,
            age_at_start: Duration::ZERO,
            after_start,
        }
    }

    /// How long ago it was, so long after the start. The monotonic clock may stand still while the
    /// machine is suspended, and the system's may be set back: the later one counts.
    fn age(&self, elapsed: Duration) -> Duration {
        let here = elapsed.saturating_sub(self.after_start);
        here.saturating_add(self.age_at_start).max(since(self.at))
    }
}

fn since(at: SystemTime) -> Duration {
    SystemTime::now().duration_since(at).unwrap_or_default()
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(operation: &'a Operation, retries: &'a IdempotentRetries) -> Self {
        let before = operation.first_sent();
        Self {
            operation,
            retries,
            pauses: retries.new_pauses(),
            started: Instant::now(),
            made: 0,
            first_sent: before.map(|at| Arrival {
                at,
                age_at_start: since(at),
                after_start: Duration::ZERO,
            }),
        }
    }

    pub(crate) async fn run<W: Wire>(
        mut self,
        wire: &mut W,
        request: W::Request,
    ) -> Result<Response<AnswerBody<W::Body>>, Error> {
        self.retries.budget.deposit();
        let mut next = Some(request);
        while let Some(request) = next.take() {
            self.check_retention()?;
            next = W::again(&request);
            let sent = (self.started.elapsed(), SystemTime::now());
            self.made = self.made.saturating_add(1);
            let answered = self.attempt(wire, request).await;
            let attempt = self.judge(&answered);
            if wire.was_redirected() {
                self.arrived(sent);
            }
            let history = self.history(sent, next.is_some());
            let pause = self.pauses.next().unwrap_or_default();
            let decision = decide(&self.retries.limits, &history, &attempt, pause);
            if decision.may_have_taken_effect {
                self.arrived(sent);
            }
            match decision.next {
                Next::Done => return self.done(answered, &attempt),
                Next::GiveUp(gave_up) => return Err(self.gave_up(gave_up, answered)),
                Next::RetryAfter(wait) => {
                    if !self.retries.budget.withdraw() {
                        return Err(self.gave_up(GaveUp::BudgetSpent, answered));
                    }
                    events::retry(self.made, &attempt, wait);
                    // A connection that waits for its answer to be read is free again.
                    drop(answered);
                    sleep(wait).await;
                }
            }
        }
        Err(self.error(GaveUp::BodyNotRepeatable))
    }

    /// Notes that what was sent then, after the start, may have arrived.
    fn arrived(&mut self, sent: (Duration, SystemTime)) {
        self.first_sent.get_or_insert(Arrival::at(sent));
    }

    /// Right before each attempt: an earlier process may have sent the first one, and a machine that
    /// was suspended waits longer than it was told to.
    fn check_retention(&self) -> Result<(), Error> {
        let (Some(first_sent), Some(under)) = (&self.first_sent, &self.operation.under) else {
            return Ok(());
        };
        let timeout = self.retries.limits.attempt_timeout;
        let arrives = first_sent
            .age(self.started.elapsed())
            .saturating_add(timeout);
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

    /// Reads the answer whole, as long as another attempt is possible. An answer that breaks off does not count as one.
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

    fn history(&self, sent: (Duration, SystemTime), repeatable: bool) -> History {
        let elapsed = self.started.elapsed();
        let under = self.operation.under.as_ref();
        History {
            under_a_key: under.is_some(),
            repeatable,
            attempts: self.made,
            elapsed,
            since_first_arrival: self.first_sent.map(|first| first.age(elapsed)),
            since_sent: Arrival::at(sent).age(elapsed),
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
            attempts: self.made,
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
        Error::new(gave_up, self.made, first_sent.is_some())
            .with_key(self.operation.key())
            .with_first_sent(first_sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_clock_that_went_further_gives_the_age() {
        let now = SystemTime::now();
        // The machine was suspended for an hour.
        let suspended = Arrival::at((SECOND, now - 3600 * SECOND));
        assert!(suspended.age(2 * SECOND) >= 3600 * SECOND);
        // The system's clock was set back by an hour.
        let set_back = Arrival::at((SECOND, now + 3600 * SECOND));
        assert_eq!(set_back.age(31 * SECOND), 30 * SECOND);
    }
}
