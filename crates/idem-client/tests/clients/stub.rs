//! A scripted server that records every byte it receives.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use idem_client::{Dialect, IdempotentRetries, RetryBudget};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the server does with a request, which it reads to its end first.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends these bytes and closes.
    Send(String),
    /// Closes without an answer.
    HangUp,
    /// Says nothing, for as long as the client waits.
    Silence,
}

impl Step {
    /// An answer with these header lines and this body.
    pub(crate) fn answer(status: u16, headers: &[&str], body: &str) -> Self {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        Self::Send(format!(
            "HTTP/1.1 {status} Told\r\n{lines}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ))
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::answer(status, &[], "")
    }
}

/// One step a request; the last one for all that follow.
#[derive(Debug)]
pub(crate) struct Stub {
    port: u16,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Stub {
    pub(crate) async fn start(steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, steps)
    }

    pub(crate) fn on(listener: TcpListener, steps: impl IntoIterator<Item = Step>) -> Self {
        let steps: Vec<_> = steps.into_iter().collect();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for step in steps.iter().chain(std::iter::repeat(steps.last().unwrap())) {
                let (mut connection, _) = listener.accept().await.unwrap();
                let step = step.clone();
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let Some(request) = read(&mut connection).await else {
                        return;
                    };
                    seen.lock().unwrap().push(request);
                    act(connection, step).await;
                });
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Every request, byte for byte.
    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

async fn read(connection: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        if connection.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
        let Some(head) = request.windows(4).position(|it| it == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
        let is_whole = if text.contains("transfer-encoding: chunked") {
            request.ends_with(b"\r\n0\r\n\r\n")
        } else {
            let length = text.split("content-length: ").nth(1).map_or(0, |rest| {
                rest.lines().next().unwrap().trim().parse().unwrap()
            });
            request.len() == head + 4 + length
        };
        if is_whole {
            return Some(request);
        }
    }
}

async fn act(mut connection: TcpStream, step: Step) {
    match step {
        Step::Send(bytes) => connection.write_all(bytes.as_bytes()).await.unwrap(),
        Step::HangUp => {}
        Step::Silence => while connection.read(&mut [0; 64]).await.is_ok_and(|it| it > 0) {},
    }
}

/// Without a server that is named, with pauses of milliseconds and a budget that is never spent.
pub(crate) fn impatient() -> IdempotentRetries {
    IdempotentRetries::new()
        .pauses(Duration::from_millis(1), Duration::from_millis(4))
        .attempt_timeout(Duration::from_millis(300))
        .budget(RetryBudget::new(1_000_000, 0.0))
}

/// With the stub named.
pub(crate) fn naming(stub: &Stub, dialect: Dialect) -> IdempotentRetries {
    impatient().server(stub.url("/").parse().unwrap(), dialect)
}

pub(crate) fn client(retries: IdempotentRetries) -> reqwest_middleware::ClientWithMiddleware {
    retries
        .client(reqwest::Client::builder().no_proxy())
        .unwrap()
}

/// This crate's error.
pub(crate) fn gave_up(error: &reqwest_middleware::Error) -> &idem_client::Error {
    idem_client::Error::find(error).unwrap_or_else(|| panic!("another error: {error:?}"))
}
