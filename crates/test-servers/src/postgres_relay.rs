//! What stands between a client and PostgreSQL, counts the client's round trips, and disturbs a COMMIT.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use crate::{
    lock,
    relay::{listen, relay},
};

/// Relays connections without TLS.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    trips: AtomicUsize,
    names: AtomicUsize,
    /// What happens to the next COMMIT.
    fault: Mutex<Option<Fault>>,
}

/// What happens to a COMMIT on its way.
#[derive(Debug)]
enum Fault {
    CutBefore,
    CutAfter,
    Hold(mpsc::Sender<TcpStream>, mpsc::Receiver<()>),
}

/// A COMMIT that does not arrive at the server until this is dropped.
#[derive(Debug)]
pub struct Held {
    came: mpsc::Receiver<TcpStream>,
    _go: mpsc::Sender<()>,
}

impl Held {
    /// Waits, and blocks its thread, until the client has sent it.
    ///
    /// # Errors
    /// It has not, in this time.
    pub fn came(&self, within: Duration) -> io::Result<Sender> {
        let came = self.came.recv_timeout(within);
        came.map(Sender).map_err(|_| io::ErrorKind::TimedOut.into())
    }
}

impl Relay {
    /// Relays to this port.
    ///
    /// # Errors
    /// No port is free.
    pub fn to(server: u16) -> io::Result<Self> {
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let port = listen(move |client| {
            relay(client, server, |client, server, deaf| {
                ask(client, server, &counted, deaf)
            })
        })?;
        Ok(Self { port, counts })
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the connection when the next COMMIT is sent; the server does not get it.
    pub fn cut_before_commit(&self) {
        self.disturb(Fault::CutBefore);
    }

    /// Cuts the connection when the server has answered the next COMMIT; the client does not hear it.
    pub fn cut_after_commit(&self) {
        self.disturb(Fault::CutAfter);
    }

    /// Holds the next COMMIT up. It arrives afterwards, whether or not the client still waits.
    #[must_use]
    pub fn hold_commit(&self) -> Held {
        let ((coming, came), (go, going)) = (mpsc::channel(), mpsc::channel());
        self.disturb(Fault::Hold(coming, going));
        Held { came, _go: go }
    }

    fn disturb(&self, fault: Fault) {
        *lock(&self.counts.fault) = Some(fault);
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

/// The client that sent it.
#[derive(Debug)]
pub struct Sender(TcpStream);

impl Sender {
    /// Cuts the client off; the server does not notice before the COMMIT has arrived.
    pub fn cut_off(&self) {
        self.0.shutdown(Shutdown::Both).ok();
    }
}

/// Hands messages on: the first begins with its length, every other one with its kind.
fn ask(
    mut client: TcpStream,
    mut server: &TcpStream,
    counts: &Counts,
    deaf: &AtomicBool,
) -> io::Result<()> {
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
        // A `Parse` begins with the statement's name, which is empty for an unnamed one.
        if kind == b'P' && message.get(5).is_some_and(|byte| *byte != 0) {
            counts.names.fetch_add(1, Ordering::SeqCst);
        }
        if message.get(5..) == Some(b"COMMIT\0") {
            let fault = lock(&counts.fault).take();
            match fault {
                None => {}
                Some(Fault::CutBefore) => return Ok(()),
                Some(Fault::CutAfter) => deaf.store(true, Ordering::SeqCst),
                Some(Fault::Hold(coming, going)) => {
                    let _ = coming.send(client.try_clone()?);
                    // It ends when the other side is dropped.
                    let _ = going.recv();
                }
            }
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
