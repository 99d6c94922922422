//! A client of a protected handler, through the path that the adapters share.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use bytes::Bytes;
use idem_core::{
    CurrentExecution, Refusal,
    adapter::{self, Endpoint, Frames, Handled, Opened, ResponseHead},
};

/// What a handler answers.
pub(crate) type Answer = Result<(u16, Body), &'static str>;

pub(crate) enum Body {
    Whole(&'static str),
    /// It never ends.
    Stream,
}

/// What a handler answers that has done its work.
pub(crate) fn created() -> Answer {
    Ok((201, Body::Whole("done")))
}

/// A request with this payload, and what handles it.
pub(crate) struct Call<H> {
    pub(crate) payload: &'static str,
    pub(crate) handler: H,
}

pub(crate) struct Head(u16);

impl ResponseHead for Head {
    fn status(&self) -> u16 {
        self.0
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        std::iter::empty()
    }
}

pub(crate) struct Endless;

impl Frames for Endless {
    type Frame = Infallible;

    fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Infallible>> {
        Poll::Pending
    }

    fn into_data(frame: Infallible) -> Result<Bytes, Infallible> {
        Err(frame)
    }

    fn from_data(_: Bytes) -> Infallible {
        panic!("it has no data")
    }
}

impl<H, F> Endpoint for Call<H>
where
    H: FnOnce(CurrentExecution) -> F,
    F: Future<Output = Answer>,
{
    type Head = Head;
    type Body = Body;
    type Frames = Endless;
    type Response = String;
    type Error = &'static str;

    fn method(&self) -> &'static str {
        "POST"
    }

    async fn read_payload(&mut self, _: usize) -> Result<Bytes, Refusal> {
        Ok(Bytes::from_static(self.payload.as_bytes()))
    }

    async fn call(self, current: Option<CurrentExecution>) -> Result<(Head, Body), &'static str> {
        let current = current.expect("no store of these tests fails to answer a claim");
        let (status, body) = (self.handler)(current).await?;
        Ok((Head(status), body))
    }

    fn size_hint(body: &Body) -> (u64, Option<u64>) {
        match body {
            Body::Whole(text) => (text.len() as u64, Some(text.len() as u64)),
            Body::Stream => (0, None),
        }
    }

    fn open(body: Body) -> Opened<Endless> {
        match body {
            Body::Whole(text) => Opened::Whole(text.into()),
            Body::Stream => Opened::Frames(Endless),
        }
    }

    fn respond(head: Head, body: Handled<Body, Endless>) -> String {
        let body = match body {
            Handled::Untouched(Body::Whole(text)) => text.to_owned(),
            Handled::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Handled::Untouched(Body::Stream) | Handled::Resumed(_) => "a stream".to_owned(),
        };
        format!("{} {body}", head.0)
    }

    fn answer(self, answer: adapter::Answer<'_>) -> String {
        worded(&answer)
    }

    fn replace(
        _: Result<String, &'static str>,
        answer: adapter::Answer<'_>,
    ) -> Result<String, &'static str> {
        Ok(worded(&answer))
    }
}

/// An answer in the handler's place, in a line: its code if it is a refusal, else its body.
fn worded(answer: &adapter::Answer<'_>) -> String {
    let named = |name: &str| {
        let (_, value) = answer.lines().find(|(found, _)| *found == name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let body = String::from_utf8_lossy(&answer.body()).into_owned();
    let what = named("idempotency-refusal").unwrap_or(body);
    let retry = named("retry-after").map_or("", |_| ", retry");
    let replay = named("idempotency-replayed").map_or("", |_| "replay: ");
    format!("{replay}{} {what}{retry}", answer.status())
}
