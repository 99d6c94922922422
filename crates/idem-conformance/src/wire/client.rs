//! One request, one connection, one answer.

use std::{
    future::{Future, pending},
    io,
    pin::Pin,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use thiserror::Error;

use super::{Answer, Request, connect::Connector};

/// Why a request got no answer.
#[derive(Debug, Error)]
pub(crate) enum NoAnswer {
    #[error("no answer within {0:?}")]
    TooLate(Duration),
    #[error("the server cannot be reached: {0}")]
    Unreachable(io::Error),
    #[error("the connection ended without a whole answer: {0}")]
    Broken(String),
}

/// Sends requests to one server, each over a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(super) connector: Connector,
    timeout: Duration,
}

impl Client {
    pub(crate) fn new(connector: Connector, timeout: Duration) -> Self {
        Self { connector, timeout }
    }

    /// Opens a connection and closes it.
    pub(crate) async fn reach(&self) -> Result<(), NoAnswer> {
        let connect = async {
            self.connector
                .connect()
                .await
                .map_err(NoAnswer::Unreachable)
        };
        self.bounded(connect).await.map(drop)
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Cancel safety
    /// Dropping the future hangs up: the connection is closed with it.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, NoAnswer> {
        self.bounded(self.exchange(request)).await
    }

    pub(super) async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, NoAnswer>>,
    ) -> Result<T, NoAnswer> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(result) => result,
            Err(_) => Err(NoAnswer::TooLate(self.timeout)),
        }
    }

    /// Sends a request and reads its answer as far as the first bytes of the body, which must come
    /// within `limit`. The connection stays open until the second value is dropped.
    pub(crate) async fn open(
        &self,
        request: &Request,
        limit: Duration,
    ) -> Result<(Answer, Open), NoAnswer> {
        let limited = Self {
            connector: self.connector.clone(),
            timeout: self.timeout.min(limit),
        };
        let beginning = async {
            let (mut sender, mut connection) = self.connect().await?;
            let request = self.as_http(request).map_err(broken)?;
            let exchange = async {
                let (head, mut body) = sender.send_request(request).await?.into_parts();
                let first = match body.frame().await {
                    Some(frame) => frame?.into_data().unwrap_or_default(),
                    None => Bytes::new(),
                };
                Ok::<_, hyper::Error>((head, first, body))
            };
            let (head, first, body) = driven(exchange, &mut connection).await?;
            Ok((
                as_answer(&head, first),
                Open {
                    _body: body,
                    _connection: connection,
                },
            ))
        };
        limited.bounded(beginning).await
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, NoAnswer> {
        let request = self.as_http(request).map_err(broken)?;
        let (mut sender, mut connection) = self.connect().await?;
        let exchange = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            Ok::<_, hyper::Error>((head, body.collect().await?.to_bytes()))
        };
        let (head, body) = driven(exchange, &mut connection).await?;
        Ok(as_answer(&head, body))
    }

    async fn connect(&self) -> Result<(http1::SendRequest<Full<Bytes>>, Connection), NoAnswer> {
        let stream = self.connector.connect().await;
        let stream = TokioIo::new(stream.map_err(NoAnswer::Unreachable)?);
        let (sender, connection) = http1::handshake(stream).await.map_err(broken)?;
        // It may end before its answer is read out of the channel between the two.
        let connection = Box::pin(async {
            let _ = connection.await;
            pending::<()>().await;
        });
        Ok((sender, connection))
    }

    fn as_http(&self, request: &Request) -> http::Result<http::Request<Full<Bytes>>> {
        let target = self.connector.target();
        let mut http = http::Request::builder()
            .method(&*request.method)
            .uri(format!("{}{}", target.prefix, request.path))
            .header("host", &target.authority);
        for (name, value) in &request.headers {
            http = http.header(name, value.as_slice());
        }
        http.body(Full::from(request.body.clone()))
    }
}

type Connection = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An answer that goes on. Dropped, it hangs up.
pub(crate) struct Open {
    _body: Incoming,
    _connection: Connection,
}

/// What an exchange comes to while its connection is driven.
async fn driven<T>(
    exchange: impl Future<Output = hyper::Result<T>>,
    connection: &mut Connection,
) -> Result<T, NoAnswer> {
    tokio::select! {
        outcome = exchange => outcome.map_err(broken),
        () = connection => unreachable!("it is pending for ever"),
    }
}

fn as_answer(head: &http::response::Parts, body: Bytes) -> Answer {
    let lines = head.headers.iter();
    Answer {
        status: head.status.as_u16(),
        headers: lines
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        body,
        exchange: 0,
    }
}

pub(super) fn broken(error: impl std::error::Error) -> NoAnswer {
    let cause = error.source().map(|cause| format!(": {cause}"));
    NoAnswer::Broken(format!("{error}{}", cause.unwrap_or_default()))
}
