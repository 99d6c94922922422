//! Where a scenario is played: requests go out, and every exchange is written down.

mod call;
mod effects;
mod exchange;
mod expect;
mod race;
mod refusal;

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub(crate) use call::Call;
pub(crate) use exchange::Check;
pub use exchange::{Exchange, Failure};
pub(crate) use race::Race;
pub(crate) use refusal::Refused;

use crate::{
    profile::{KeyFormat, KeySyntax, Profile},
    redact::Secrets,
    tokens::Tokens,
    wire::{Answer, Client, Framing, NoAnswer, Open, Request},
};

/// What all scenarios of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Scenery {
    pub(crate) profile: Arc<Profile>,
    pub(crate) client: Client,
    pub(crate) secrets: Secrets,
    /// Sent with every request that does not have them already.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) timeout: Duration,
    pub(crate) concurrency: usize,
    pub(crate) seed: u64,
}

/// The stage of one scenario.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) scenery: Scenery,
    tokens: Tokens,
    drawn: AtomicUsize,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Stage {
    pub(crate) fn new(scenery: Scenery, scenario: &'static str) -> Self {
        Self {
            tokens: Tokens::new(scenery.seed, scenario),
            scenery,
            drawn: AtomicUsize::new(0),
            exchanges: Mutex::default(),
        }
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.scenery.profile
    }

    /// A key that nobody has used, in the profile's format.
    pub(crate) fn key(&self) -> String {
        match self.profile().conventions.key.format {
            KeyFormat::Any => self.token('k'),
            KeyFormat::Uuid => self.tokens.uuid('k', self.draw()),
        }
    }

    fn token(&self, kind: char) -> String {
        self.tokens.token(kind, self.draw())
    }

    fn draw(&self) -> usize {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }

    /// The request under a key, in the spelling of the profile.
    pub(crate) fn keyed(&self, request: Request, key: &str) -> Request {
        match self.profile().conventions.key.syntax {
            KeySyntax::Bare => self.with_key_line(request, key),
            KeySyntax::Lenient | KeySyntax::Strict => {
                self.with_key_line(request, format!("\"{key}\""))
            }
        }
    }

    /// The request with a line of the key's header, whatever that holds.
    pub(crate) fn with_key_line(&self, request: Request, value: impl Into<Vec<u8>>) -> Request {
        request.header(&self.profile().conventions.key.header, value)
    }

    /// Sends a request and reads its answer.
    ///
    /// # Cancel safety
    /// Dropping the future hangs up.
    pub(crate) async fn send(&self, request: &Request) -> Check<Answer> {
        let request = self.dressed(request);
        self.noted(&request, self.scenery.client.send(&request))
            .await
    }

    /// Sends a request whose header values may be anything.
    pub(crate) async fn send_raw(&self, request: &Request, framing: Framing) -> Check<Answer> {
        let request = self.dressed(request);
        let answer = self.scenery.client.send_raw(&request, framing);
        self.noted(&request, answer).await
    }

    /// As [`send_raw`](Self::send_raw), of a request that a server may also cut off.
    pub(crate) async fn send_unwelcome(&self, request: &Request) -> Check<Option<Answer>> {
        let request = self.dressed(request);
        let place = self.begin(&request);
        match self
            .scenery
            .client
            .send_raw(&request, Framing::Length)
            .await
        {
            Ok(answer) => Ok(Some(self.end(place, answer))),
            Err(NoAnswer::Broken(_)) => {
                self.note(place, "the server closed the connection");
                Ok(None)
            }
            Err(error) => Err(self.fail(place, &error)),
        }
    }

    /// Sends a request as far as `bytes` of its body, and hangs up.
    pub(crate) async fn hang_up_after(&self, request: &Request, bytes: usize) -> Check {
        let request = self.dressed(request);
        let place = self.begin(&request);
        let sent = self.scenery.client.send_and_hang_up(&request, bytes).await;
        self.note(
            place,
            &format!("the client hung up after {bytes} bytes of the body"),
        );
        sent.map_err(|error| self.fail(place, &error))
    }

    /// Sends a request and reads its answer as far as the first bytes of the body, which must come
    /// within `limit`. Dropping the second value hangs up.
    pub(crate) async fn open(&self, request: &Request, limit: Duration) -> Check<(Answer, Open)> {
        let request = self.dressed(request);
        let place = self.begin(&request);
        match self.scenery.client.open(&request, limit).await {
            Ok((answer, open)) => {
                let answer = self.end(place, answer);
                self.note(place, "the answer was not read to its end");
                Ok((answer, open))
            }
            Err(error) => Err(self.fail(place, &error)),
        }
    }

    async fn noted(
        &self,
        request: &Request,
        answer: impl Future<Output = Result<Answer, NoAnswer>>,
    ) -> Check<Answer> {
        let place = self.begin(request);
        match answer.await {
            Ok(answer) => Ok(self.end(place, answer)),
            Err(error) => Err(self.fail(place, &error)),
        }
    }

    fn dressed(&self, request: &Request) -> Request {
        let mut request = request.clone();
        let of_profile = self.profile().api.headers.iter();
        let of_profile = of_profile.map(|(name, value)| (name.clone(), value.clone().into_bytes()));
        for (name, value) in self.scenery.headers.iter().cloned().chain(of_profile) {
            let is_same =
                |(candidate, _): &(String, Vec<u8>)| candidate.eq_ignore_ascii_case(&name);
            if !request.headers.iter().any(is_same) {
                request = request.header(&name, value);
            }
        }
        request
    }

    fn begin(&self, request: &Request) -> usize {
        let mut exchanges = self
            .exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        exchanges.push(Exchange {
            request: self.scenery.secrets.hide_in_request(request),
            answer: None,
            note: Some("no answer was waited for".to_owned()),
        });
        exchanges.len() - 1
    }

    fn end(&self, place: usize, mut answer: Answer) -> Answer {
        answer.exchange = place;
        let mut exchanges = self
            .exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        exchanges[place].answer = Some(self.scenery.secrets.hide_in_answer(&answer));
        exchanges[place].note = None;
        answer
    }

    fn note(&self, place: usize, note: &str) {
        let mut exchanges = self
            .exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        exchanges[place].note = Some(note.to_owned());
    }

    fn fail(&self, place: usize, error: &NoAnswer) -> Failure {
        self.note(place, &error.to_string());
        Failure {
            problem: error.to_string(),
            exchange: Some(place),
        }
    }

    /// The answer to what was sent last, if it had one.
    pub(crate) fn last_answer(&self) -> Option<Answer> {
        let exchanges = self
            .exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        exchanges.last()?.answer.clone()
    }

    pub(crate) fn into_exchanges(self) -> Vec<Exchange> {
        self.exchanges
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
