//! What stands between an HTTP client and a server, and loses, delays and invents by a seed.

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use socket2::SockRef;

/// A proxy for HTTP/1.1 that disturbs about half of the requests.
///
/// What happens to a request depends on the seed, on its `Idempotency-Key` and on how often that key
/// came before, and on nothing else: neither on the clock nor on what other clients do. Its threads
/// end with their connections; the one that listens, with the process.
#[derive(Debug)]
pub struct FaultyProxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: u16,
    seed: u64,
    hides_keys: bool,
    /// How often each key came.
    seen: Mutex<HashMap<Vec<u8>, u64>>,
    counts: Mutex<HashMap<Fault, usize>>,
}

/// What happens to a request on its way, or to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing: it gets its answer.
    None,
    /// The request is swallowed, and the client hears nothing.
    DropRequest,
    /// The request arrives, and its answer is swallowed.
    DropResponse,
    /// The connection is reset before the request arrives.
    ResetBefore,
    /// The connection is reset when the request has arrived.
    ResetAfter,
    /// The connection is reset in the middle of the answer.
    ResetWithin,
    /// The request arrives late.
    Delay,
    /// The proxy answers this status itself, and the request does not arrive.
    AnswerInPlace(u16),
    /// The request arrives, and the proxy answers this status in the server's place.
    AnswerOver(u16),
}

impl FaultyProxy {
    /// Stands in front of the server on this port. With `hides_keys`, the server never sees an
    /// `Idempotency-Key`.
    ///
    /// # Errors
    /// No port is free.
    pub fn to(server: u16, seed: u64, hides_keys: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State {
            server,
            seed,
            hides_keys,
            seen: Mutex::default(),
            counts: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || drop(state.relay(client)));
            }
        });
        Ok(Self { port, state })
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How often each fault happened.
    #[must_use]
    pub fn counts(&self) -> HashMap<Fault, usize> {
        lock(&self.state.counts).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// One request a connection, so that none is sent on one that is about to be closed.
    fn relay(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let request = Request::read(&mut client)?;
        let fault = self.fault(&request);
        *lock(&self.counts).entry(fault).or_default() += 1;
        match fault {
            Fault::None => client.write_all(&self.ask(&request)?),
            Fault::DropRequest => wait_for_the_end(&mut client),
            Fault::DropResponse => {
                self.ask(&request)?;
                wait_for_the_end(&mut client)
            }
            Fault::ResetBefore => reset(&client),
            Fault::ResetAfter => {
                self.ask(&request)?;
                reset(&client)
            }
            Fault::ResetWithin => {
                let answer = self.ask(&request)?;
                client.write_all(
                    answer
                        .get(..answer.len().saturating_sub(2))
                        .unwrap_or_default(),
                )?;
                reset(&client)
            }
            Fault::Delay => {
                thread::sleep(Duration::from_millis(30));
                client.write_all(&self.ask(&request)?)
            }
            Fault::AnswerInPlace(status) => answer(&mut client, status),
            Fault::AnswerOver(status) => {
                self.ask(&request)?;
                answer(&mut client, status)
            }
        }
    }

    fn fault(&self, request: &Request) -> Fault {
        let key = request.header("idempotency-key").unwrap_or_default();
        let nth = {
            let mut seen = lock(&self.seen);
            let nth = seen.entry(key.to_vec()).or_default();
            *nth += 1;
            *nth
        };
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let draw = hasher.hash_one((self.seed, key, nth));
        let status = [502, 503, 504][(draw >> 32) as usize % 3];
        match draw % 20 {
            0 | 1 => Fault::DropRequest,
            2 | 3 => Fault::DropResponse,
            4 => Fault::ResetBefore,
            5 => Fault::ResetAfter,
            6 => Fault::ResetWithin,
            7 | 8 => Fault::Delay,
            9 => Fault::AnswerInPlace(status),
            10 => Fault::AnswerOver(status),
            _ => Fault::None,
        }
    }

    /// Passes a request on, and reads the whole answer.
    fn ask(&self, request: &Request) -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(("127.0.0.1", self.server))?;
        server.set_nodelay(true)?;
        server.write_all(&request.for_server(self.hides_keys))?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

struct Request {
    /// With the empty line.
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    fn read(client: &mut TcpStream) -> io::Result<Self> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            client.read_exact(&mut byte)?;
            head.extend(byte);
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

    fn header(&self, name: &str) -> Option<&[u8]> {
        self.lines().find_map(|line| value_of(line, name))
    }

    fn for_server(&self, hides_keys: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in self.lines() {
            if hides_keys && value_of(line, "idempotency-key").is_some() {
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

/// Says nothing until the client has gone.
fn wait_for_the_end(client: &mut TcpStream) -> io::Result<()> {
    while client.read(&mut [0; 64])? > 0 {}
    client.shutdown(Shutdown::Both)
}

fn reset(client: &TcpStream) -> io::Result<()> {
    // Closing does not wait for what was not sent yet, and sends a reset.
    SockRef::from(client).set_linger(Some(Duration::ZERO))
}

fn answer(client: &mut TcpStream, status: u16) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 {status} Faulty\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    client.write_all(head.as_bytes())
}
