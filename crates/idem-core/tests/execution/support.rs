//! An engine on a store that fails on demand, with all that happens written down.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use idem_core::{
    Headers, Idempotency, MemoryStore, Policy, RecordKey, Response, Verdict,
    adapter::{Admission, Begin, Execution, HandOver, Protected, RequestHead},
    event::{Event, Observer},
};
use idem_store_tests::FaultyStore;

pub(crate) const LEASE: Duration = Duration::from_secs(30);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const INSTANT: Duration = Duration::from_millis(1);

pub(crate) struct Engine {
    pub(crate) idempotency: Idempotency,
    pub(crate) store: FaultyStore<MemoryStore>,
    pub(crate) log: Log,
}

impl Engine {
    pub(crate) fn new() -> Self {
        Self::with(Policy::reference())
    }

    pub(crate) fn with(policy: Policy) -> Self {
        let store = FaultyStore::new(MemoryStore::new());
        let log = Log::default();
        let policy = policy.lease(LEASE).observer(log.clone());
        Self {
            idempotency: Idempotency::new(store.clone(), policy),
            store,
            log,
        }
    }

    /// Another server process on the same store.
    pub(crate) fn another(&self) -> Self {
        let log = Log::default();
        let policy = Policy::reference().lease(LEASE).observer(log.clone());
        Self {
            idempotency: Idempotency::new(self.store.clone(), policy),
            store: self.store.clone(),
            log,
        }
    }

    /// Begins a request with the one key of these tests.
    pub(crate) async fn begin(&self, payload: &str) -> Begin {
        self.idempotency
            .begin(admit(&self.idempotency), payload.as_bytes())
            .await
    }

    pub(crate) async fn execution(&self) -> Execution {
        executing(self.begin("{}").await)
    }

    /// Executes the request, which keeps `done`.
    pub(crate) async fn succeed(&self) {
        let execution = self.execution().await;
        execution.run(async { (keep("done"), ()) }).await.unwrap();
    }

    /// What a duplicate gets now, in a word.
    pub(crate) async fn duplicate(&self) -> String {
        match self.begin("{}").await {
            Begin::Execute(execution) => {
                // It only asked; nobody shall find a trace of it.
                execution.run(async { (Verdict::Free, ()) }).await.unwrap();
                "execute".to_owned()
            }
            Begin::Unprotected => "unprotected".to_owned(),
            Begin::Replay(response) => String::from_utf8(response.body().to_vec()).unwrap(),
            Begin::Refused(refusal) => refusal.code().to_owned(),
        }
    }
}

/// Begins a request on any engine.
pub(crate) async fn begin(idempotency: &Idempotency) -> Begin {
    idempotency.begin(admit(idempotency), b"{}").await
}

/// The execution of a request that has its key to itself.
#[track_caller]
pub(crate) fn executing(begin: Begin) -> Execution {
    match begin {
        Begin::Execute(execution) => execution,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn admit(idempotency: &Idempotency) -> Protected {
    let lines = [
        ("idempotency-key", "k"),
        ("content-type", "application/json"),
    ];
    admit_head(idempotency, &Head(&lines))
}

pub(crate) fn admit_head(idempotency: &Idempotency, head: &Head<'_>) -> Protected {
    match idempotency.admit(head, None, || None) {
        Admission::Protected(protected) => protected,
        other => panic!("{other:?}"),
    }
}

/// A request as an adapter serves it, and what its work gave if it was executed.
pub(crate) fn serving<T: Send + 'static>(
    idempotency: &Idempotency,
    work: impl Future<Output = (Verdict, T)> + Send + 'static,
) -> HandOver<impl Future<Output = Option<T>> + Send + Unpin + 'static> {
    let request = admit(idempotency);
    let watch = request.watch();
    let idempotency = idempotency.clone();
    let served = async move {
        match idempotency.begin(request, b"{}").await {
            Begin::Execute(execution) => Some(execution.run(work).await.unwrap()),
            _ => None,
        }
    };
    HandOver::new(Box::pin(served), watch)
}

/// Executes a request in a task, and tells what its work gave.
pub(crate) fn spawn(
    engine: &Engine,
    work: impl Future<Output = (Verdict, &'static str)> + Send + 'static,
) -> tokio::task::JoinHandle<&'static str> {
    let serving = serving(&engine.idempotency, work);
    tokio::spawn(async move { serving.await.expect("it is executed") })
}

pub(crate) fn keep(body: &'static str) -> Verdict {
    let body = Bytes::from_static(body.as_bytes());
    Verdict::Keep(Response::new(201, Headers::default(), body).into())
}

/// Work that takes a while and succeeds.
pub(crate) async fn slow(time: Duration, body: &'static str) -> (Verdict, &'static str) {
    tokio::time::sleep(time).await;
    (keep(body), body)
}

/// A `POST /orders` with these lines.
pub(crate) struct Head<'a>(pub(crate) &'a [(&'a str, &'a str)]);

impl RequestHead for Head<'_> {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/orders"
    }

    fn route(&self) -> Option<std::borrow::Cow<'_, str>> {
        Some("/orders".into())
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.0.iter().filter(move |(line, _)| *line == name);
        lines.map(|(_, value)| value.as_bytes())
    }
}

/// Writes events down, but for the calls to the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines()
            .iter()
            .filter(|candidate| *candidate == line)
            .count()
    }
}

impl Observer for Log {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        let line = match event {
            Event::StoreCalled { .. } => return,
            Event::Decided(answered) => answered.as_str().to_owned(),
            Event::Renewed(Ok(fenced)) => format!("renewal {fenced:?}"),
            Event::Renewed(Err(_)) => "renewal failed".to_owned(),
            Event::LeaseLost(operation) => format!("lost at {}", operation.as_str()),
            Event::Ended(end) => end.as_str().to_owned(),
            Event::Unrecorded(error) => format!("unrecorded: {}", error.operation().as_str()),
            Event::HandedOver => "handed over".to_owned(),
            Event::Resumed(Ok(fenced)) => format!("resumed {fenced:?}"),
            Event::Resumed(Err(_)) => "resuming failed".to_owned(),
            Event::RolledBack(None) => "undone".to_owned(),
            Event::RolledBack(Some(cause)) => format!("undone: {cause}"),
            Event::InDoubt(_) => "in doubt".to_owned(),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}
