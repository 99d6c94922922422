//! From a protected request to its answer: the path that is the same in every framework.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use tokio::time::timeout;

use crate::{
    adapter::{Answer, BufferedBody, Frames, Stop},
    engine::{Begin, Idempotency, Identified, Instead, Protected},
    execution::{CurrentExecution, Ended, Execution, Ran, Verdict},
    policy::{Policy, Refusal, ResponseRules},
    record::{Headers, NotKept, Response},
};

/// A protected request and its handler, as a web framework has them.
///
/// An adapter implements it: each method converts types, and decides nothing.
pub trait Endpoint: Sized {
    /// The handler's response without its body.
    type Head: ResponseHead;
    /// The body of the handler's response.
    type Body;
    /// That body as it is read.
    type Frames: Frames;
    /// The framework's response.
    type Response;
    /// How the handler fails without a response.
    type Error;

    /// The request's method.
    fn method(&self) -> &str;

    /// Reads the request's body whole, and keeps it for the handler; it shares the bytes.
    ///
    /// # Errors
    /// The body is over the limit or breaks off; the handler does not run.
    fn read_payload(&mut self, limit: usize) -> impl Future<Output = Result<Bytes, Refusal>>;

    /// Calls the handler. `current` is for the request's extensions, where the handler finds it.
    ///
    /// # Errors
    /// As the handler's own; the key is freed, unless the policy keeps the [response](Self::render) made of it.
    fn call(
        self,
        current: Option<CurrentExecution>,
    ) -> impl Future<Output = Result<(Self::Head, Self::Body), Self::Error>>;

    /// The status that the client will get for a handler's error; `None`, the default, if the framework does
    /// not turn it into a response.
    fn error_status(error: &Self::Error) -> Option<u16> {
        let _ = error;
        None
    }

    /// Turns a handler's error into the response that the client will get, and returns an error that carries
    /// it. Called if the error may be kept; `None`, the default, frees the key.
    ///
    /// Some errors give their response away once, so the error that goes on must not be asked for it again.
    fn render(error: Self::Error) -> (Option<Rendered>, Self::Error) {
        (None, error)
    }

    /// At least and at most how many bytes a body has; both are the same where its length is known.
    fn size_hint(body: &Self::Body) -> (u64, Option<u64>);

    /// A body as it can be read.
    fn open(body: Self::Body) -> Opened<Self::Frames>;

    /// The handler's response, for its client.
    fn respond(head: Self::Head, body: Handled<Self::Body, Self::Frames>) -> Self::Response;

    /// An answer in the handler's place.
    fn answer(self, answer: Answer<'_>) -> Self::Response;

    /// An answer in place of what the handler has answered, whose effect was undone.
    ///
    /// # Errors
    /// As the framework answers errors; a handler's own error may be handed back as it is where none is
    /// [made a response](Self::render).
    fn replace(
        handled: Result<Self::Response, Self::Error>,
        answer: Answer<'_>,
    ) -> Result<Self::Response, Self::Error>;
}

/// What the core reads of a response before its body.
pub trait ResponseHead {
    /// The status code.
    fn status(&self) -> u16;

    /// The header lines in order, each as name and value.
    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])>;
}

/// An error as the client gets it.
#[derive(Debug)]
pub struct Rendered {
    status: u16,
    headers: Headers,
    body: Option<Bytes>,
}

impl Rendered {
    /// Describes a response that was made of an error; `body` is `None` if it does not come in one piece.
    #[must_use]
    pub const fn new(status: u16, headers: Headers, body: Option<Bytes>) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    /// Decides whether the error is the result, as of a response.
    fn judge(self, rules: &ResponseRules) -> Verdict {
        if !rules.saves(self.status, || self.headers.iter()) {
            return Verdict::Free;
        }
        Verdict::Keep(match self.body {
            Some(body) => Response::new(self.status, self.headers, body).into(),
            None => NotKept::Stream.into(),
        })
    }
}

/// The body of a handler's response before it was looked at.
///
/// The enum is complete: there is all of it, or some is still to come.
#[derive(Debug)]
pub enum Opened<F> {
    /// The framework has it in one piece.
    Whole(Bytes),
    /// It comes frame by frame.
    Frames(F),
}

/// The body of a handler's response after it was looked at: its client gets it whole.
///
/// The enum is complete: an adapter handles each case.
#[derive(Debug)]
pub enum Handled<B, F: Frames> {
    /// As the handler gave it.
    Untouched(B),
    /// Read to its end, and kept.
    Whole(Bytes),
    /// Read in part: what was read and what is left.
    Resumed(BufferedBody<F>),
}

impl Idempotency {
    /// Serves a protected request: reads its payload, decides, and answers or calls the handler,
    /// whose response is recorded before it is handed back. Round trips as those of
    /// [`begin`](Self::begin), and one for the end of an execution.
    ///
    /// # Errors
    /// As the handler's own.
    ///
    /// # Cancel safety
    /// Not cancel safe once the payload is read: put it into a [`HandOver`](crate::adapter::HandOver).
    pub fn serve<X: Endpoint>(
        self,
        protected: Protected,
        endpoint: X,
    ) -> impl Future<Output = Result<X::Response, X::Error>> {
        let mut request = Box::new(Request {
            endpoint: Some(endpoint),
            protected: Some(protected),
        });
        async move {
            let policy = self.policy();
            let refuse = |refusal: Refusal, endpoint: X| {
                Ok(endpoint.answer(Answer::new(&refusal.to_response(policy))))
            };
            let mut begin = match request.identify(&self).await {
                Ok(Identified::Recalled(response)) => Begin::Replay(response),
                Ok(Identified::Claimable(claimable)) => self.begin_with(&claimable).await,
                Err(refusal) => Begin::Refused(refusal),
            };
            match begin {
                Begin::Execute(ref mut execution) => {
                    let ran = execute(execution, &mut request).await;
                    match ran.ended {
                        Ended::Elsewhere | Ended::Said(_) => ran.result,
                        Ended::Undone(undone) => {
                            let instead = self.instead(execution.request(), *undone);
                            replace::<X>(policy, ran.result, instead)
                        }
                    }
                }
                Begin::Unprotected => {
                    let (head, body) = request.endpoint().call(None).await?;
                    Ok(X::respond(head, Handled::Untouched(body)))
                }
                Begin::Replay(response) => {
                    let answer = Answer::replay(&response, &policy.replay_marker);
                    Ok(request.endpoint().answer(answer))
                }
                Begin::Refused(refusal) => refuse(refusal, request.endpoint()),
            }
        }
    }
}

