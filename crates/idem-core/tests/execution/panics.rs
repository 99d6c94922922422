//! Nothing that an application gives the engine to call can end the process, hang a drain, or have an
//! operation done twice by panicking.

use std::{
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use idem_core::{
    Idempotency, IdempotencyStore, KeyFormat, MemoryStore, Policy, RecordKey, Refusal, Verdict,
    adapter::{Admission, Begin, RequestHead},
    event::{Event, Observer},
    store::{
        Capacity, Claim, Fenced, Lease, Operation, Outcome, StoreError, StoreIdentity, Stored,
    },
};
use tokio::time::{advance, sleep, timeout};
use tracing::{
    Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

use crate::{
    log::Lines,
    planted::{Plant, PlantedStore},
    support::{Engine, INSTANT, LEASE, SECOND, begin, executing, keep, serving, spawn},
};

/// How a handler ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handler {
    Succeeds,
    Fails,
    Panics,
}

const HANDLERS: [Handler; 3] = [Handler::Succeeds, Handler::Fails, Handler::Panics];

impl Handler {
    async fn work(self) -> (Verdict, ()) {
        sleep(LEASE / 2).await;
        match self {
            Self::Succeeds => (keep("done"), ()),
            Self::Fails => (Verdict::Free, ()),
            Self::Panics => panic!("a planted panic"),
        }
    }

    /// What a duplicate gets afterwards.
    fn leaves(self) -> &'static str {
        match self {
            Self::Succeeds => "done",
            Self::Fails | Self::Panics => "execute",
        }
    }
}

/// Serves a request as an adapter does. The caller may vanish while the handler runs.
async fn serve(idempotency: &Idempotency, handler: Handler, vanishes: bool) {
    let caller = tokio::spawn(serving(idempotency, handler.work()));
    if vanishes {
        sleep(SECOND).await;
        caller.abort();
    }
    let _ = caller.await;
}

async fn drains(idempotency: &Idempotency) {
    let drained = timeout(10 * LEASE, idempotency.drain()).await;
    assert!(drained.is_ok(), "a drain hangs");
}

#[derive(Debug)]
struct PanickingObserver;

