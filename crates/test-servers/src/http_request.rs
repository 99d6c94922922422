//! A request over HTTP/1.1, as a proxy reads it and passes it on.

use std::{
    io::{self, BufRead, BufReader, Read},
    net::TcpStream,
};

/// A request and its body.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    /// With the empty line.
    head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    pub(crate) fn read(client: &TcpStream) -> io::Result<Self> {
        let mut client = BufReader::new(client);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if client.read_until(b'\n', &mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut request = Self {
            head,
            body: Vec::new(),
        };
        let length = request.header("content-length").unwrap_or(b"0");
        let length = std::str::from_utf8(length)
            .ok()
            .and_then(|it| it.parse().ok());
        request.body = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
        client.read_exact(&mut request.body)?;
        Ok(request)
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.head.split(|byte| *byte == b'\n');
        lines
            .filter_map(|line| line.strip_suffix(b"\r"))
            .filter(|line| !line.is_empty())
    }

    /// The first value of this header.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        self.lines().find_map(|line| value_of(line, name))
    }

    /// What a server is to get, without the hidden header, on a connection of its own.
    pub(crate) fn for_server(&self, hidden: Option<&str>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in self.lines() {
            if hidden.is_some_and(|name| value_of(line, name).is_some()) {
                continue;
            }
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
        }
        // Its end is the answer's end.
        bytes.extend_from_slice(b"connection: close\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn value_of<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (this, value) = line.split_at(colon);
    let value = value.get(1..)?.trim_ascii();
    this.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
}
