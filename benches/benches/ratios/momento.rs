//! What the engine adds to the calls of Momento's SDK, in CPU time of the client's thread.

use std::time::Duration;

use idem_benches::{
    Spelling, WithKey,
    interleaved::{Comparison, cpu_time, print_side_by_side},
    order,
    records::{RETENTION, key, lease, outcome, put},
};
use idem_core::{
    Idempotency, Policy, Verdict,
    adapter::{Admission, Begin},
    store::{encode_completed, encode_pending},
};
use idem_momento::MomentoStore;
use momento::{
    CacheClient,
    cache::{SetIfAbsentOrEqualRequest, SetIfAbsentOrEqualResponse},
};
use momento_emulator::Emulator;
use tokio::runtime::Builder;

const CACHE: &str = "requests";

/// Few, for each waits for two round trips.
const CALLS: u32 = 32;

pub(crate) fn run(rounds: usize) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    // It runs on a thread of its own, whose CPU time is not counted.
    let emulator = Emulator::start().expect("the stand-in starts");
    emulator.create_cache(CACHE);
    let client = runtime.block_on(async { emulator.client(Duration::from_secs(5)) });
    let store = MomentoStore::new(client.clone(), CACHE);
    let idempotency = Idempotency::new(store.clone(), Policy::reference());
    let payload = order(200, Spelling::InOrder);
    let (mut by_hand, mut by_store, mut by_engine) = (0_u64, 0_u64, 0_u64);
    let figures = Comparison::new("a fresh request, Momento stand-in")
        .timed("the SDK's two calls", |calls| {
            runtime.block_on(async {
                let start = cpu_time();
                for _ in 0..calls {
                    by_hand += 1;
                    two_calls(&client, by_hand).await;
                }
                cpu_time() - start
            })
        })
        .timed("the store's two calls", |calls| {
            runtime.block_on(async {
                let start = cpu_time();
                for _ in 0..calls {
                    by_store += 1;
                    put(&store, key(by_store), &outcome(200)).await;
                }
                cpu_time() - start
            })
        })
        .timed("the engine", |calls| {
            runtime.block_on(async {
                let start = cpu_time();
                for _ in 0..calls {
                    by_engine += 1;
                    execute(&idempotency, by_engine, &payload).await;
                }
                cpu_time() - start
            })
        })
        .run_batches(CALLS, rounds);
    print_side_by_side(&[("a fresh request", figures)]);
    emulator.calls().reset();
    runtime.block_on(execute(&idempotency, 0, &payload));
    println!(
        "| round trips of the engine | {} |",
        emulator.calls().total()
    );
}

/// What a fresh request asks of the SDK, with the same bytes.
async fn two_calls(client: &CacheClient, number: u64) {
    let key = number.to_be_bytes().repeat(4);
    let (lease, outcome) = (lease(1), outcome(200));
    let (pending, completed) = (encode_pending(&lease), encode_completed(&lease, &outcome));
    let writes = [
        (pending.clone(), &b"released"[..], lease.duration()),
        (completed, &pending, RETENTION),
    ];
    for (value, equal, ttl) in writes {
        let request = SetIfAbsentOrEqualRequest::new(CACHE, key.clone(), value, equal).ttl(ttl);
        let stored = client.send_request(request).await;
        let stored = stored.expect("the stand-in answers");
        assert_eq!(stored, SetIfAbsentOrEqualResponse::Stored);
    }
}

async fn execute(idempotency: &Idempotency, number: u64, payload: &[u8]) {
    let key = format!("order-{number}");
    let Admission::Protected(request) = idempotency.admit(&WithKey(&key), None, || None) else {
        panic!("the request is protected");
    };
    let Begin::Execute(execution) = idempotency.begin(request, payload).await else {
        panic!("the key is fresh");
    };
    let outcome = outcome(200);
    execution
        .run(async { (Verdict::Keep(outcome), ()) })
        .await
        .expect("nothing was undone");
}
