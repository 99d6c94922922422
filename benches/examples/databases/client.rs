//! Clients that each keep one connection, and send the next request when the last was answered.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use idem_benches::{
    Spelling, order,
    orders::{Key, PATH},
};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{AnyError, market::RENEWALS};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An order under a key of its own.
    Fresh,
    /// The same order again, under a key that was answered before.
    Replay,
    /// A lease's renewal.
    Renewal,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fresh => "fresh",
            Self::Replay => "replay",
            Self::Renewal => "renewal",
        })
    }
}

/// When clients stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Over(Instant),
    /// Each has sent as many.
    Sent(usize),
}

/// What clients saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) took: Vec<Duration>,
    pub(crate) failures: usize,
    pub(crate) over: Duration,
}

impl Seen {
    pub(crate) fn per_second(&self) -> f64 {
        self.took.len() as f64 / self.over.as_secs_f64()
    }

    /// The time within which this share of the requests was answered.
    pub(crate) fn within(&mut self, share: f64) -> Duration {
        self.took.sort_unstable();
        let place = (self.took.len() as f64 * share) as usize;
        let place = place.min(self.took.len().saturating_sub(1));
        self.took.get(place).copied().unwrap_or_default()
    }
}

/// Keys are used once in a run, whichever service they go to.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Lets that many clients ask.
pub(crate) async fn ask(
    port: u16,
    clients: usize,
    asked: Asked,
    until: Until,
) -> Result<Seen, AnyError> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        tasks.spawn(one_client(port, asked, until));
    }
    let mut seen = Seen::default();
    while let Some(client) = tasks.join_next().await {
        let client = client??;
        seen.took.extend(client.took);
        seen.failures += client.failures;
    }
    seen.over = begun.elapsed();
    Ok(seen)
}

async fn one_client(port: u16, asked: Asked, until: Until) -> Result<Seen, AnyError> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let payload = Bytes::from(order(256, Spelling::InOrder));
    let mut seen = Seen::default();
    loop {
        let over = match until {
            Until::Over(instant) => Instant::now() >= instant,
            Until::Sent(requests) => seen.took.len() >= requests,
        };
        if over {
            return Ok(seen);
        }
        let request = request(asked, &payload)?;
        let begun = Instant::now();
        let status = send(&mut sender, request).await?;
        seen.took.push(begun.elapsed());
        seen.failures += usize::from(status != StatusCode::CREATED);
    }
}

fn request(asked: Asked, payload: &Bytes) -> Result<Request<Full<Bytes>>, AnyError> {
    let (path, key) = match asked {
        Asked::Fresh => (PATH, NEXT.fetch_add(1, Ordering::Relaxed)),
        Asked::Replay => (PATH, 0),
        Asked::Renewal => (RENEWALS, 0),
    };
    let request = Request::post(path)
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .header("idempotency-key", Key::new(key).as_bytes());
    Ok(request.body(Full::new(payload.clone()))?)
}

async fn send(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, AnyError> {
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    response.into_body().collect().await?;
    Ok(status)
}
