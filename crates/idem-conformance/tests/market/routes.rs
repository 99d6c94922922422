//! A market whose answers depend on nothing but what it was sent: whatever framework carries it, and
//! under one seed of the tool, it answers the same bytes.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    iter,
    panic::resume_unwind,
    sync::Mutex,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::{Value, json};

/// How long `/slow` takes: long against a round trip, and short for whoever waits for the tests. A machine
/// that stalls lengthens one of the pauses, and the requests that it kept waiting have the rest.
const SLOW: u32 = 100;
const PAUSE: Duration = Duration::from_millis(5);

/// The largest request body.
pub(crate) const REQUEST_LIMIT: usize = 64 * 1024;

/// The largest request body of `/limited`, by a limit in front of the library.
pub(crate) const OUTSIDE_LIMIT: usize = 16 * 1024;

/// The largest response that is kept.
pub(crate) const RESPONSE_LIMIT: usize = 4 * 1024;

/// How long what `/short` answered is kept.
pub(crate) const SHORT_RETENTION: Duration = Duration::from_secs(1);

/// A past that no server's clock shows.
const PAST: &str = "Tue, 15 Nov 1994 08:12:31 GMT";

/// What a handler does: it waits, and answers or panics.
pub(crate) struct Reply {
    pauses: u32,
    panics: bool,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Whole(Vec<u8>),
    /// Sent piece by piece, without a length.
    Stream(Vec<&'static str>),
    /// One piece again and again, for ever.
    Endless(&'static str),
}

impl Body {
    /// Its pieces as they come.
    pub(crate) fn pieces(self) -> BoxStream<'static, Result<Bytes, Infallible>> {
        match self {
            Self::Whole(bytes) => stream::iter([Ok(bytes.into())]).boxed(),
            Self::Stream(pieces) => stream::iter(pieces).map(|piece| Ok(piece.into())).boxed(),
            Self::Endless(piece) => {
                let pieces = stream::iter(iter::repeat(piece)).enumerate();
                let in_time = pieces.then(|(place, piece)| async move {
                    // The first one comes at once.
                    tokio::time::sleep(PAUSE * 4 * u32::from(place > 0)).await;
                    Ok(piece.into())
                });
                in_time.boxed()
            }
        }
    }
}

impl Reply {
    /// Takes its time, and panics where the handler is to panic.
    pub(crate) async fn wait(&self) {
        for _ in 0..self.pauses {
            tokio::time::sleep(PAUSE).await;
        }
        if self.panics {
            // Without a message and its backtrace, for which a thread may stand still for a second.
            resume_unwind(Box::new("a planted panic"));
        }
    }
}

/// What was done, by the tag of whoever asked for it.
#[derive(Debug, Default)]
pub(crate) struct Market {
    runs: Mutex<HashMap<String, usize>>,
    /// The tags whose first request has failed, as it should.
    failed: Mutex<HashSet<String>>,
}

impl Market {
    /// Does what a request asks for. `target` is the path with its query.
    pub(crate) fn reply(&self, method: &str, target: &str, body: &[u8]) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<_> = path.split('/').skip(1).collect();
        if let ["runs", tag] = segments[..] {
            return text(200, &format!("{tag}\n").repeat(self.runs(tag)));
        }
        let Some(tag) = tag(query, body, &segments) else {
            return message(400, "`tag` must be text of at least 1 character");
        };
        if let ["redirect", status] = segments[..] {
            let location = vec![("location", "/things".to_owned())];
            return reply(status.parse().unwrap(), location, Vec::new());
        }
        match segments[..] {
            ["panic"] if self.is_first(&tag) => {
                return Reply {
                    panics: true,
                    ..text(500, "")
                };
            }
            ["refused-inside", status] if self.is_first(&tag) => {
                return refused(status.parse().unwrap());
            }
            _ => {}
        }
        let run = self.run(&tag);
        match (method, &segments[..]) {
            ("POST" | "PATCH", ["things" | "elsewhere" | "panic" | "excluded" | "short"]) => {
                created(&tag, run)
            }
            ("POST", ["limited" | "twice"] | ["refused-inside", _]) => created(&tag, run),
            ("POST", ["slow"]) => Reply {
                pauses: SLOW,
                ..created(&tag, run)
            },
            ("PUT" | "DELETE", ["plain", _]) => text(200, &format!("run {run}")),
            ("POST", ["any"]) => text(200, &format!("run {run}")),
            ("POST", ["status", code]) => text(code.parse().unwrap(), &format!("run {run}")),
            ("POST", ["broken", code]) => match is_repaired(body) {
                true => created(&tag, run),
                false => message(code.parse().unwrap(), &format!("broken in run {run}")),
            },
            ("POST", ["answers", kind]) => answer(kind, &tag, run),
            _ => message(404, "there is no such path"),
        }
    }

