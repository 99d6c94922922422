//! Whatever requests of one key do, the store does, and clients do: one executes at a time, all are answered in time, and
//! nobody gets what is not theirs.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use idem_core::{Headers, Response, adapter::Protected};
use proptest::prelude::*;
use tokio::{
    runtime::Builder,
    task::{JoinSet, spawn},
};

use super::*;
use crate::support::{Head, LEASE, admit_head};

const WAIT: Duration = Duration::from_secs(5);
const STORE: Duration = Duration::from_secs(2);
const LONGEST_CLAIM: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
struct Request {
    at: Duration,
    payload: &'static str,
    hangs_up_after: Option<Duration>,
    works: Duration,
    ends: Ends,
    waits: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    Keeps,
    Frees,
    Panics,
}

fn milliseconds(most: u64) -> impl Strategy<Value = Duration> {
    (0..most).prop_map(Duration::from_millis)
}

fn request() -> impl Strategy<Value = Request> {
    let at =
        prop_oneof![3 => Just(Duration::ZERO), 2 => milliseconds(400), 1 => milliseconds(8_000)];
    let payload = prop_oneof![4 => Just("{}"), 1 => Just("[1]")];
    let hangs_up_after = prop_oneof![4 => Just(None), 1 => milliseconds(1_000).prop_map(Some)];
    let ends = prop_oneof![2 => Just(Ends::Keeps), 2 => Just(Ends::Frees), 1 => Just(Ends::Panics)];
    let waits = prop::bool::weighted(0.9);
    let rest = (milliseconds(600), ends, waits);
    (at, payload, hangs_up_after, rest).prop_map(|(at, payload, hangs_up_after, rest)| {
        let (works, ends, waits) = rest;
        Request {
            at,
            payload,
            hangs_up_after,
            works,
            ends,
            waits,
        }
    })
}

fn claim_time() -> impl Strategy<Value = Duration> {
    milliseconds(LONGEST_CLAIM.as_millis().try_into().unwrap())
}

/// A claim that lands at the end of its time, or at its beginning.
fn answered_claim() -> impl Strategy<Value = Plant> {
    prop_oneof![
        claim_time().prop_map(Plant::Takes),
        claim_time().prop_map(Plant::Answers),
    ]
}

fn claim() -> impl Strategy<Value = Plant> {
    prop_oneof![
        12 => answered_claim(),
        2 => claim_time().prop_map(Plant::Fails),
        1 => claim_time().prop_map(Plant::LosesItsAnswer),
        1 => Just(Plant::PanicsAfter),
        1 => Just(Plant::NeverAnswers),
    ]
}

fn admit_under(idempotency: &Idempotency, key: &str) -> Protected {
    admit_head(idempotency, &Head(&[("idempotency-key", key)]))
}

/// An execution.
#[derive(Clone, Debug)]
struct Ran {
    payload: &'static str,
    from: Instant,
    until: Instant,
    /// Its response, unless it freed the key.
    kept: Option<String>,
}