/// What a request is taken from as it goes on.
///
/// Boxed, for it is large: a future that it is moved into has room for it to its end, and one of more
/// than a kilobyte is slow to allocate.
struct Request<X> {
    endpoint: Option<X>,
    protected: Option<Protected>,
}

impl<X: Endpoint> Request<X> {
    /// Reads the payload, and finds out by it what is asked for.
    async fn identify(&mut self, idempotency: &Idempotency) -> Result<Identified, Refusal> {
        let endpoint = self.endpoint.as_mut().expect(ONCE);
        let limit = idempotency.policy().max_request_bytes;
        let payload = endpoint.read_payload(limit).await?;
        let protected = self.protected.take().expect(ONCE);
        Ok(idempotency.identify(protected, &payload))
    }

    fn method(&self) -> &str {
        self.endpoint.as_ref().expect(ONCE).method()
    }

    fn endpoint(&mut self) -> X {
        self.endpoint.take().expect(ONCE)
    }
}

const ONCE: &str = "a request is identified once and answered once";

/// Runs the handler under its lease; the result is recorded before the response leaves.
async fn execute<X: Endpoint>(
    execution: &mut Execution,
    request: &mut Request<X>,
) -> Ran<Result<X::Response, X::Error>> {
    let rules = execution.response_rules().for_method(request.method());
    let current = execution.current().clone();
    let mut work = Box::pin(async move {
        match request.endpoint().call(Some(current)).await {
            Ok((head, body)) => {
                let (verdict, body) = judge::<X>(&rules, &head, body).await;
                (verdict, Ok(X::respond(head, body)))
            }
            Err(error) => {
                let (verdict, error) = judge_error::<X>(&rules, error);
                (verdict, Err(error))
            }
        }
    });
    execution.run_pinned(work.as_mut()).await
}

fn replace<X: Endpoint>(
    policy: &Policy,
    handled: Result<X::Response, X::Error>,
    instead: Instead,
) -> Result<X::Response, X::Error> {
    match instead {
        Instead::Replay(response) => {
            X::replace(handled, Answer::replay(&response, &policy.replay_marker))
        }
        Instead::Refused(refusal) => X::replace(handled, Answer::new(&refusal.to_response(policy))),
        Instead::Own(response) => X::replace(handled, Answer::new(&response)),
    }
}

/// Decides whether an error is the result. One that never is stays untouched.
fn judge_error<X: Endpoint>(rules: &ResponseRules, error: X::Error) -> (Verdict, X::Error) {
    if !X::error_status(&error).is_some_and(|status| rules.may_save(status)) {
        return (Verdict::Free, error);
    }
    let (rendered, error) = X::render(error);
    let verdict = rendered.map_or(Verdict::Free, |response| response.judge(rules));
    (verdict, error)
}

/// Decides what of a response is kept, and reads it as far as that needs: a body that is too long
/// or flows goes on to its client from where it was read to.
async fn judge<X: Endpoint>(
    rules: &ResponseRules,
    head: &X::Head,
    body: X::Body,
) -> (Verdict, Handled<X::Body, X::Frames>) {
    let status = head.status();
    let lines = || head.lines();
    if !rules.saves(status, lines) {
        return (Verdict::Free, Handled::Untouched(body));
    }
    let (least, most) = X::size_hint(&body);
    if let Some(reason) = rules.rules_out(lines, least) {
        return (Verdict::Keep(reason.into()), Handled::Untouched(body));
    }
    let bytes = match X::open(body) {
        Opened::Whole(bytes) => bytes,
        Opened::Frames(frames) => {
            let mut reading = BufferedBody::new(frames);
            let within = rules.time_for_body(most == Some(least));
            match read_whole(&mut reading, rules.limit(), within).await {
                Ok(()) => reading.into_data(),
                Err(reason) => {
                    let with_trailers = || lines().chain(reading.trailers());
                    let verdict = if rules.saves(status, with_trailers) {
                        Verdict::Keep(reason.into())
                    } else {
                        Verdict::Free
                    };
                    return (verdict, Handled::Resumed(reading));
                }
            }
        }
    };
    let response = Response::packed(status, lines, &bytes);
    (Verdict::Keep(response.into()), Handled::Whole(bytes))
}

/// Reads a body to its end within a time; if that fails, what was read is still there.
async fn read_whole<F: Frames>(
    reading: &mut BufferedBody<F>,
    limit: usize,
    within: Duration,
) -> Result<(), NotKept> {
    let mut read = pin!(reading.read_up_to(limit));
    // A body that is there at once sets no timer.
    let read = match poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await {
        Poll::Ready(read) => read,
        Poll::Pending => {
            let read = Box::pin(timeout(within, read)).await;
            read.map_err(|_| NotKept::Stream)?
        }
    };
    read.map_err(|stop| match stop {
        Stop::OverLimit => NotKept::TooLarge,
        // Trailers, or an error that the client must see as it would without us.
        Stop::NotData => NotKept::Stream,
    })
}
