//! A lease that travels: claimed here, completed there.

mod resuming;
mod sending;

use std::io;

use idem_core::{
    RecordKey, TravellingLease, Verdict,
    store::{Identity, Lease, Outcome, OwnerToken, StoreErrorKind},
};
use idem_store_tests::Fault;

use crate::support::{Engine, keep};

const UNAVAILABLE: Fault = Fault::Refused(StoreErrorKind::Unavailable);

const IN_PROGRESS: &str = "idempotency-in-progress";

/// Claims in one process, and gives the lease as a message has it.
async fn sent(engine: &Engine) -> String {
    engine.execution().await.travel().to_text()
}

fn read(text: &str) -> TravellingLease {
    text.parse().unwrap()
}

/// The same with some of it exchanged, by somebody who can write a valid text.
fn forged(
    lease: &TravellingLease,
    key: Option<RecordKey>,
    owner: Option<OwnerToken>,
    identity: Option<Identity>,
) -> TravellingLease {
    let held = lease.lease();
    let owner = owner.unwrap_or(*held.owner());
    let identity = identity.unwrap_or(*held.identity());
    TravellingLease::new(
        lease.key().clone(),
        key.unwrap_or(*lease.record_key()),
        Lease::of_owner(owner, identity, held.duration()),
    )
}

/// Work that must not run.
async fn never() -> (Verdict, &'static str) {
    panic!("nothing may run under a lease that does not hold")
}

/// A handler that sends its lease away, and answers its own client.
async fn travelling(
    engine: &Engine,
    duration: std::time::Duration,
    verdict: Verdict,
) -> (String, &'static str) {
    let execution = engine.execution().await;
    let current = execution.current().clone();
    let mut queue = String::new();
    let answer = execution
        .run(async {
            let send = async |lease: TravellingLease| Ok::<_, io::Error>(lease.to_text());
            queue = current.travel(duration, send).await.unwrap();
            (verdict, "accepted")
        })
        .await
        .unwrap();
    (queue, answer)
}

/// Two processes on one store.
fn twins() -> (Engine, Engine) {
    let here = Engine::new();
    let there = here.another();
    (here, there)
}

/// What a handler that answers this has recorded.
fn outcome(body: &'static str) -> Outcome {
    match keep(body) {
        Verdict::Keep(outcome) => outcome,
        Verdict::Free => unreachable!("it is kept"),
    }
}
