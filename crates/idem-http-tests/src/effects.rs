//! What handlers share with the test.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use idem_core::{CurrentExecution, TravellingLease};
use tokio::sync::Semaphore;

use crate::until;

/// What the handlers of one server did, and what they wait for.
#[derive(Clone, Debug)]
pub struct Effects {
    runs: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    queue: Arc<Mutex<Vec<String>>>,
}

impl Default for Effects {
    fn default() -> Self {
        Self {
            runs: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            queue: Arc::default(),
        }
    }
}

impl Effects {
    /// Counts a run of a handler, and gives its number, from 1 on.
    #[allow(
        clippy::must_use_candidate,
        reason = "to count is all that most handlers need"
    )]
    pub fn run(&self) -> usize {
        self.runs.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// How many times any handler ran.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// Waits until handlers have run this often.
    ///
    /// # Panics
    /// If they do not.
    pub async fn wait_for_runs(&self, runs: usize) {
        let what = format!("handlers had run {runs} times");
        until(&what, || self.runs() >= runs).await;
    }

    /// Lets this many handlers through that stand, or will stand, at the gate.
    pub fn open_gate(&self, handlers: usize) {
        self.gate.add_permits(handlers);
    }

    /// Waits until the test lets this handler through.
    pub async fn pass_gate(&self) {
        self.gate.acquire().await.unwrap().forget();
    }

    /// Takes the lease that a handler sent last.
    ///
    /// # Panics
    /// If none was sent.
    #[must_use]
    pub fn receive(&self) -> TravellingLease {
        let text = self.queue.lock().unwrap().pop();
        text.expect("a handler sent its lease").parse().unwrap()
    }

    /// Sends a handler's lease to the test.
    pub(crate) async fn send(&self, current: &CurrentExecution) {
        let send = async |lease: TravellingLease| {
            self.queue.lock().unwrap().push(lease.to_text());
            Ok::<_, std::io::Error>(())
        };
        current.travel(Duration::ZERO, send).await.unwrap();
    }
}

/// Has a task send a handler's lease, which fails after the handler has answered.
pub(crate) fn send_in_vain(current: CurrentExecution) {
    tokio::spawn(async move {
        let send = async |_| {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err::<(), _>(std::io::Error::other("the queue is gone"))
        };
        current.travel(Duration::ZERO, send).await
    });
}