    fn is_first(&self, tag: &str) -> bool {
        self.failed.lock().unwrap().insert(tag.to_owned())
    }

    fn run(&self, tag: &str) -> usize {
        let mut runs = self.runs.lock().unwrap();
        let runs = runs.entry(tag.to_owned()).or_default();
        *runs += 1;
        *runs
    }

    fn runs(&self, tag: &str) -> usize {
        self.runs.lock().unwrap().get(tag).copied().unwrap_or(0)
    }
}

/// The tag that a request names: in its query, its path or its payload.
fn tag(query: &str, body: &[u8], segments: &[&str]) -> Option<String> {
    if let Some(tag) = query.strip_prefix("tag=") {
        return Some(tag.to_owned());
    }
    if let ["plain", tag] = segments {
        return Some((*tag).to_owned());
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let tag = body["tag"].as_str().filter(|tag| !tag.is_empty())?;
    Some(tag.to_owned())
}

fn is_repaired(body: &[u8]) -> bool {
    serde_json::from_slice(body).is_ok_and(|body: Value| body["repaired"] == true)
}

/// The answers that a replay must get right.
fn answer(kind: &str, tag: &str, run: usize) -> Reply {
    let lines = |headers: &[(&'static str, &str)]| Reply {
        headers: headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
        ..created(tag, run)
    };
    let run_text = run.to_string();
    match kind {
        "no-content" => reply(204, Vec::new(), Vec::new()),
        "location" => reply(
            201,
            vec![("location", format!("/things/{tag}-{run}"))],
            Vec::new(),
        ),
        "binary" => {
            let bytes: Vec<u8> = (0..=255).chain([0, 0xc3, 0x28, run as u8]).collect();
            reply(
                200,
                vec![("content-type", "application/octet-stream".to_owned())],
                bytes,
            )
        }
        "repeated" => lines(&[
            ("x-part", "one"),
            ("x-part", "two"),
            ("x-run", &run_text),
            ("x-part", "one"),
        ]),
        "cookie" => lines(&[
            ("set-cookie", "session=1"),
            ("set-cookie", "theme=dark"),
            ("x-run", &run_text),
        ]),
        "hop" => lines(&[
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("x-run", &run_text),
        ]),
        "dated" => lines(&[("date", PAST), ("x-run", &run_text)]),
        "events" => Reply {
            body: Body::Stream(vec!["data: one\n\n", "data: two\n\n"]),
            ..reply(
                200,
                vec![("content-type", "text/event-stream".to_owned())],
                Vec::new(),
            )
        },
        "endless" => Reply {
            body: Body::Endless("{\"still\":\"here\"}\n"),
            ..reply(
                200,
                vec![("content-type", "application/x-ndjson".to_owned())],
                Vec::new(),
            )
        },
        "large" => text(200, &"x".repeat(RESPONSE_LIMIT + 1)),
        _ => message(404, "there is no such answer"),
    }
}

/// An answer that no JSON writer would spell so: whoever writes it anew gives himself away.
fn created(tag: &str, run: usize) -> Reply {
    let body = format!("{{ \"id\" : \"{tag}-{run}\" }}");
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("location", format!("/things/{tag}-{run}")),
    ];
    reply(201, headers, body.into_bytes())
}

/// A refusal as the library answers it.
pub(crate) fn refused(status: u16) -> Reply {
    let mut reply = message(status, "refused further inside");
    let code = "idempotency-key-in-progress".to_owned();
    reply.headers.push(("idempotency-refusal", code));
    reply
}

fn text(status: u16, text: &str) -> Reply {
    let headers = vec![("content-type", "text/plain".to_owned())];
    reply(status, headers, text.as_bytes().to_vec())
}

fn message(status: u16, message: &str) -> Reply {
    let headers = vec![("content-type", "application/json".to_owned())];
    reply(
        status,
        headers,
        json!({ "message": message }).to_string().into_bytes(),
    )
}

fn reply(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Reply {
    Reply {
        pauses: 0,
        panics: false,
        status,
        headers,
        body: Body::Whole(body),
    }
}