impl Observer for PanickingObserver {
    fn observe(&self, _: &RecordKey, event: &Event<'_>) {
        panic!("a planted panic at {event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_at_every_event_changes_nothing() {
    for handler in HANDLERS {
        for vanishes in [false, true] {
            let engine = Engine::new();
            let policy = Policy::reference().lease(LEASE).observer(PanickingObserver);
            let observed = Idempotency::new(engine.store.clone(), policy);
            serve(&observed, handler, vanishes).await;
            drains(&observed).await;
            assert_eq!(engine.duplicate().await, handler.leaves(), "{handler:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_while_a_panic_unwinds_ends_no_process() {
    let policy = Policy::reference().lease(LEASE).observer(PanickingObserver);
    let observed = Idempotency::new(PlantedStore::default(), policy);
    let mut guarded = serving(&observed, pending::<(Verdict, ())>());
    assert!(timeout(SECOND, &mut guarded).await.is_err());
    // The first is dropped as it runs, and the second before it does.
    let other = Idempotency::new(
        PlantedStore::default(),
        Policy::reference().observer(PanickingObserver),
    );
    let begun = begin(&other).await;
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _dropped = (guarded, begun);
        panic!("a planted panic");
    }));
    assert!(unwound.is_err());
    drains(&other).await;
}

/// Panics in one of its methods, as a subscriber does whose output is closed.
struct PanickingSubscriber(&'static str);

impl PanickingSubscriber {
    fn at(&self, method: &str) {
        assert_ne!(self.0, method, "a planted panic");
    }
}

impl Subscriber for PanickingSubscriber {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        self.at("enabled");
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        self.at("new_span");
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {
        self.at("record");
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.at("event");
    }

    fn enter(&self, _: &Id) {
        self.at("enter");
    }

    fn exit(&self, _: &Id) {
        self.at("exit");
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.at("clone_span");
        id.clone()
    }

    fn try_close(&self, _: Id) -> bool {
        self.at("try_close");
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_changes_nothing() {
    // With another one around this one is asked each time.
    drop(Lines::default().subscribe());
    for method in [
        "event",
        "new_span",
        "enter",
        "exit",
        "record",
        "clone_span",
        "try_close",
    ] {
        for handler in HANDLERS {
            for vanishes in [false, true] {
                let engine = Engine::new();
                {
                    let subscriber = PanickingSubscriber(method);
                    let _guard = tracing::subscriber::set_default(subscriber);
                    serve(&engine.idempotency, handler, vanishes).await;
                    drains(&engine.idempotency).await;
                }
                let after = engine.another().duplicate().await;
                assert_eq!(after, handler.leaves(), "{method}, {handler:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_is_one_that_failed() {
    for operation in [
        Operation::Claim,
        Operation::Renew,
        Operation::Complete,
        Operation::Release,
    ] {
        for plant in [Plant::PanicsBefore, Plant::PanicsAfter] {
            for handler in HANDLERS {
                for vanishes in [false, true] {
                    let store = PlantedStore::default();
                    store.plant(operation, plant);
                    let (idempotency, log) = store.engine(Policy::reference());
                    serve(&idempotency, handler, vanishes).await;
                    drains(&idempotency).await;
                    store.clear();
                    let case = format!("{operation:?}, {plant:?}, {handler:?}: {:?}", log.lines());
                    assert_eq!(log.count("abandoned"), 0, "{case}");
                    let is_recorded = match (operation, plant) {
                        (Operation::Claim, _) => {
                            assert_eq!(log.lines(), ["store_unavailable"]);
                            false
                        }
                        (Operation::Complete, Plant::PanicsBefore) => false,
                        _ => handler == Handler::Succeeds,
                    };
                    // It stays taken for one lease at most.
                    advance(LEASE).await;
                    let (there, _) = store.engine(Policy::reference());
                    match begin(&there).await {
                        Begin::Execute(_) => assert!(!is_recorded, "{case}"),
                        Begin::Replay(_) => assert!(is_recorded, "{case}"),
                        other => panic!("{case}: {other:?}"),
                    }
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_once_is_asked_again() {
    for operation in [Operation::Claim, Operation::Complete, Operation::Release] {
        for plant in [Plant::PanicsBefore, Plant::PanicsAfter] {
            let store = PlantedStore::default();
            store.plant_once(operation, plant);
            let (idempotency, log) = store.engine(Policy::reference());
            let handler = match operation {
                Operation::Release => Handler::Fails,
                _ => Handler::Succeeds,
            };
            serve(&idempotency, handler, false).await;
            let ended = if handler == Handler::Fails {
                "freed"
            } else {
                "recorded"
            };
            assert_eq!(log.lines().last().unwrap(), ended);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_when_its_capacity_is_asked_for_takes_what_the_policy_allows() {
    for handler in HANDLERS {
        for vanishes in [false, true] {
            let mut store = PlantedStore::default();
            store.around.has_no_capacity = true;
            let (idempotency, _) = store.engine(Policy::reference());
            serve(&idempotency, handler, vanishes).await;
            drains(&idempotency).await;
            let there = Idempotency::new(store.inner.clone(), Policy::reference());
            let after = begin(&there).await;
            let is_recorded = matches!(after, Begin::Replay(_));
            assert_eq!(is_recorded, handler == Handler::Succeeds, "{after:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_panics_is_an_error() {
    let store = PlantedStore::default();
    store.plant(Operation::LookUp, Plant::PanicsBefore);
    let (idempotency, _) = store.engine(Policy::reference());
    let key = idem_core::IdempotencyKey::new("k").unwrap();
    let name = idempotency.record_key(None, &key);
    let error = idempotency.look_up(&name).await.unwrap_err();
    assert!(!error.may_have_landed());
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the store panicked");
}

/// Asks for the response to be recorded, as an adapter does.
async fn answer(idempotency: &Idempotency, status: u16) {
    let execution = executing(begin(idempotency).await);
    let recording = execution.response_rules();
    let work = async {
        let lines = std::iter::empty::<(&str, &[u8])>;
        let verdict = match recording.saves(status, lines) {
            true => keep("done"),
            false => Verdict::Free,
        };
        (verdict, ())
    };
    execution.run(work).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_save_rule_that_panics_does_not_free_the_key_of_what_was_done() {
    for (status, after) in [(201, "done"), (500, "execute")] {
        let engine = Engine::with(Policy::reference().save_when(|_, _| panic!("a planted panic")));
        answer(&engine.idempotency, status).await;
        assert_eq!(engine.duplicate().await, after);
        drains(&engine.idempotency).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_rule_that_panics_is_passed_over() {
    let engine = Engine::with(Policy::reference().retry_after(|_| panic!("a planted panic")));
    std::mem::forget(engine.execution().await);
    advance(5 * SECOND).await;
    match begin(&engine.idempotency).await {
        Begin::Refused(Refusal::InProgress { retry_after }) => assert_eq!(retry_after, 5 * SECOND),
        other => panic!("{other:?}"),
    }
}

/// A head whose parts panic when they are asked for.
struct PanickingHead(&'static str);

impl RequestHead for PanickingHead {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        assert_ne!(self.0, "target", "a planted panic");
        "/orders"
    }

    fn route(&self) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        (name == "idempotency-key")
            .then_some(b"k".as_slice())
            .into_iter()
    }
}

#[tokio::test(start_paused = true)]
async fn what_panics_before_the_claim_leaves_nothing() {
    let format = KeyFormat::default().must("not be one", |_| panic!("a planted panic"));
    let picky = Engine::with(Policy::reference().key_format(format));
    let plain = Engine::new();
    let panics = |engine: &Engine, head: &PanickingHead, scope: &dyn Fn()| {
        let admitted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            engine.idempotency.admit(head, None, || {
                scope();
                None
            })
        }));
        assert!(!matches!(admitted, Ok(Admission::Protected(_))));
    };
    panics(&picky, &PanickingHead(""), &|| ());
    panics(&plain, &PanickingHead("target"), &|| ());
    panics(&plain, &PanickingHead(""), &|| panic!("a planted panic"));
    for engine in [picky, plain] {
        timeout(INSTANT, engine.idempotency.drain())
            .await
            .expect("nothing runs");
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_panics_when_it_is_dropped_hangs_no_drain() {
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("a planted panic");
            }
        }
    }
    let engine = Engine::new();
    let caller = spawn(&engine, async {
        let _guard = PanicsWhenDropped;
        sleep(SECOND).await;
        (keep("done"), "done")
    });
    assert!(caller.await.unwrap_err().is_panic());
    assert_eq!(engine.duplicate().await, "execute");
    drains(&engine.idempotency).await;
}

#[test]
fn a_runtime_that_ends_with_an_execution_in_it_reports_it_to_whoever_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let policy = Policy::reference().observer(PanickingObserver);
    let observed = Idempotency::new(PlantedStore::default(), policy);
    runtime.block_on(async {
        let observed = observed.clone();
        tokio::spawn(async move { serve(&observed, Handler::Succeeds, false).await });
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(observed.under_way(), 1);
    drop(runtime);
    assert_eq!(observed.under_way(), 0);
}

/// A store whose methods are written without `async_trait`, and panic before there is a future.
#[derive(Debug)]
struct Hasty {
    inner: MemoryStore,
    panics_at: Operation,
}

type Called<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

impl Hasty {
    fn at(&self, operation: Operation) {
        assert_ne!(self.panics_at, operation, "a planted panic");
    }
}

impl IdempotencyStore for Hasty {
    fn claim<'a, 'b, 'c, 'f>(&'a self, key: &'b RecordKey, lease: &'c Lease) -> Called<'f, Claim>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
    {
        self.at(Operation::Claim);
        self.inner.claim(key, lease)
    }

    fn renew<'a, 'b, 'c, 'f>(&'a self, key: &'b RecordKey, lease: &'c Lease) -> Called<'f, Fenced>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
    {
        self.at(Operation::Renew);
        self.inner.renew(key, lease)
    }

    fn complete<'a, 'b, 'c, 'd, 'f>(
        &'a self,
        key: &'b RecordKey,
        lease: &'c Lease,
        outcome: &'d Outcome,
        retention: Duration,
    ) -> Called<'f, Fenced>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
        'd: 'f,
    {
        self.at(Operation::Complete);
        self.inner.complete(key, lease, outcome, retention)
    }

    fn release<'a, 'b, 'c, 'f>(&'a self, key: &'b RecordKey, lease: &'c Lease) -> Called<'f, Fenced>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
    {
        self.at(Operation::Release);
        self.inner.release(key, lease)
    }

    fn look_up<'a, 'b, 'f>(&'a self, key: &'b RecordKey) -> Called<'f, Option<Stored>>
    where
        'a: 'f,
        'b: 'f,
    {
        self.at(Operation::LookUp);
        self.inner.look_up(key)
    }

    fn capacity(&self) -> Capacity {
        self.inner.capacity()
    }

    fn identity(&self) -> StoreIdentity {
        self.inner.identity()
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_before_it_gives_a_future_is_one_that_failed() {
    for panics_at in [
        Operation::Claim,
        Operation::Renew,
        Operation::Complete,
        Operation::Release,
    ] {
        let inner = MemoryStore::new();
        let store = Hasty { inner, panics_at };
        let idempotency = Idempotency::new(store, Policy::reference().lease(LEASE));
        let served = tokio::spawn(async move {
            match begin(&idempotency).await {
                Begin::Execute(execution) => {
                    let handler = match panics_at {
                        Operation::Release => Handler::Fails,
                        _ => Handler::Succeeds,
                    };
                    execution.run(handler.work()).await.unwrap();
                    "ran"
                }
                Begin::Refused(refusal) => refusal.code(),
                other => panic!("{other:?}"),
            }
        });
        let expected = match panics_at {
            Operation::Claim => "idempotency-store-unavailable",
            _ => "ran",
        };
        assert_eq!(served.await.ok(), Some(expected), "{panics_at:?}");
    }
}
