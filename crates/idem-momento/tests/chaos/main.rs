//! Chaos: what holds of the store when replies are lost, writes land late, reads are stale, workers
//! crash and stand still past their leases.
//!
//! The real SDK talks over a real socket to the emulator, which fails by seeded dice; six workers
//! contend for each key as the engine would, and a judge in memory holds what they were told against
//! the contract. The same judge has to catch stores that do one step without a fence.
//!
//! The seed draws every choice; the interleaving stays the machine's. Leases run on the emulator's
//! clock, which only the workers move, so nothing depends on how fast the machine is. For a longer
//! run: `CHAOS_SEED=7 CHAOS_KEYS=20000 cargo test -p idem-momento --test chaos -- --nocapture`
//! (default: seeds 1 and 2 with 500 keys each; either variable alone replaces its default).

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod late_owner;
mod unfenced;
mod world;

use std::sync::Arc;

use idem_core::{IdempotencyStore, store::Operation};
use store_chaos::{Defective, Report, Violation, from_env};

use crate::{
    unfenced::Client,
    world::{World, run},
};

const KEYS: u64 = 500;

fn assert_sound(seed: u64, report: &Report) {
    println!("seed {seed}: {report}");
    assert!(report.violations.is_empty(), "seed {seed}: {report}");
    // A run of any size that has tried nothing shows nothing.
    let has_tried = report.has_tried() || report.keys < KEYS;
    assert!(has_tried, "seed {seed}: {report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_contract_in_chaos() {
    let seeds = from_env("CHAOS_SEED").map_or_else(|| vec![1, 2], |seed| vec![seed]);
    let keys = from_env("CHAOS_KEYS").unwrap_or(KEYS);
    for seed in seeds {
        // A duplicate's read goes along with its claim in every other seed.
        let store = |world: &World| world.store().read_along(seed % 2 == 0);
        let report = run(seed, keys, |world| Arc::new(store(world))).await;
        assert_sound(seed, &report);
    }
}

fn defective(world: &World, defect: Operation) -> Arc<dyn IdempotencyStore> {
    let client = Client(world.client.clone());
    Arc::new(Defective::new(world.store(), client, defect))
}

async fn is_caught(defect: Operation) {
    let run = async |seed| {
        let report = run(seed, 60, |world| defective(world, defect)).await;
        println!("{defect:?}, seed {seed}: {report}");
        report
    };
    store_chaos::is_caught(24, run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_release_by_delete() {
    is_caught(Operation::Release).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_completion_by_set() {
    is_caught(Operation::Complete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_renewal_by_update_ttl() {
    is_caught(Operation::Renew).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_claim_that_reads_before_it_sets() {
    is_caught(Operation::Claim).await;
}

#[tokio::test]
async fn a_late_owner_that_renews_by_update_ttl_is_told_a_lie() {
    let world = World::new();
    let store = defective(&world, Operation::Renew);
    let violations = late_owner::violations_of(&world, store).await;
    assert_eq!(
        violations,
        [
            // It extended a stranger's lease, and then cut a stranger's record short.
            Violation::HeldWhileLost(Operation::Renew),
            Violation::HeldWhileLost(Operation::Renew),
            Violation::StartedAfterCompletion,
        ]
    );
}

// S32
#[tokio::test]
async fn a_late_owner_of_the_store_changes_nothing() {
    let world = World::new();
    let store = Arc::new(world.store());
    let violations = late_owner::violations_of(&world, store).await;
    assert_eq!(violations, []);
}
