//! The market: what its handlers do, whatever framework carries them.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use idem_core::{CurrentExecution, Scope};

use crate::{Effects, effects::send_in_vain};

/// The headers with a request's tenant and with its lease in seconds.
///
/// An application takes the one from what it has verified and the other from what it knows.
const TENANT: &str = "x-tenant";
const LEASE: &str = "x-lease";

/// The header whose lines, `name=value` each, `/answers` sends back as headers.
const ANSWER: &str = "x-answer";

/// The scope rule of every layer, given how to look up a header.
pub fn tenant<'a>(header: impl FnOnce(&str) -> Option<&'a [u8]>) -> Option<Scope> {
    let tenant = std::str::from_utf8(header(TENANT)?).ok()?;
    Some(Scope::from(tenant))
}

/// The lease rule of every layer, given how to look up a header.
pub fn lease<'a>(header: impl FnOnce(&str) -> Option<&'a [u8]>) -> Option<Duration> {
    let seconds = std::str::from_utf8(header(LEASE)?).ok()?;
    Some(Duration::from_secs(seconds.parse().ok()?))
}

/// What a handler gets.
#[derive(Clone, Debug)]
pub struct Request {
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    current: Option<CurrentExecution>,
}

/// What a handler answers.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Body,
}

/// A response's body.
#[allow(missing_debug_implementations, reason = "`Debug` is implemented below")]
pub enum Body {
    Whole(Bytes),
    /// Of unknown length.
    Stream(BoxStream<'static, io::Result<Bytes>>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => f.debug_tuple("Whole").field(bytes).finish(),
            Self::Stream(_) => f.debug_tuple("Stream").finish_non_exhaustive(),
        }
    }
}

impl Request {
    /// A request at a path within the market, without a slash in front, with the execution that the
    /// framework's extractor finds.
    pub fn new<'a>(
        path: String,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        current: Option<CurrentExecution>,
    ) -> Self {
        Self {
            path,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_vec()))
                .collect(),
            current,
        }
    }

    /// Runs the handler at the request's path.
    ///
    /// # Panics
    /// If there is none.
    pub async fn reply(self, effects: &Effects) -> Reply {
        let run = effects.run();
        let path: Vec<_> = self.path.split('/').collect();
        match path[..] {
            // It answers differently each time, so that a replay can be told from a second run.
            ["orders"] => created(run),
            ["gated"] => {
                effects.pass_gate().await;
                created(run)
            }
            ["headers"] => headers(run),
            ["pay"] => text(200, shown(self.current)),
            ["travels", code] => {
                effects.send(&self.current.unwrap()).await;
                text(code.parse().unwrap(), "on its way")
            }
            ["travels-in-vain", code] => {
                send_in_vain(self.current.unwrap());
                // The task has begun when the handler ends.
                tokio::task::yield_now().await;
                text(code.parse().unwrap(), "on its way")
            }
            ["large"] => text(200, "x".repeat(3_000)),
            ["small"] => flowing(chunks(2, 100)),
            ["unknown"] => flowing(chunks(30, 100)),
            ["breaks"] => {
                let end = stream::iter([Err(io::Error::other("a planted error"))]);
                flowing(chunks(2, 100).chain(end))
            }
            ["events"] => {
                let reply = flowing(chunks(2, 100));
                reply.header("content-type", "text/event-stream; charset=utf-8")
            }
            // Not ready at once: as behind a compression that works in other threads.
            ["hesitant"] => flowing(chunks(5, 100).then(|chunk| async {
                tokio::task::yield_now().await;
                chunk
            })),
            ["endless"] => {
                let lines = stream::repeat(Bytes::from_static(b"{}\n")).then(|line| async move {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    Ok(line)
                });
                flowing(lines).header("content-type", "application/x-ndjson")
            }
            ["silent"] => flowing(stream::pending()),
            ["answers", code] => self.asked(text(code.parse().unwrap(), format!("run {run}"))),
            _ => panic!("the market has no {}", self.path),
        }
    }

    /// A reply with the headers that the request asks for.
    fn asked(&self, reply: Reply) -> Reply {
        let lines = self.headers.iter().filter(|(name, _)| name == ANSWER);
        lines.fold(reply, |reply, (_, line)| {
            let line = std::str::from_utf8(line).unwrap();
            let (name, value) = line.split_once('=').unwrap();
            reply.header(name, value)
        })
    }
}

impl Reply {
    fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

fn reply(status: u16, body: impl Into<Bytes>) -> Reply {
    let body = Body::Whole(body.into());
    Reply {
        status,
        headers: Vec::new(),
        body,
    }
}

fn text(status: u16, text: impl Into<Bytes>) -> Reply {
    reply(status, text).header("content-type", "text/plain; charset=utf-8")
}

fn created(id: usize) -> Reply {
    reply(201, format!("{{\"id\":{id}}}"))
        .header("content-type", "application/json")
        .header("location", format!("/orders/{id}"))
}

fn headers(run: usize) -> Reply {
    let run = run.to_string();
    let lines = [
        ("x-repeated", b"first".as_slice()),
        ("x-repeated", b"second"),
        ("x-repeated", b"first"),
        ("x-opaque", b"caf\xe9"),
        ("set-cookie", b"session=1"),
        ("set-cookie", b"theme=dark"),
        ("x-hop", b"1"),
        ("connection", b"x-hop"),
        ("keep-alive", b"timeout=5"),
        ("x-run", run.as_bytes()),
    ];
    let lines = lines.into_iter();
    lines.fold(reply(200, Bytes::new()), |reply, (name, value)| {
        reply.header(name, value)
    })
}

/// What a handler sees of its execution.
fn shown(current: Option<CurrentExecution>) -> String {
    current.map_or("unprotected".to_owned(), |current| {
        let key = current.key().as_str();
        format!("{key} {}", current.derived_key("payment"))
    })
}

fn flowing(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body: Body::Stream(stream.boxed()),
    }
}

pub(crate) fn chunks(number: usize, length: usize) -> impl Stream<Item = io::Result<Bytes>> {
    stream::iter(0..number).map(move |_| Ok("x".repeat(length).into()))
}
