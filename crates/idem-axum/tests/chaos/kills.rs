//! The server is killed again and again while clients retry: a record is never wrong, and a key is
//! blocked for one lease at most.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    process::Child,
    sync::Arc,
    time::Duration,
};

use idem_core::store::Outcome;
use rand::RngExt;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

use crate::{
    errands::Errands,
    seed::{Drawer, Seed},
    wire::{self, Answer, Connection},
};

mod judge;
mod protocol;
mod remote_store;
mod server_process;
mod store_server;

use judge::Seen;
use store_server::{StoreServer, record_key};

/// Short, so that a crash does not hold the test up.
const LEASE: Duration = Duration::from_millis(400);
const KILLS: usize = 50;

/// Each key takes three steps at least (a claim, an effect, a record), so the work lasts for all
/// kills whatever the draw.
const KEYS: usize = 500;
const ERRANDS: Errands = Errands {
    keys: KEYS,
    most_clients_of_a_key: 2,
    at_once: 20,
};

const MOST_STEPS: u64 = (KEYS * 3 / KILLS) as u64;

/// What a client does before it asks again.
const PAUSE: Duration = Duration::from_millis(10);

// S31
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_leaves_no_wrong_record_and_no_key_that_stays_blocked() {
    let seed = Seed::choose("kills");
    let store = StoreServer::new();
    let killing = tokio::spawn(kill_servers(store.clone(), seed));
    let clients = store.clone();
    let client = move |key: String, _| {
        let store = clients.clone();
        async move { insist(&store, &key).await }
    };
    let answers = ERRANDS.run(seed, client).await;
    killing.await.unwrap().kill(&store).await;
    assert_eq!(store.violations(), [""; 0]);
    let judge = store.judge();
    assert_eq!(answers.len(), KEYS);
    let mut sums = Sums::default();
    for (key, answers) in &answers {
        let seen = judge.seen(&record_key(key)).unwrap();
        check_key(key, answers, &seen);
        sums.add(answers, &seen);
    }
    sums.print(judge.blocked_claims());
}

/// What all clients of a key got agrees with the record, and with what ran.
fn check_key(key: &str, answers: &[Answer], seen: &Seen) {
    let recorded = match &seen.recorded {
        Some(Outcome::Response(response)) => response,
        other => panic!("{key} has no recorded response: {other:?}"),
    };
    let allowed = 1 + seen.crashed + seen.overdue;
    assert!(
        seen.effects.len() <= allowed,
        "{key} ran again without a reason: {seen:?}"
    );
    for answer in answers {
        assert_eq!(answer.says("key"), key, "an answer of another key");
        assert_eq!(answer.says("order"), key, "another key's payload");
        let run = answer.says("run").as_u64().unwrap();
        assert!(seen.effects.contains(&run), "{key} has an answer of no run");
        let first = answers[0].clone().comparable();
        let is_same = answer.clone().comparable() == first;
        // Who lost the lease on a slow machine still answers its own client.
        if answer.is_replay() || seen.overdue == 0 {
            assert!(is_same || seen.overdue > 0, "{key} has two answers");
            assert_eq!(answer.status, recorded.status());
            assert_eq!(
                answer.body,
                recorded.body()[..],
                "{key} was not recorded so"
            );
            for (name, value) in recorded.headers().iter() {
                let sent = answer.header(name).map(str::as_bytes);
                assert_eq!(sent, Some(value), "{key} lacks a recorded header");
            }
        }
    }
}

/// Kills one server after the other, each after a random number of steps, and lets the last live.
async fn kill_servers(store: StoreServer, seed: Seed) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let listener = Arc::new(listener);
    let mut draw = seed.stream(Drawer::Kills, 0);
    for process in 0..KILLS {
        let server = Server::start(&store, &listener, process, seed);
        let steps = draw.random_range(1..=MOST_STEPS);
        store.wait_for_progress(steps).await;
        server.kill(&store).await;
    }
    Server::start(&store, &listener, KILLS, seed)
}

/// A server process, and the task that answers its calls to the store.
struct Server {
    number: usize,
    process: Child,
    served: JoinHandle<()>,
}

impl Server {
    fn start(store: &StoreServer, listener: &Arc<TcpListener>, number: usize, seed: Seed) -> Self {
        let port = listener.local_addr().unwrap().port();
        Self {
            number,
            process: server_process::start(port, number, seed),
            served: tokio::spawn(store.clone().serve(listener.clone(), number)),
        }
    }

    /// Kills it with SIGKILL. Its crash counts from when all that it had sent is done.
    async fn kill(mut self, store: &StoreServer) {
        store.nobody_serves();
        self.process.kill().unwrap();
        spawn_blocking(move || self.process.wait().unwrap())
            .await
            .unwrap();
        self.served.await.unwrap();
        store.judge().crashed(self.number);
    }
}

/// Sends the order of a key until an answer says that it succeeded.
async fn insist(store: &StoreServer, key: &str) -> Answer {
    let request = wire::order(key);
    loop {
        assert_eq!(store.violations(), [""; 0]);
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, store.serving_port().await));
        match ask(server, &request).await {
            Some(answer) if answer.status == 201 => return answer,
            Some(answer) if [202, 503].contains(&answer.status) => {}
            Some(answer) => panic!("{key} got an answer that nothing explains: {answer:?}"),
            None => {}
        }
        sleep(PAUSE).await;
    }
}

async fn ask(server: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut connection = Connection::open(server).await.ok()?;
    connection.ask(request).await.ok()
}

/// What is printed.
#[derive(Debug, Default)]
struct Sums {
    answers: usize,
    replays: usize,
    claims_granted: usize,
    runs_killed: usize,
    overdue: usize,
    /// How many keys took effect how often.
    effects: BTreeMap<usize, usize>,
}

impl Sums {
    fn add(&mut self, answers: &[Answer], seen: &Seen) {
        self.answers += answers.len();
        self.replays += answers.iter().filter(|answer| answer.is_replay()).count();
        self.claims_granted += seen.grants;
        self.runs_killed += seen.crashed;
        self.overdue += seen.overdue;
        *self.effects.entry(seen.effects.len()).or_default() += 1;
    }

    fn print(&self, blocked_claims: u64) {
        println!("kills: {KILLS}, {self:?}, claims that met a dead lease: {blocked_claims}");
        let again: usize = self.effects.range(2..).map(|(_, keys)| keys).sum();
        println!(
            "kills: {again} keys of {KEYS} took effect more than once, because the process died \
             between the effect and its record, or was too slow to renew its lease ({} times): \
             this is not exactly-once",
            self.overdue
        );
    }
}
