//! Requests that come again with the same bytes, and what they get with tags and without.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use idem_core::{
    FingerprintRules, Idempotency, IdempotencyStore, MemoryStore, Policy, RecordKey, Refusal,
    Response, Scope, Verdict,
    adapter::{Admission, Begin, RequestHead},
    store::{Claim, Identity, Lease, NotKept, Operation, Outcome, Recall, RequestTag, StoreError},
};
use proptest::prelude::*;
use tokio::time::advance;

use crate::{
    support::{LEASE, Log, keep},
    wrapped::{Around, Wrapped},
};

const RETENTION: Duration = Duration::from_secs(60);

/// Counts the claims of a store in memory, and recalls what that does, or nothing.
#[derive(Clone, Debug, Default)]
struct Counting {
    memory: MemoryStore,
    forgets: bool,
    panics: bool,
    claims: Arc<AtomicUsize>,
}

impl Counting {
    fn forgetful() -> Self {
        Self {
            forgets: true,
            ..Self::default()
        }
    }

    fn claims(&self) -> usize {
        self.claims.load(Ordering::Relaxed)
    }
}

impl Around for Counting {
    async fn around<T: Send>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let claims = usize::from(operation == Operation::Claim);
        self.claims.fetch_add(claims, Ordering::Relaxed);
        call.await
    }

    fn recalls(&self) -> Option<&dyn Recall> {
        (!self.forgets).then_some(self)
    }
}

impl Recall for Counting {
    fn recall(&self, key: &RecordKey, tag: &RequestTag) -> Option<Arc<Response>> {
        assert!(!self.panics, "planted");
        self.memory.recalls()?.recall(key, tag)
    }
}

#[derive(Clone, Debug)]
struct Request {
    policy: usize,
    method: &'static str,
    target: &'static str,
    scope: Option<&'static str>,
    lines: Vec<(&'static str, &'static str)>,
    payload: &'static str,
}

impl Request {
    fn order() -> Self {
        Self {
            policy: 0,
            method: "POST",
            target: "/orders?page=1",
            scope: None,
            lines: vec![
                ("content-type", "application/json"),
                ("authorization", "Bearer heidi"),
            ],
            payload: r#"{"a":1,"b":2}"#,
        }
    }
}

impl RequestHead for Request {
    fn method(&self) -> &str {
        self.method
    }

    fn target(&self) -> &str {
        self.target
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let key = (name == "idempotency-key").then_some("k");
        let lines = self.lines.iter().filter(move |(line, _)| *line == name);
        key.into_iter()
            .chain(lines.map(|(_, value)| *value))
            .map(str::as_bytes)
    }
}

/// Layers of one server on one store, each with a policy of its own.
struct Server {
    counting: Counting,
    layers: Vec<Idempotency>,
    log: Log,
}

impl Server {
    fn on(counting: Counting) -> Self {
        let log = Log::default();
        let fields = || ["/a".parse().unwrap()];
        let policy = || {
            let policy = Policy::reference().lease(LEASE).retention(RETENTION);
            policy.observer(log.clone())
        };
        let store = Wrapped {
            inner: counting.memory.clone(),
            around: counting.clone(),
        };
        let first = Idempotency::new(store, policy());
        let rules = [
            FingerprintRules::default().header("x-tenant"),
            FingerprintRules::default().without(fields()),
            FingerprintRules::default().only(fields()),
            FingerprintRules::default().header("authorization"),
        ];
        let mut layers = vec![first.clone()];
        layers.extend(rules.map(|rules| first.with_policy(policy().fingerprint(rules))));
        layers.push(first.with_policy(policy().credential_headers(["cookie"])));
        Self {
            counting,
            layers,
            log,
        }
    }

    async fn begin(&self, request: &Request) -> Begin {
        let layer = &self.layers[request.policy];
        match layer.admit(request, None, || request.scope.map(Scope::from)) {
            Admission::Protected(protected) => {
                layer.begin(protected, request.payload.as_bytes()).await
            }
            other => panic!("{other:?}"),
        }
    }

