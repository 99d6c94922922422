//! A connection whose calls fail by seeded dice.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use redis::{
    Arg, Cmd, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio::time::sleep;

#[derive(Clone)]
pub(crate) struct Shaky {
    connection: MultiplexedConnection,
    lease: Duration,
    dice: Arc<Mutex<StdRng>>,
    struck: Arc<AtomicU64>,
    under_way: Arc<AtomicU64>,
}

/// What happens to a call.
#[derive(Clone, Copy)]
enum Fault {
    LostBefore,
    LostAfter(io::ErrorKind),
    /// Its client hears nothing, and it lands when it likes.
    Late(Duration),
}

impl Shaky {
    pub(crate) async fn connect(url: &str, seed: u64, lease: Duration) -> Self {
        let client = redis::Client::open(url).unwrap();
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let connecting = client.get_multiplexed_async_connection_with_config(&patient);
        Self {
            connection: connecting.await.unwrap(),
            lease,
            dice: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))),
            struck: Arc::default(),
            under_way: Arc::default(),
        }
    }

    /// Waits until all that is late has landed, and tells how many calls failed.
    pub(crate) async fn settled(&self) -> u64 {
        while self.under_way.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_millis(5)).await;
        }
        self.struck.load(Ordering::SeqCst)
    }

    fn draw(&self) -> Option<Fault> {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = match dice.random_range(0..100) {
            0..6 => Fault::LostAfter(io::ErrorKind::BrokenPipe),
            6..9 => Fault::LostAfter(io::ErrorKind::TimedOut),
            9..13 => Fault::LostBefore,
            13..16 => Fault::Late(self.lease / 10),
            16..19 => Fault::Late(self.lease * 3 / 2),
            _ => return None,
        };
        self.struck.fetch_add(1, Ordering::SeqCst);
        Some(fault)
    }

    async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self.draw() {
            None => self.connection.req_packed_command(command).await,
            Some(Fault::LostBefore) => Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
            Some(Fault::LostAfter(error)) => {
                self.connection.req_packed_command(command).await?;
                Err(io::Error::from(error).into())
            }
            Some(Fault::Late(by)) => {
                let (mut late, command) = (self.clone(), command.clone());
                late.under_way.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    sleep(by).await;
                    late.connection.req_packed_command(&command).await.ok();
                    late.under_way.fetch_sub(1, Ordering::SeqCst);
                });
                Err(io::Error::from(io::ErrorKind::TimedOut).into())
            }
        }
    }
}

impl ConnectionLike for Shaky {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        let is_check = matches!(command.args_iter().next(), Some(Arg::Simple(b"INFO")));
        let is_look = command.args_iter().count() == 4;
        match is_check || is_look {
            true => self.connection.req_packed_command(command),
            false => Box::pin(self.send(command)),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.connection.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}
