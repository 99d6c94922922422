//! What stands between a client and Redis, counts the calls of scripts, and cuts connections in the middle
//! of them.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering},
    },
};

use crate::{
    lock,
    relay::{listen, relay},
};

/// Relays connections without TLS.
#[derive(Debug)]
pub struct RedisRelay {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: AtomicU16,
    scripts: AtomicUsize,
    connections: AtomicUsize,
    /// So many connections, the first ones, hand nothing on.
    silenced: AtomicUsize,
    fault: Mutex<Option<Fault>>,
}

/// What happens to a call of a script on its way.
#[derive(Clone, Copy, Debug)]
enum Fault {
    CutBefore,
    CutAfter,
}

impl RedisRelay {
    /// Relays to this port.
    ///
    /// # Errors
    /// No port is free.
    pub fn to(server: u16) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            server: server.into(),
            scripts: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            silenced: AtomicUsize::new(0),
            fault: Mutex::default(),
        });
        let sharing = Arc::clone(&shared);
        let port = listen(move |client| {
            let shared = &sharing;
            let number = shared.connections.fetch_add(1, Ordering::SeqCst);
            let server = shared.server.load(Ordering::SeqCst);
            relay(client, server, |client, server, deaf| {
                ask(BufReader::new(client), server, shared, number, deaf)
            })
        })?;
        Ok(Self { port, shared })
    }

    /// The URL to connect to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Leads connections to another server from now on, as a name does after a failover; those that stand
    /// stay where they are.
    pub fn lead_to(&self, server: u16) {
        self.shared.server.store(server, Ordering::SeqCst);
    }

    /// Keeps the connections that stand open, and hands nothing on from their clients, as a network does that
    /// forgot them.
    pub fn silence(&self) {
        let connections = self.shared.connections.load(Ordering::SeqCst);
        self.shared.silenced.store(connections, Ordering::SeqCst);
    }

    /// How many connections clients have opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How often clients have called a script.
    #[must_use]
    pub fn scripts(&self) -> usize {
        self.shared.scripts.load(Ordering::SeqCst)
    }

    /// Cuts the connection when the next script is called; the server does not get the call.
    pub fn cut_before_script(&self) {
        *lock(&self.shared.fault) = Some(Fault::CutBefore);
    }

    /// Cuts the connection when the server has answered the next call of a script; the client does not hear
    /// it.
    pub fn cut_after_script(&self) {
        *lock(&self.shared.fault) = Some(Fault::CutAfter);
    }
}

/// Hands commands on, which are arrays of strings.
fn ask(
    mut client: BufReader<TcpStream>,
    mut server: &TcpStream,
    shared: &Shared,
    connection: usize,
    deaf: &AtomicBool,
) -> io::Result<()> {
    loop {
        let mut message = Vec::new();
        let words = number(&mut client, &mut message)?;
        let mut is_script = false;
        for word in 0..words {
            let length = number(&mut client, &mut message)?;
            let begun = message.len();
            message.resize(begun + length + 2, 0);
            client.read_exact(&mut message[begun..])?;
            is_script |= word == 0 && message[begun..].starts_with(b"EVAL");
        }
        if is_script {
            // It is counted before the answer can come.
            shared.scripts.fetch_add(1, Ordering::SeqCst);
            let fault = lock(&shared.fault).take();
            match fault {
                None => {}
                Some(Fault::CutBefore) => return Ok(()),
                Some(Fault::CutAfter) => deaf.store(true, Ordering::SeqCst),
            }
        }
        if connection >= shared.silenced.load(Ordering::SeqCst) {
            server.write_all(&message)?;
        }
    }
}

/// Reads a line of one sign and a number.
fn number(client: &mut BufReader<TcpStream>, message: &mut Vec<u8>) -> io::Result<usize> {
    let begun = message.len();
    if client.read_until(b'\n', message)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = message.get(begun + 1..).unwrap_or_default();
    let number = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.trim_end().parse().ok());
    number.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
