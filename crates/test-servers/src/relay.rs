//! What stands between a client and PostgreSQL, and counts the client's round trips.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Relays connections without TLS. Its threads end with their connections; the one that listens, with
/// the process.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    trips: AtomicUsize,
    names: AtomicUsize,
}

impl Relay {
    /// Relays to this port.
    ///
    /// # Errors
    /// No port is free.
    pub fn to(server: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counts = Arc::clone(&counted);
                thread::spawn(move || drop(relay(client, server, &counts)));
            }
        });
        Ok(Self { port, counts })
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How often a client has asked for an answer and waited: each `Query`, and each `Sync` after other
    /// messages.
    #[must_use]
    pub fn trips(&self) -> usize {
        self.counts.trips.load(Ordering::SeqCst)
    }

    /// How many statements clients have prepared under a name, which a pooler may give to another client.
    #[must_use]
    pub fn names(&self) -> usize {
        self.counts.names.load(Ordering::SeqCst)
    }
}

fn relay(client: TcpStream, server: u16, counts: &Counts) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut answers, mut back) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        drop(io::copy(&mut answers, &mut back));
        drop(back.shutdown(Shutdown::Both));
    });
    let asked = ask(client, &server, counts);
    server.shutdown(Shutdown::Both)?;
    asked
}

/// Hands messages on: the first begins with its length, every other one with its kind.
fn ask(mut client: TcpStream, mut server: &TcpStream, counts: &Counts) -> io::Result<()> {
    let mut first = [0; 4];
    client.read_exact(&mut first)?;
    let mut message = first.to_vec();
    body_of(&mut client, u32::from_be_bytes(first), &mut message)?;
    server.write_all(&message)?;
    loop {
        let mut head = [0; 5];
        client.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        message.clear();
        message.extend_from_slice(&head);
        body_of(&mut client, u32::from_be_bytes(length), &mut message)?;
        // It is counted before the answer can come.
        if matches!(kind, b'Q' | b'S') {
            counts.trips.fetch_add(1, Ordering::SeqCst);
        }
        // A `Parse` begins with the name, and an empty one is none.
        if kind == b'P' && message.get(5).is_some_and(|byte| *byte != 0) {
            counts.names.fetch_add(1, Ordering::SeqCst);
        }
        server.write_all(&message)?;
    }
}

/// Reads what follows a length, which counts itself.
fn body_of(client: &mut TcpStream, length: u32, message: &mut Vec<u8>) -> io::Result<()> {
    let begun = message.len();
    message.resize(begun + length.saturating_sub(4) as usize, 0);
    client.read_exact(&mut message[begun..])
}