    /// What a request gets, in words; one that executes ends as it is told.
    async fn answer(&self, request: &Request, end: &End) -> String {
        match self.begin(request).await {
            Begin::Execute(execution) => {
                match end {
                    End::Verdict(verdict) => {
                        let verdict = verdict();
                        execution.run(async { (verdict, ()) }).await.unwrap();
                    }
                    End::Never => drop(execution),
                }
                "executed".to_owned()
            }
            Begin::Replay(response) => format!("replay of {:?}", response.body()),
            Begin::Refused(refusal) => format!("{refusal:?}"),
            Begin::Unprotected => "unprotected".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum End {
    Verdict(fn() -> Verdict),
    Never,
}

const DONE: End = End::Verdict(|| keep("done"));

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_again_with_the_same_bytes_is_answered_without_a_claim() {
    for repeated in [
        Request::order(),
        Request {
            scope: Some("heidi"),
            ..Request::order()
        },
    ] {
        let server = Server::on(Counting::default());
        assert_eq!(server.answer(&repeated, &DONE).await, "executed");
        for _ in 0..3 {
            assert_eq!(
                server.answer(&repeated, &DONE).await,
                r#"replay of b"done""#
            );
        }
        assert_eq!(server.counting.claims(), 1);
        let lines = ["execute", "recorded", "replay", "replay", "replay"];
        assert_eq!(server.log.lines(), lines);
    }
}

#[tokio::test(start_paused = true)]
async fn other_bytes_with_the_same_meaning_are_claimed_and_replayed() {
    let server = Server::on(Counting::default());
    server.answer(&Request::order(), &DONE).await;
    let reordered = Request {
        payload: r#"{"b":2,"a":1}"#,
        ..Request::order()
    };
    assert_eq!(
        server.answer(&reordered, &DONE).await,
        r#"replay of b"done""#
    );
    assert_eq!(server.counting.claims(), 2);
}

#[tokio::test(start_paused = true)]
async fn rules_that_differ_recall_nothing_of_each_other() {
    for other in 1..6 {
        let server = Server::on(Counting::default());
        server.answer(&Request::order(), &DONE).await;
        server
            .answer(
                &Request {
                    policy: other,
                    ..Request::order()
                },
                &DONE,
            )
            .await;
        assert_eq!(server.counting.claims(), 2, "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_recalled_at_the_instant_at_which_the_retention_is_over() {
    let server = Server::on(Counting::default());
    server.answer(&Request::order(), &DONE).await;
    advance(RETENTION - Duration::from_millis(1)).await;
    assert_eq!(
        server.answer(&Request::order(), &DONE).await,
        r#"replay of b"done""#
    );
    assert_eq!(server.counting.claims(), 1);
    advance(Duration::from_millis(1)).await;
    assert_eq!(server.answer(&Request::order(), &DONE).await, "executed");
}

#[tokio::test(start_paused = true)]
async fn a_drain_refuses_what_could_be_recalled() {
    let server = Server::on(Counting::default());
    server.answer(&Request::order(), &DONE).await;
    server.layers[0].drain().await;
    let answer = server.begin(&Request::order()).await;
    assert!(
        matches!(answer, Begin::Refused(Refusal::ShuttingDown)),
        "{answer:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_while_it_recalls_is_asked_by_a_claim() {
    let server = Server::on(Counting {
        panics: true,
        ..Counting::default()
    });
    server.answer(&Request::order(), &DONE).await;
    assert_eq!(
        server.answer(&Request::order(), &DONE).await,
        r#"replay of b"done""#
    );
    assert_eq!(server.counting.claims(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tag_recalls_a_completed_response_of_its_own_key_and_nothing_else() {
    let store = MemoryStore::new();
    let identity = Identity::new(idem_core::store::Fingerprint::from_bytes([1; 32]));
    let (tag, other) = (
        RequestTag::from_bytes([1; 16]),
        RequestTag::from_bytes([2; 16]),
    );
    let recall = |key: &RecordKey, tag| store.recalls().unwrap().recall(key, tag);
    let response = Arc::new(Response::new(
        201,
        idem_core::Headers::default(),
        "1".into(),
    ));
    for (number, outcome, tagged, expected) in [
        (
            1,
            Outcome::Response(Arc::clone(&response)),
            true,
            Some(Arc::clone(&response)),
        ),
        (2, Outcome::Response(Arc::clone(&response)), false, None),
        (3, NotKept::TooLarge.into(), true, None),
    ] {
        let key = RecordKey::from_bytes([number; 32]);
        let lease = Lease::new(identity, LEASE).with_tag(tagged.then_some(tag));
        assert_eq!(store.claim(&key, &lease).await.unwrap(), Claim::Owned);
        assert_eq!(recall(&key, &tag), None, "it is pending");
        let _ = store
            .complete(&key, &lease.with_tag(None), &outcome, RETENTION)
            .await
            .unwrap();
        assert_eq!(recall(&key, &tag), expected);
        assert_eq!(recall(&key, &other), None);
        assert_eq!(recall(&RecordKey::from_bytes([9; 32]), &tag), None);
    }
}

fn requests() -> impl Strategy<Value = Request> {
    let line = prop_oneof![
        3 => Just(("content-type", "application/json")),
        1 => Just(("content-type", "application/json; charset=utf-8")),
        1 => Just(("content-type", "text/plain")),
        1 => Just(("content-encoding", "gzip")),
        1 => Just(("content-encoding", "x-gzip")),
        3 => Just(("authorization", "Bearer heidi")),
        1 => Just(("authorization", "Bearer peter")),
        1 => Just(("cookie", "a=1; b=2")),
        1 => Just(("cookie", "a=1")),
        1 => Just(("cookie", "b=2")),
        1 => Just(("x-tenant", "acme")),
        1 => Just(("x-tenant", "")),
        1 => Just(("accept", "text/html")),
    ];
    let payloads = [
        r#"{"a":1,"b":2}"#,
        r#"{"b":2,"a":1}"#,
        r#"{"a":1.0,"b":2}"#,
        r#"{"a":3,"b":2}"#,
        r#"{"a":1}"#,
        "",
        "{",
    ];
    (
        prop_oneof![3 => Just(0), 2 => 0..6_usize],
        prop_oneof![6 => Just("POST"), 1 => Just("PATCH")],
        prop_oneof![6 => Just("/orders?page=1"), 1 => Just("/orders?page=2")],
        prop_oneof![4 => Just(None), 1 => Just(Some("heidi")), 1 => Just(Some("peter"))],
        proptest::collection::vec(line, 0..4),
        prop_oneof![2 => Just(payloads[0]), 3 => proptest::sample::select(payloads.to_vec())],
    )
        .prop_map(|(policy, method, target, scope, lines, payload)| Request {
            policy,
            method,
            target,
            scope,
            lines,
            payload,
        })
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![
        6 => Just(DONE),
        1 => Just(End::Verdict(|| keep("other"))),
        1 => Just(End::Verdict(|| Verdict::Free)),
        1 => Just(End::Verdict(|| Verdict::Keep(NotKept::TooLarge.into()))),
        1 => Just(End::Never),
    ]
}

proptest! {
    /// Few different requests that come often, so that most of them came before.
    #[test]
    fn every_request_gets_what_it_would_get_without_tags(
        requests in proptest::collection::vec(requests(), 1..4),
        steps in proptest::collection::vec((any::<prop::sample::Index>(), ends(), 0..25_u64), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (with, without) = (Server::on(Counting::default()), Server::on(Counting::forgetful()));
            for (index, end, seconds) in steps {
                let request = index.get(&requests);
                let (one, other) = (with.answer(request, &end).await, without.answer(request, &end).await);
                prop_assert_eq!(one, other);
                advance(Duration::from_secs(seconds)).await;
            }
            prop_assert_eq!(with.log.lines(), without.log.lines());
            prop_assert!(with.counting.claims() <= without.counting.claims());
            Ok(())
        })?;
    }
}
