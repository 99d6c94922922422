//! Clients hang up at any moment and retry: each order is carried out once, and every answer is its
//! own.

use std::collections::HashMap;

use crate::{
    errands::{Answers, Errands},
    seed::{Drawer, Seed},
};

mod client;
mod ledger;
mod market;
mod tally;

use client::Street;
use ledger::Runs;
use market::{Failures, Server, Stopped};
use tally::Tally;

const KEYS: usize = 1000;
const ERRANDS: Errands = Errands {
    keys: KEYS,
    most_clients_of_a_key: 3,
    at_once: 200,
};

// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_hang_up_get_one_effect_and_one_answer_for_each_key() {
    let chaos = Chaos::run("hang-ups", Failures::Never).await;
    let once = Runs {
        begun: 1,
        effects: 1,
        succeeded: 1,
        ..Runs::default()
    };
    for (key, runs) in &chaos.runs {
        assert_eq!(*runs, once, "{key} did not take effect once");
    }
    assert_eq!(
        chaos.tally.closed(),
        0,
        "the server left clients without an answer"
    );
    chaos.check_answers().await;
}

// S43
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_fail_are_retried_until_one_run_of_each_key_succeeds() {
    let chaos = Chaos::run("hang-ups and failures", Failures::OneInThree).await;
    for (key, runs) in &chaos.runs {
        assert_eq!(runs.succeeded, 1, "{key} did not succeed once: {runs:?}");
        assert_eq!(runs.cancelled, 0, "a run of {key} was cancelled: {runs:?}");
        assert_eq!(runs.in_progress(), 0, "a run of {key} has no end: {runs:?}");
    }
    chaos.check_answers().await;
}

/// What is left when all clients hold an answer and the server has shut down.
struct Chaos {
    answers: Answers,
    runs: HashMap<String, Runs>,
    server: Stopped,
    tally: Tally,
}

impl Chaos {
    async fn run(name: &str, failures: Failures) -> Self {
        let seed = Seed::choose(name);
        let server = Server::start(seed, failures).await;
        let street = Street {
            server: server.address,
            ledger: server.ledger.clone(),
            tally: Tally::default(),
        };
        let clients = street.clone();
        let client = move |key: String, errand| {
            let (street, draw) = (clients.clone(), seed.stream(Drawer::Client, errand));
            async move { street.insist(&key, draw).await }
        };
        let answers = ERRANDS.run(seed, client).await;
        let failed = server.failed.clone();
        let server = server.stop().await;
        println!("{name}: {}; failed: {failed:?}", street.tally);
        let runs = answers.keys();
        Self {
            runs: runs
                .map(|key| (key.clone(), street.ledger.runs(key)))
                .collect(),
            answers,
            server,
            tally: street.tally,
        }
    }

    /// Whoever asked for a key holds the same answer, which is its own and the recorded one.
    async fn check_answers(&self) {
        assert_eq!(self.answers.len(), KEYS);
        for (key, answers) in &self.answers {
            let first = answers[0].clone().comparable();
            assert_eq!(first.says("key"), key.as_str(), "an answer of another key");
            assert_eq!(first.says("order"), key.as_str(), "another key's payload");
            for other in answers {
                assert_eq!(other.clone().comparable(), first, "{key} has two answers");
            }
            let recorded = self.server.recorded_body(key).await;
            assert_eq!(recorded, first.body, "{key} has another record");
        }
    }
}
