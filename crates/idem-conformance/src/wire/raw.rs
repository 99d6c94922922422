//! Bytes that no client library would send.

use std::io::Write as _;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    Answer, Request,
    client::{Client, NoAnswer, broken},
};

/// How the end of a request's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
}

impl Client {
    /// Sends a request whose header values are written as they are, and reads the answer.
    pub(crate) async fn send_raw(
        &self,
        request: &Request,
        framing: Framing,
    ) -> Result<Answer, NoAnswer> {
        self.bounded(async {
            let stream = self
                .connector
                .connect()
                .await
                .map_err(NoAnswer::Unreachable)?;
            let (mut reader, mut writer) = tokio::io::split(stream);
            let bytes = self.bytes_of(request, framing);
            let writing = async {
                // A server may answer before it has read all, and close: then its answer counts.
                let _ = writer.write_all(&bytes).await;
                let _ = writer.flush().await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                answer = read_answer(&mut reader) => answer,
                () = writing => unreachable!("it is pending for ever"),
            }
        })
        .await
    }

    /// Sends a request as far as `bytes` of its body, and hangs up.
    pub(crate) async fn send_and_hang_up(
        &self,
        request: &Request,
        bytes: usize,
    ) -> Result<(), NoAnswer> {
        self.bounded(async {
            let mut stream = self
                .connector
                .connect()
                .await
                .map_err(NoAnswer::Unreachable)?;
            let whole = self.bytes_of(request, Framing::Length);
            let missing = request.body.len().saturating_sub(bytes);
            stream
                .write_all(&whole[..whole.len() - missing])
                .await
                .map_err(broken)?;
            stream.shutdown().await.map_err(broken)
        })
        .await
    }

    fn bytes_of(&self, request: &Request, framing: Framing) -> Vec<u8> {
        let target = self.connector.target();
        let mut bytes = Vec::new();
        let mut write =
            |parts: &[&[u8]]| parts.iter().for_each(|part| bytes.extend_from_slice(part));
        let path = [target.prefix.as_bytes(), request.path.as_bytes()].concat();
        write(&[request.method.as_bytes(), b" ", &path, b" HTTP/1.1\r\n"]);
        write(&[
            b"host: ",
            target.authority.as_bytes(),
            b"\r\nconnection: close\r\n",
        ]);
        for (name, value) in &request.headers {
            write(&[name.as_bytes(), b": ", value, b"\r\n"]);
        }
        let length = request.body.len();
        match framing {
            Framing::Length => {
                let _ = write!(bytes, "content-length: {length}\r\n\r\n");
                bytes.extend_from_slice(&request.body);
            }
            Framing::Chunked => {
                bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                for chunk in request.body.chunks(16 * 1024) {
                    let _ = write!(bytes, "{:x}\r\n", chunk.len());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
        bytes
    }
}

/// Reads until the answer is whole, or the server closes.
async fn read_answer(reader: &mut (impl AsyncReadExt + Unpin)) -> Result<Answer, NoAnswer> {
    let mut read = Vec::new();
    loop {
        let more = reader.read_buf(&mut read).await;
        let ended = !matches!(more, Ok(1..));
        if let Some(answer) = parse(&read, ended)? {
            return Ok(answer);
        }
        if ended {
            let problem = more
                .err()
                .map_or("the server closed it".to_owned(), |error| error.to_string());
            return Err(NoAnswer::Broken(problem));
        }
    }
}

/// The answer in `bytes`, once it is whole.
fn parse(bytes: &[u8], ended: bool) -> Result<Option<Answer>, NoAnswer> {
    let mut lines = [httparse::EMPTY_HEADER; 128];
    let mut head = httparse::Response::new(&mut lines);
    let httparse::Status::Complete(length) = head.parse(bytes).map_err(broken)? else {
        return Ok(None);
    };
    let status = head.code.unwrap_or_default();
    let rest = &bytes[length..];
    if (100..200).contains(&status) {
        return parse(rest, ended);
    }
    let headers = head.headers.iter();
    let mut answer = Answer {
        status,
        headers: headers
            .map(|line| (line.name.to_ascii_lowercase(), line.value.to_vec()))
            .collect(),
        body: Bytes::new(),
        exchange: 0,
    };
    let body = if answer
        .text_of("transfer-encoding")
        .is_some_and(|coding| coding.contains("chunked"))
    {
        unchunked(rest).map_err(NoAnswer::Broken)?
    } else if let Some(length) = answer.text_of("content-length") {
        let length: usize = length.trim().parse().map_err(broken)?;
        rest.get(..length).map(<[u8]>::to_vec)
    } else if matches!(status, 204 | 304) {
        Some(Vec::new())
    } else {
        ended.then(|| rest.to_vec())
    };
    Ok(body.map(|body| {
        answer.body = body.into();
        answer
    }))
}

/// The data of all chunks, if the last one is there.
fn unchunked(mut rest: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut data = Vec::new();
    loop {
        match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete((_, 0))) => return Ok(Some(data)),
            Ok(httparse::Status::Complete((start, size))) => {
                let Some(chunk) = usize::try_from(size)
                    .ok()
                    .and_then(|size| rest.get(start..start + size))
                else {
                    return Ok(None);
                };
                data.extend_from_slice(chunk);
                // The line break after a chunk belongs to it.
                rest = rest.get(start + chunk.len() + 2..).unwrap_or_default();
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err("a chunk has no size".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_framing_says_so() {
        let whole = |text: &str| {
            parse(text.as_bytes(), false)
                .unwrap()
                .map(|answer| answer.body)
        };
        assert_eq!(
            whole("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab").unwrap(),
            "ab"
        );
        assert_eq!(whole("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na"), None);
        assert_eq!(whole("HTTP/1.1 204 No Content\r\n\r\n").unwrap(), "");
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n";
        assert_eq!(whole(chunked), None);
        assert_eq!(whole(&format!("{chunked}0\r\n\r\n")).unwrap(), "abc");
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\n\r\nlarge";
        assert!(parse(text, false).unwrap().is_none());
        let answer = parse(text, true).unwrap().unwrap();
        assert_eq!((answer.status, &*answer.body), (413, b"large".as_slice()));
    }
}
