//! What stands between an HTTP client and a server, and loses, delays and invents by a seed.

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use socket2::SockRef;

use crate::{http_request::HttpRequest, lock, relay::listen};

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
        let state = Arc::new(State {
            server,
            seed,
            hides_keys,
            seen: Mutex::default(),
            counts: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let port = listen(move |client| shared.relay(client))?;
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

impl State {
    /// One request a connection, so that none is sent on one that is about to be closed.
    fn relay(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let request = HttpRequest::read(&client)?;
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

    fn fault(&self, request: &HttpRequest) -> Fault {
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
    fn ask(&self, request: &HttpRequest) -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(("127.0.0.1", self.server))?;
        server.set_nodelay(true)?;
        let hidden = self.hides_keys.then_some("idempotency-key");
        server.write_all(&request.for_server(hidden))?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Says nothing until the client has gone.
pub(crate) fn wait_for_the_end(client: &mut TcpStream) -> io::Result<()> {
    while client.read(&mut [0; 64])? > 0 {}
    client.shutdown(Shutdown::Both)
}

pub(crate) fn reset(client: &TcpStream) -> io::Result<()> {
    // Closing does not wait for what was not sent yet, and sends a reset.
    SockRef::from(client).set_linger(Some(Duration::ZERO))
}

fn answer(client: &mut TcpStream, status: u16) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 {status} Faulty\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    client.write_all(head.as_bytes())
}
