//! What stands between a client and Redis, counts the calls of scripts, and cuts connections in the middle
//! of them.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering},
    },
    thread,
};

/// Relays connections without TLS. Its threads end with their connections; the one that listens, with
/// the process.
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
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            server: server.into(),
            scripts: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            silenced: AtomicUsize::new(0),
            fault: Mutex::default(),
        });
        let sharing = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&sharing);
                thread::spawn(move || drop(relay(client, &shared)));
            }
        });
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
        *self.shared.fault() = Some(Fault::CutBefore);
    }

    /// Cuts the connection when the server has answered the next call of a script; the client does not hear
    /// it.
    pub fn cut_after_script(&self) {
        *self.shared.fault() = Some(Fault::CutAfter);
    }
}

impl Shared {
    fn fault(&self) -> std::sync::MutexGuard<'_, Option<Fault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn relay(client: TcpStream, shared: &Shared) -> io::Result<()> {
    let number = shared.connections.fetch_add(1, Ordering::SeqCst);
    let server = TcpStream::connect(("127.0.0.1", shared.server.load(Ordering::SeqCst)))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (answers, back) = (server.try_clone()?, client.try_clone()?);
    let deaf = Arc::new(AtomicBool::new(false));
    let keeping = Arc::clone(&deaf);
    thread::spawn(move || {
        drop(answer(answers, &back, &keeping));
        drop(back.shutdown(Shutdown::Both));
    });
    let asked = ask(
        BufReader::new(client.try_clone()?),
        &server,
        shared,
        number,
        &deaf,
    );
    client.shutdown(Shutdown::Both).ok();
    server.shutdown(Shutdown::Both)?;
    asked
}

/// Hands answers on, but for the first after the client was made deaf.
fn answer(mut server: TcpStream, mut client: &TcpStream, deaf: &AtomicBool) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = server.read(&mut buffer)?;
        if read == 0 || deaf.load(Ordering::SeqCst) {
            return Ok(());
        }
        client.write_all(buffer.get(..read).unwrap_or_default())?;
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
            let fault = shared.fault().take();
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
