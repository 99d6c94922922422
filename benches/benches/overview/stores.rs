//! What each store takes for a request: a fresh key, claimed and completed, and a key that was completed before.

use std::{sync::Arc, time::Duration};

use criterion::Throughput;
use idem_benches::records::{key, lease, outcome, put};
use idem_core::IdempotencyStore;
use tokio::runtime::Runtime;

use crate::{
    each::{Opened, open_each},
    summary::{Summary, keeps_busy, rate, time},
};

pub(crate) fn measure(summary: &mut Summary, runtime: &Runtime) {
    let _inside = runtime.enter();
    let (stores, left_out) = open_each(runtime);
    for mut opened in stores {
        let group = format!("store: {}", opened.name);
        let fresh = summary.timed(
            &group,
            "claim and complete",
            Throughput::Elements(1),
            |calls| runtime.block_on(claims(&mut opened, calls)),
        );
        row(summary, &opened, "claim and completion", fresh);
        let kept = key(0);
        runtime.block_on(put(&*opened.store, kept, &outcome(200)));
        let replay = summary.timed(&group, "replay", Throughput::Elements(1), |calls| {
            runtime.block_on(async {
                let start = opened.now();
                for _ in 0..calls {
                    let claim = opened.store.claim(&kept, &lease(1)).await;
                    let _ = std::hint::black_box(claim);
                }
                opened.now() - start
            })
        });
        row(summary, &opened, "retry", replay);
    }
    for why in left_out {
        summary.left_out(why);
    }
}

fn row(summary: &mut Summary, opened: &Opened, what: &str, takes: Option<f64>) {
    let means = match opened.is_in_process {
        true => keeps_busy(takes),
        false => format!("each request waits {}", time(takes.unwrap_or_default())),
    };
    let what = format!("{}: {what}", opened.name);
    summary.row(&what, takes, rate(takes), means);
}

/// Fresh keys one after the other.
async fn claims(opened: &mut Opened, calls: u64) -> Duration {
    let outcome = outcome(200);
    let (mut took, mut left) = (Duration::ZERO, calls);
    while left > 0 {
        let some = opened.room().min(left);
        let store: Arc<dyn IdempotencyStore> = Arc::clone(&opened.store);
        let start = opened.now();
        for _ in 0..some {
            put(&*store, key(opened.next_number()), &outcome).await;
        }
        took += opened.now() - start;
        left -= some;
    }
    took
}