#[derive(Debug)]
enum Answer {
    Executed,
    Replayed(String),
    Refused(&'static str),
}

/// A request, and what it got if it did not hang up before.
type Told = (Request, Instant, Option<(Answer, Instant)>);

struct World {
    patient: Idempotency,
    impatient: Idempotency,
    ran: Mutex<Vec<Ran>>,
}

async fn serve(
    world: Arc<World>,
    number: usize,
    request: Request,
    protected: Protected,
) -> (Answer, Instant) {
    let idempotency = if request.waits {
        &world.patient
    } else {
        &world.impatient
    };
    let begun = idempotency
        .begin(protected, request.payload.as_bytes())
        .await;
    let at = Instant::now();
    let answer = match begun {
        Begin::Execute(execution) => {
            let ran = Arc::clone(&world);
            let work = async move {
                let from = Instant::now();
                sleep(request.works).await;
                let body = format!("{} {number}", request.payload);
                let kept = (request.ends == Ends::Keeps).then(|| body.clone());
                let until = Instant::now();
                let this = Ran {
                    payload: request.payload,
                    from,
                    until,
                    kept,
                };
                ran.ran.lock().unwrap().push(this);
                match request.ends {
                    Ends::Panics => panic!("a planted panic"),
                    Ends::Frees => (Verdict::Free, ()),
                    Ends::Keeps => {
                        let body = Bytes::from(body);
                        let kept = Response::new(201, Headers::default(), body);
                        (Verdict::Keep(kept.into()), ())
                    }
                }
            };
            // In a task of its own, so that its panic is nobody else's.
            let ended = spawn(execution.run(work)).await;
            assert_eq!(ended.is_err(), request.ends == Ends::Panics);
            Answer::Executed
        }
        Begin::Replay(response) => {
            Answer::Replayed(String::from_utf8(response.body().to_vec()).unwrap())
        }
        Begin::Refused(refusal) => Answer::Refused(refusal.code()),
        Begin::Unprotected => panic!("the policy is another"),
    };
    (answer, at)
}

async fn send(world: Arc<World>, number: usize, request: Request) -> Told {
    sleep(request.at).await;
    let arrived = Instant::now();
    let idempotency = if request.waits {
        &world.patient
    } else {
        &world.impatient
    };
    let protected = admit_under(idempotency, "k");
    let watch = protected.watch();
    let served = Box::pin(serve(
        Arc::clone(&world),
        number,
        request.clone(),
        protected,
    ));
    let served = HandOver::new(served, watch);
    let told = match request.hangs_up_after {
        None => Some(served.await),
        Some(after) => timeout(after, served).await.ok(),
    };
    (request, arrived, told)
}

/// What became of them all, and what ran.
async fn play(requests: Vec<Request>, claims: Vec<Plant>, places: usize) -> (Vec<Told>, Vec<Ran>) {
    let store = PlantedStore::default();
    store.plant(Operation::Claim, Plant::Takes(10 * MILLISECOND));
    for claim in claims {
        store.plant_once(Operation::Claim, claim);
    }
    let policy = Policy::reference().lease(LEASE).store_timeout(STORE);
    let impatient = Idempotency::new(store.clone(), policy.clone());
    let patient = impatient.with_policy(policy.wait(WAIT, places));
    let world = Arc::new(World {
        patient,
        impatient,
        ran: Mutex::default(),
    });
    let mut all = JoinSet::new();
    for (number, request) in requests.into_iter().enumerate() {
        all.spawn(send(Arc::clone(&world), number, request));
    }
    let told = all.join_all().await;
    // Those go on whose client hung up.
    while world.patient.under_way() > 0 {
        sleep(MILLISECOND).await;
    }
    store.clear();
    every_place_is_free(&world.patient, places).await;
    let ran = world.ran.lock().unwrap().clone();
    (told, ran)
}

async fn every_place_is_free(idempotency: &Idempotency, places: usize) {
    let ask = || Box::pin(idempotency.begin(admit_under(idempotency, "l"), b"{}"));
    let original = ask().await;
    let mut waiting = Vec::new();
    for _ in 0..places {
        let mut one = ask();
        let waits = timeout(100 * MILLISECOND, &mut one).await;
        assert!(waits.is_err(), "{waits:?}");
        waiting.push(one);
    }
    let one_more = ask().await;
    assert!(
        matches!(one_more, Begin::Refused(Refusal::TooManyWaiters)),
        "{one_more:?}"
    );
    drop(original);
}

fn judge((told, mut ran): (Vec<Told>, Vec<Ran>), is_calm: bool) {
    ran.sort_by_key(|ran| ran.from);
    for pair in ran.windows(2) {
        assert!(pair[0].until <= pair[1].from, "two at once: {ran:?}");
        assert_eq!(pair[0].kept, None, "one after a kept one: {ran:?}");
    }
    let kept = ran.last().filter(|last| last.kept.is_some());
    for (request, arrived, told) in told {
        let Some((answer, at)) = told else {
            continue;
        };
        let took = at - arrived;
        // Its first claim, its wait, and its last one.
        let most = STORE + WAIT + LONGEST_PAUSE + STORE;
        assert!(took <= most, "{request:?} took {took:?}");
        match answer {
            Answer::Executed => {}
            Answer::Replayed(body) => {
                let kept = kept.expect("something was kept");
                assert_eq!(Some(&body), kept.kept.as_ref());
                assert_eq!(request.payload, kept.payload);
                let late = at - kept.until.max(arrived);
                let most = LONGEST_PAUSE + 3 * LONGEST_CLAIM;
                assert!(
                    !is_calm || late <= most,
                    "{request:?} learned after {late:?}"
                );
            }
            Answer::Refused("idempotency-in-progress") => {
                assert!(
                    !request.waits || took >= WAIT,
                    "{request:?} waited {took:?}"
                );
            }
            Answer::Refused("idempotency-store-unavailable") => assert!(!is_calm, "{request:?}"),
            Answer::Refused("idempotency-key-reused" | "idempotency-too-many-waiters") => {}
            Answer::Refused(other) => panic!("{other}"),
        }
    }
}

proptest! {
    // S38
    #[test]
    fn one_executes_at_a_time_and_all_are_answered_in_time(
        requests in prop::collection::vec(request(), 1..16),
        claims in prop::collection::vec(claim(), 0..40),
        places in 1..12_usize,
    ) {
        let is_calm = claims.iter().all(|claim| matches!(claim, Plant::Takes(_) | Plant::Answers(_)));
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        judge(runtime.block_on(play(requests, claims, places)), is_calm);
    }

    // S38
    #[test]
    fn a_store_that_answers_leaves_nobody_behind(
        requests in prop::collection::vec(request(), 1..16),
        claims in prop::collection::vec(answered_claim(), 0..40),
        places in 1..12_usize,
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        judge(runtime.block_on(play(requests, claims, places)), true);
    }
}
