//! The store that outlives its servers: a store in the memory of the test, behind a socket.

use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::FutureExt;
use idem_core::{IdempotencyKey, IdempotencyStore, MemoryStore, RecordKey};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::Instant,
};

use super::{
    judge::{Judge, Span},
    protocol::{Call, Reply, receive, send},
};

/// The name of a key's record, with neither namespace nor scope.
pub(super) fn record_key(key: &str) -> RecordKey {
    RecordKey::derive("", None, &IdempotencyKey::new(key).unwrap())
}

#[derive(Clone, Debug)]
pub(super) struct StoreServer {
    store: MemoryStore,
    judge: Arc<Mutex<Judge>>,
    /// How many claims, effects and completions there were, without what was refused.
    progress: watch::Sender<u64>,
    /// Where clients find the server that lives.
    serving: watch::Sender<Option<u16>>,
}

impl StoreServer {
    pub(super) fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            judge: Arc::default(),
            progress: watch::Sender::new(0),
            serving: watch::Sender::new(None),
        }
    }

    /// Serves one process, to its end: when this returns, all that it ever sent is done.
    pub(super) async fn serve(self, listener: Arc<TcpListener>, process: usize) {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.set_nodelay(true).unwrap();
        while self.exchange(&mut connection, process).await.is_ok() {}
    }

    async fn exchange(&self, connection: &mut TcpStream, process: usize) -> std::io::Result<()> {
        let call = Call::decode(receive(connection).await?);
        let reply = self.reply(process, call);
        send(connection, &reply.encode()).await
    }

    fn reply(&self, process: usize, call: Call) -> Reply {
        match call {
            Call::Serving(port) => {
                self.serving.send_replace(Some(port));
                Reply::Noted
            }
            Call::Effect(key, run) => {
                self.judge().took_effect(process, record_key(&key), run);
                self.progressed();
                Reply::Noted
            }
            call => self.on_record(process, call),
        }
    }

    /// Asks the store and tells the judge, in one step: the store in memory never waits.
    fn on_record(&self, process: usize, call: Call) -> Reply {
        let mut judge = self.judge();
        match call {
            Call::Claim(key, lease) => {
                let (claim, span) = timed(self.store.claim(&key, &lease));
                judge.claimed(process, key, &lease, &claim, span);
                if claim == idem_core::store::Claim::Owned {
                    self.progressed();
                }
                Reply::Claimed(claim)
            }
            Call::Renew(key, lease) => {
                let (fenced, span) = timed(self.store.renew(&key, &lease));
                judge.renewed(key, &lease, fenced, span);
                Reply::Fenced(fenced)
            }
            Call::Complete(key, lease, outcome, retention) => {
                let completing = self.store.complete(&key, &lease, &outcome, retention);
                let (fenced, _) = timed(completing);
                judge.completed(key, &lease, &outcome, fenced);
                self.progressed();
                Reply::Fenced(fenced)
            }
            Call::Release(key, lease) => {
                let (fenced, _) = timed(self.store.release(&key, &lease));
                judge.released(key, &lease, fenced);
                Reply::Fenced(fenced)
            }
            call => unreachable!("{call:?} is not about a record"),
        }
    }

    /// Waits for this many more steps.
    pub(super) async fn wait_for_progress(&self, steps: u64) {
        let mut progress = self.progress.subscribe();
        let enough = *progress.borrow() + steps;
        progress.wait_for(|done| *done >= enough).await.unwrap();
    }

    fn progressed(&self) {
        self.progress.send_modify(|done| *done += 1);
    }

    /// Waits until a server listens.
    pub(super) async fn serving_port(&self) -> u16 {
        let mut serving = self.serving.subscribe();
        let port = serving.wait_for(Option::is_some).await.unwrap();
        port.unwrap()
    }

    pub(super) fn nobody_serves(&self) {
        self.serving.send_replace(None);
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.judge().violations().to_vec()
    }

    pub(super) fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap()
    }
}

/// What the store answered, and when. All that the test store can say is an answer.
fn timed<T>(call: impl Future<Output = Result<T, idem_core::store::StoreError>>) -> (T, Span) {
    let before = Instant::now();
    let answer = call
        .now_or_never()
        .expect("the store in memory never waits");
    let after = Instant::now();
    (answer.unwrap(), Span { before, after })
}
