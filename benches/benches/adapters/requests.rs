//! A request by what becomes of it, on both frameworks.

use actix_web::rt::SystemRunner;
use bytes::Bytes;
use idem_benches::{
    Spelling,
    asked::Asked,
    interleaved::{Comparison, Figures, print_side_by_side},
    order,
    orders::{Handler, Orders},
    records::unbounded,
};
use idem_core::MemoryStore;

use crate::{
    rounds,
    variants::{FRESH, HANGING, actix, any_of, axum, calls, fill, from, hang},
};

/// The orders that are there to be replayed.
const KEPT: u64 = 1_000;

pub(crate) fn run(system: &SystemRunner, asked: &Asked) {
    let columns = [
        ("256 B", 200, Spelling::InOrder),
        ("1 KiB in order", 1 << 10, Spelling::InOrder),
        ("1 KiB out of order", 1 << 10, Spelling::OutOfOrder),
    ];
    let columns = columns.map(|(name, bytes, spelling)| {
        let payload = Bytes::from(order(bytes, spelling));
        (name, compare(system, name, &payload, rounds(asked)))
    });
    print_side_by_side(&columns);
}

fn compare(system: &SystemRunner, name: &str, payload: &Bytes, rounds: usize) -> Figures {
    let other = another(payload);
    let on_axum = Framework {
        name: "axum",
        store: unbounded(),
        service: |handler, store: Option<&MemoryStore>| axum(handler, store),
    };
    let on_actix = Framework {
        name: "actix",
        store: unbounded(),
        service: |handler, store: Option<&MemoryStore>| system.block_on(actix(handler, store)),
    };
    let comparison = on_axum.variants(Comparison::new(name), system, payload, &other);
    let comparison = on_actix.variants(comparison.new_baseline(), system, payload, &other);
    let figures = comparison.run(rounds);
    added(&figures);
    figures
}

/// An order of the same size for something else.
fn another(payload: &Bytes) -> Bytes {
    let order = String::from_utf8_lossy(payload);
    Bytes::from(order.replace("Soap", "Salt"))
}

struct Framework<F> {
    name: &'static str,
    store: MemoryStore,
    service: F,
}

impl<O: Orders + 'static, F: Fn(Handler, Option<&MemoryStore>) -> O> Framework<F> {
    /// The bare service, and what becomes of a request on the protected one.
    fn variants<'a>(
        &self,
        comparison: Comparison<'a>,
        system: &'a SystemRunner,
        payload: &'a Bytes,
        other: &'a Bytes,
    ) -> Comparison<'a>
    where
        O: 'a,
    {
        let bare = || (self.service)(Handler::Answers, None);
        let protected = || (self.service)(Handler::Answers, Some(&self.store));
        let hanging = (self.service)(Handler::Hangs, Some(&self.store));
        let mut filling = protected();
        system.block_on(async {
            fill(&mut filling, KEPT, payload).await;
            hang(hanging, payload.clone()).await;
        });
        let name = |outcome| format!("{}, {outcome}", self.name);
        comparison
            .timed(
                name("bare"),
                calls(system, bare(), any_of(KEPT), payload, 201),
            )
            .timed(
                name("fresh"),
                calls(system, protected(), from(FRESH), payload, 201),
            )
            .timed(
                name("replay"),
                calls(system, protected(), any_of(KEPT), payload, 201),
            )
            .timed(
                name("in progress"),
                calls(system, protected(), || HANGING, payload, 202),
            )
            .timed(
                name("mismatch"),
                calls(system, protected(), any_of(KEPT), other, 400),
            )
    }
}

/// How much of axum's added cost actix-web adds.
fn added(figures: &Figures) {
    for outcome in ["fresh", "replay", "in progress", "mismatch"] {
        let added = |framework| figures.added(&format!("{framework}, {outcome}"));
        let (axum, actix) = (added("axum"), added("actix"));
        eprintln!(
            "  added, {outcome:<35} axum {axum:>6.0} ns, actix {actix:>6.0} ns: {:>5.2}x",
            actix / axum
        );
    }
}
