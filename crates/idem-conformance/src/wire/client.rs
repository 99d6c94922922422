//! One request, one connection, one answer.

use std::{
    future::{Future, pending},
    io,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
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

    async fn exchange(&self, request: &Request) -> Result<Answer, NoAnswer> {
        let request = self.as_http(request).map_err(broken)?;
        let stream = self
            .connector
            .connect()
            .await
            .map_err(NoAnswer::Unreachable)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let exchange = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            Ok::<_, hyper::Error>((head, body.collect().await?.to_bytes()))
        };
        // The connection may end before its answer is read out of the channel between the two.
        let connection = async {
            let _ = connection.await;
            pending::<()>().await;
        };
        let (head, body) = tokio::select! {
            answer = exchange => answer.map_err(broken)?,
            () = connection => unreachable!("it is pending for ever"),
        };
        let lines = head.headers.iter();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: lines
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body,
            exchange: 0,
        })
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

pub(super) fn broken(error: impl std::error::Error) -> NoAnswer {
    let cause = error.source().map(|cause| format!(": {cause}"));
    NoAnswer::Broken(format!("{error}{}", cause.unwrap_or_default()))
}
