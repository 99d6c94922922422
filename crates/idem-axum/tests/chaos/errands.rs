//! Which client is sent for which key.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rand::RngExt;
use tokio::task::JoinSet;

use crate::{
    seed::{Drawer, Seed},
    wire::Answer,
};

/// What all clients of each key got.
pub(crate) type Answers = HashMap<String, Vec<Answer>>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Errands {
    pub(crate) keys: usize,
    /// Each key has one client at least, and its clients come close together, so that they meet.
    pub(crate) most_clients_of_a_key: usize,
    /// How many clients are under way at once.
    pub(crate) at_once: usize,
}

impl Errands {
    /// The key of each errand, one after the other.
    fn draw(self, seed: Seed) -> Vec<String> {
        let mut draw = seed.stream(Drawer::Errands, 0);
        (0..self.keys)
            .flat_map(|key| {
                let clients = draw.random_range(1..=self.most_clients_of_a_key);
                vec![format!("key-{key}"); clients]
            })
            .collect()
    }

    /// Sends a client for each errand, and waits until it has its answer.
    pub(crate) async fn run<F>(
        self,
        seed: Seed,
        client: impl Fn(String, u64) -> F + Clone + Send + 'static,
    ) -> Answers
    where
        F: Future<Output = Answer> + Send,
    {
        let errands = Arc::new(self.draw(seed));
        let next = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..self.at_once {
            let (client, errands, next) = (client.clone(), errands.clone(), next.clone());
            clients.spawn(async move {
                let mut held = Vec::new();
                loop {
                    let errand = next.fetch_add(1, Ordering::Relaxed);
                    let Some(key) = errands.get(errand) else {
                        return held;
                    };
                    held.push((key.clone(), client(key.clone(), errand as u64).await));
                }
            });
        }
        let mut answers = Answers::new();
        while let Some(held) = clients.join_next().await {
            for (key, answer) in held.unwrap() {
                answers.entry(key).or_default().push(answer);
            }
        }
        answers
    }
}
