//! What 1,000 duplicates that wait for one original ask of the store, and how soon they know of its end:
//! `waiting memory|sqlite|redis`.
//!
//! The original runs in the same process first, and then in another one (not for the memory store). Redis is a server
//! that is started for it.

#![forbid(unsafe_code)]

use std::{
    env,
    error::Error,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use idem_core::{
    Idempotency, IdempotencyKey, IdempotencyStore, MemoryStore, Policy, RecordKey,
    event::{End, Event, Observer},
};
use idem_redis::RedisStore;
use idem_sqlx::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use test_servers::Redis;
use tokio::{
    runtime::Runtime,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

const WAITERS: usize = 1_000;
const ROUNDS: u32 = 5;
const ORIGINAL: Duration = Duration::from_secs(5);
const USAGE: &str = "usage: waiting memory|sqlite|redis";

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Runtime::new()?.block_on(serve(&arguments))
}

async fn serve(arguments: &[&str]) -> Outcome {
    match arguments {
        ["memory"] => measure(MemoryStore::new(), None).await,
        ["sqlite"] => {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("records.db");
            let file = file.to_str().ok_or("the folder's name is no text")?;
            measure(sqlite(file).await?, Some(["sqlite", file])).await
        }
        ["redis"] => {
            let server = Redis::start()?;
            let url = server.url();
            measure(redis(&url).await?, Some(["redis", &url])).await
        }
        ["original", "sqlite", file, key] => original(sqlite(file).await?, key).await,
        ["original", "redis", url, key] => original(redis(url).await?, key).await,
        _ => Err(USAGE.into()),
    }
}

async fn sqlite(file: &str) -> Outcome<SqliteStore> {
    let options = SqliteConnectOptions::new().filename(file);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options.create_if_missing(true));
    Ok(SqliteStore::builder(&pool).prepare().await?)
}

async fn redis(url: &str) -> Outcome<RedisStore> {
    Ok(RedisStore::builder(url).connect().await?)
}

/// The original as a process of its own, which says when its record was there.
async fn original(store: impl IdempotencyStore, key: &str) -> Outcome {
    let seen = Seen::default();
    let idempotency = idempotency(store, &seen);
    run(&idempotency, &IdempotencyKey::new(key)?, ORIGINAL).await?;
    println!(
        "{}",
        seen.ended()?
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_nanos()
    );
    Ok(())
}

async fn measure(store: impl IdempotencyStore + Clone, elsewhere: Option<[&str; 2]>) -> Outcome {
    println!(
        "| the original | store calls in each second | woken after (ms): median | p99 | longest |"
    );
    println!("|---|---|---|---|---|");
    let mut here = Measured::default();
    let mut there = Measured::default();
    for round in 0..ROUNDS {
        here.round(&store, &format!("here-{round}"), None).await?;
        if let Some(elsewhere) = elsewhere {
            let key = format!("there-{round}");
            there.round(&store, &key, Some(elsewhere)).await?;
        }
    }
    here.print("in the same process");
    if elsewhere.is_some() {
        there.print("in another process");
    }
    Ok(())
}

#[derive(Default)]
struct Measured {
    calls: Vec<Vec<usize>>,
    woken: Vec<Duration>,
}

impl Measured {
    async fn round(
        &mut self,
        store: &(impl IdempotencyStore + Clone),
        key: &str,
        elsewhere: Option<[&str; 2]>,
    ) -> Outcome {
        let seen = Seen::default();
        let idempotency = idempotency(store.clone(), &seen);
        let name = IdempotencyKey::new(key)?;
        let started = Instant::now();
        let mut running = JoinSet::new();
        let mut process = None;
        match elsewhere {
            Some([store, place]) => {
                let this = env::current_exe()?;
                let mut command = Command::new(this);
                let command = command.args(["original", store, place, key]);
                process = Some(command.stdout(Stdio::piped()).spawn()?);
                let record_key = idempotency.record_key(None, &name);
                while idempotency
                    .look_up(&record_key)
                    .await?
                    .remaining()
                    .is_none()
                {
                    sleep(Duration::from_millis(5)).await;
                }
            }
            None => {
                let (idempotency, name) = (idempotency.clone(), name.clone());
                running.spawn(async move {
                    run(&idempotency, &name, ORIGINAL).await?;
                    Ok::<_, Box<dyn Error + Send + Sync>>(None)
                });
                sleep(Duration::from_millis(100)).await;
            }
        }
        seen.calls.store(0, Ordering::SeqCst);
        for _ in 0..WAITERS {
            let (idempotency, name) = (idempotency.clone(), name.clone());
            running.spawn(async move {
                run(&idempotency, &name, Duration::ZERO).await?;
                Ok(Some(SystemTime::now()))
            });
        }
        let mut calls = Vec::new();
        for second in 1..=4 {
            sleep_until(started + Duration::from_secs(second)).await;
            calls.push(seen.calls.swap(0, Ordering::SeqCst));
        }
        let mut answered = Vec::new();
        while let Some(joined) = running.join_next().await {
            answered.extend(joined??);
        }
        calls.push(seen.calls.swap(0, Ordering::SeqCst));
        let ended = match process {
            None => seen.ended()?,
            Some(process) => {
                let said = String::from_utf8(process.wait_with_output()?.stdout)?;
                SystemTime::UNIX_EPOCH + Duration::from_nanos(said.trim().parse()?)
            }
        };
        self.calls.push(calls);
        let late = |at: SystemTime| at.duration_since(ended).unwrap_or_default();
        self.woken.extend(answered.into_iter().map(late));
        Ok(())
    }

    fn print(mut self, original: &str) {
        self.woken.sort();
        let at =
            |share: usize| self.woken[(self.woken.len() - 1) * share / 100].as_secs_f64() * 1e3;
        let seconds = self.calls.first().map_or(0, Vec::len);
        let most = (0..seconds).map(|second| self.calls.iter().map(|calls| calls[second]).max());
        let most: Vec<String> = most.flatten().map(|calls| calls.to_string()).collect();
        let (calls, median, p99, longest) = (most.join(", "), at(50), at(99), at(100));
        println!("| {original} | {calls} | {median:.1} | {p99:.1} | {longest:.1} |");
    }
}

fn idempotency(store: impl IdempotencyStore, seen: &Seen) -> Idempotency {
    let policy = Policy::reference().wait(3 * ORIGINAL, 2 * WAITERS);
    Idempotency::new(store, policy.observer(seen.clone()))
}

async fn run(idempotency: &Idempotency, key: &IdempotencyKey, time: Duration) -> Outcome {
    let work = move || async move {
        sleep(time).await;
        Ok::<_, std::convert::Infallible>(())
    };
    idempotency.run(key, &(), work).await.map(drop)?;
    Ok(())
}

/// How often the store was called in this process, and when an execution ended.
#[derive(Clone, Debug, Default)]
struct Seen {
    calls: Arc<AtomicUsize>,
    ended: Arc<Mutex<Option<SystemTime>>>,
}

impl Seen {
    fn ended(&self) -> Outcome<SystemTime> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ended.ok_or("the original has not ended")?)
    }
}

impl Observer for Seen {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        match event {
            Event::StoreCalled { .. } => {
                self.calls.fetch_add(1, Ordering::SeqCst);
            }
            Event::Ended(End::Recorded) => {
                let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
                *ended = Some(SystemTime::now());
            }
            _ => {}
        }
    }
}
