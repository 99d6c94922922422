//! One schedule, step by step: an owner stands still past its lease, another takes over, and the
//! late one renews.

use std::sync::Arc;

use idem_core::{
    IdempotencyStore,
    store::{Claim, Fenced, Fingerprint, Identity, Lease, Operation},
};
use store_chaos::{Judge, Violation, key};

use crate::world::{LEASE, World};

/// What the judge has to say about a late owner of this store.
pub(crate) async fn violations_of(
    world: &World,
    store: Arc<dyn IdempotencyStore>,
) -> Vec<Violation> {
    let clock = world.emulator.clock();
    let identity = Identity::new(Fingerprint::from_bytes([7; 32]));
    let (late, next) = (Lease::new(identity, LEASE), Lease::new(identity, LEASE));
    let mut judge = Judge::default();
    for lease in [late, next] {
        let sent = clock.now();
        assert_eq!(store.claim(&key(0), &lease).await.unwrap(), Claim::Owned);
        assert!(judge.starts(*lease.owner(), sent + LEASE, clock.now()));
        if lease == late {
            clock.advance(LEASE);
        }
    }

    let asked = judge.asks(Operation::Renew, *late.owner(), clock.now());
    let renewed = store.renew(&key(0), &late).await.unwrap();
    judge.answers(&asked, renewed, clock.now());

    // Whatever the late owner was told, the one that took over can still complete.
    let asked = judge.asks(Operation::Complete, *next.owner(), clock.now());
    let outcome = idem_core::store::NotKept::Stream.into();
    let completed = store.complete(&key(0), &next, &outcome, 10 * LEASE).await;
    assert_eq!(completed.unwrap(), Fenced::Held);
    judge.answers(&asked, Fenced::Held, clock.now());
    judge.completes(*next.owner());

    // The late one's next renewal must not touch the record's retention either.
    let asked = judge.asks(Operation::Renew, *late.owner(), clock.now());
    let renewed = store.renew(&key(0), &late).await.unwrap();
    judge.answers(&asked, renewed, clock.now());
    clock.advance(2 * LEASE);
    let again = Lease::new(identity, LEASE);
    if store.claim(&key(0), &again).await.unwrap() == Claim::Owned {
        judge.starts(*again.owner(), clock.now() + LEASE, clock.now());
    }
    judge.violations
}
