//! HTTP/1.1 by hand, so that a client can stop at any byte.

use std::{io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The bytes of an order under a key; its payload is derived from the key.
pub(crate) fn order(key: &str) -> Vec<u8> {
    let payload = serde_json::json!({ "order": key }).to_string();
    let length = payload.len();
    format!(
        "POST /orders HTTP/1.1\r\nhost: market\r\ncontent-type: application/json\r\n\
         idempotency-key: {key}\r\ncontent-length: {length}\r\n\r\n{payload}"
    )
    .into_bytes()
}

/// An answer that arrived whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In the order of their names; lines of one name in the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn is_replay(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = self.headers.iter().find(|(other, _)| other == name)?;
        Some(&line.1)
    }

    /// What the body says under a name.
    pub(crate) fn says(&self, member: &str) -> Value {
        let body: Value = serde_json::from_slice(&self.body).expect("the body is JSON");
        body[member].clone()
    }

    /// The answer without what may differ between an original and its replay.
    pub(crate) fn comparable(mut self) -> Self {
        let differs = ["date", "idempotency-replayed"];
        self.headers
            .retain(|(name, _)| !differs.contains(&name.as_str()));
        self
    }

    /// An answer, if the bytes begin with a whole one.
    fn parse(bytes: &[u8]) -> Option<Self> {
        const END_OF_HEAD: &[u8] = b"\r\n\r\n";
        let head = bytes.windows(4).position(|four| four == END_OF_HEAD)?;
        let mut lines = std::str::from_utf8(&bytes[..head]).ok()?.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?;
        let mut answer = Self {
            status: status.get(..3)?.parse().ok()?,
            headers: lines.filter_map(header_line).collect(),
            body: Vec::new(),
        };
        answer
            .headers
            .sort_by(|(one, _), (other, _)| one.cmp(other));
        let length: usize = answer.header("content-length")?.parse().ok()?;
        let body = bytes[head + END_OF_HEAD.len()..].get(..length)?;
        answer.body.extend_from_slice(body);
        Some(answer)
    }
}

fn header_line(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// A connection to a server. Dropping it hangs up.
#[derive(Debug)]
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) async fn open(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// Reads up to `most` bytes of an answer; how many came is of no interest.
    pub(crate) async fn read_a_part(&mut self, most: usize) -> io::Result<usize> {
        self.0.read(&mut vec![0; most]).await
    }

    /// Reads an answer to its end.
    pub(crate) async fn read(&mut self) -> io::Result<Answer> {
        let mut bytes = Vec::new();
        loop {
            if self.0.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = Answer::parse(&bytes) {
                return Ok(answer);
            }
        }
    }

    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.write(request).await?;
        self.read().await
    }
}
