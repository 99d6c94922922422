//! A server that is killed again and again while four clients retry each key until they have its answer.
//!
//! The server is this test binary once more, as a process of its own. `IDEM_KILLS` sets how often it is killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode};
use idem_core::Policy;
use rand::RngExt;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Short, so that a key is free soon after a crash.
const LEASE: Duration = Duration::from_millis(500);
const CLIENTS: usize = 4;

/// Says to the server whether its record is in the handler's transaction.
pub(crate) const OUTSIDE: &str = "IDEM_RECORD_OUTSIDE";
/// Tells a server where the database is. Only the process that starts it sets this.
pub(crate) const DATABASE: &str = "IDEM_DATABASE";

pub(crate) fn policy() -> Policy {
    Policy::reference().lease(LEASE)
}

pub(crate) fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |number| number.parse().unwrap())
}

/// Serves until this process is killed, or the one that started it has ended.
pub(crate) async fn serve(app: Router) {
    std::thread::spawn(|| {
        drop(std::io::stdin().read(&mut [0]));
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Without a line of its own, it would stand behind the harness' words.
    println!("\nport {}", listener.local_addr().unwrap().port());
    axum::serve(listener, app).await.unwrap();
}

/// What a handler does between its steps, so that it is killed in each of them.
pub(crate) async fn dawdle() {
    let pause = rand::rng().random_range(0..4);
    sleep(Duration::from_millis(pause)).await;
}

/// A server, and the clients that ask it.
pub(crate) struct Trial {
    entry: &'static str,
    variables: Vec<(&'static str, String)>,
    port: Arc<AtomicU16>,
    answered: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    clients: JoinSet<BTreeMap<String, i64>>,
    process: Option<Child>,
}

impl Trial {
    /// Starts it. `entry` is the test that serves.
    pub(crate) fn start(entry: &'static str, variables: Vec<(&'static str, String)>) -> Self {
        let mut trial = Self {
            entry,
            variables,
            port: Arc::default(),
            answered: Arc::default(),
            over: Arc::default(),
            clients: JoinSet::new(),
            process: None,
        };
        trial.start_server();
        for client in 0..CLIENTS {
            let port = Arc::clone(&trial.port);
            let (answered, over) = (Arc::clone(&trial.answered), Arc::clone(&trial.over));
            trial.clients.spawn(ask_on(client, port, answered, over));
        }
        trial
    }

    fn start_server(&mut self) {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", self.entry, "--ignored", "--nocapture"])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| line.ok()?.strip_prefix("port ")?.parse().ok());
        self.port.store(port.expect("it serves"), Ordering::SeqCst);
        // The harness says after a minute that the test still runs, and would panic if nobody read that.
        std::thread::spawn(move || lines.for_each(drop));
        self.process = Some(process);
    }

    /// Kills the server at a random instant and starts another one, that many times.
    pub(crate) async fn kill_servers(&mut self, times: usize) {
        for number in 0..times {
            // Most of them at work, and some while they start.
            if number % 4 != 0 {
                self.answered_something().await;
            }
            let pause = rand::rng().random_range(20..150);
            sleep(Duration::from_millis(pause)).await;
            self.kill();
            self.start_server();
        }
    }

    /// Waits until some client has an answer of this server, for a while.
    async fn answered_something(&self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        let before = self.answered.load(Ordering::SeqCst);
        let waited = async {
            while self.answered.load(Ordering::SeqCst) == before {
                sleep(Duration::from_millis(2)).await;
            }
        };
        // A server that answers nothing is killed as well: it may be the one that has to be seen.
        let _ = timeout(PATIENCE, waited).await;
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Lets each client have its last answer, and gives what each key was answered.
    pub(crate) async fn end(mut self) -> BTreeMap<String, i64> {
        self.over.store(true, Ordering::SeqCst);
        let mut answers = BTreeMap::new();
        while let Some(client) = self.clients.join_next().await {
            answers.extend(client.unwrap());
        }
        self.kill();
        answers
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn ask_on(
    client: usize,
    port: Arc<AtomicU16>,
    answered: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
) -> BTreeMap<String, i64> {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let mut answers = BTreeMap::new();
    for number in 0.. {
        let key = format!("key-{client}-{number}");
        loop {
            let url = format!("http://127.0.0.1:{}/orders", port.load(Ordering::SeqCst));
            let sent = http.post(url).header("idempotency-key", &key);
            if let Ok(response) = sent.json(&json!({ "item": key })).send().await
                && response.status().as_u16() == StatusCode::CREATED.as_u16()
                && let Ok(body) = response.json::<Value>().await
            {
                answers.insert(key, body["id"].as_i64().unwrap());
                answered.fetch_add(1, Ordering::SeqCst);
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        if over.load(Ordering::SeqCst) {
            break;
        }
    }
    answers
}

/// The result: effects beyond one a key, and answers without an effect.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) extra: usize,
    pub(crate) lost: usize,
}

/// Counts the effects beyond one an item.
pub(crate) fn extra(effects: &[(String, i64)]) -> usize {
    let items: BTreeSet<_> = effects.iter().map(|(item, _)| item).collect();
    effects.len() - items.len()
}

/// Compares the answers with the effects, as pairs of an item and its number.
pub(crate) fn judge(answers: &BTreeMap<String, i64>, effects: &[(String, i64)]) -> Sum {
    let extra = extra(effects);
    let effects: BTreeSet<_> = effects.iter().map(|(item, id)| (item, id)).collect();
    let lost = answers.iter().filter(|answer| !effects.contains(answer));
    let lost = lost.count();
    println!(
        "{} keys answered, {extra} extra effects, {lost} lost",
        answers.len()
    );
    assert!(
        !answers.is_empty(),
        "a server that answers nothing shows nothing"
    );
    Sum { extra, lost }
}
