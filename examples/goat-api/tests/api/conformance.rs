//! The market in both frameworks, by each profile of the conformance tool.

use futures_util::future::join_all;
use goat_api::web::GoatMarket;
use idem_conformance::{BUILTIN, Report};

use self::conformant::{ORDER_DELAY, assert_conformant, policy, report};
use crate::fresh::fresh;

#[path = "../api_actix/serve.rs"]
mod actix;
#[path = "serve.rs"]
mod axum;
mod conformant;

async fn tested(framework: &str, profile: &str) -> Report {
    let fresh = fresh().await;
    let market = GoatMarket::new(fresh.database()).order_delay(ORDER_DELAY);
    let (market, idempotency) = fresh.protect(market, policy(profile));
    let address = match framework {
        "axum" => axum::serve(market, idempotency).await,
        _ => actix::serve(market, idempotency).await,
    };
    report(address, profile).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_market_passes_in_both_frameworks_by_every_profile() {
    for profile in BUILTIN {
        let frameworks = ["axum", "actix"];
        let reports = join_all(frameworks.map(|framework| tested(framework, profile))).await;
        for (framework, report) in frameworks.into_iter().zip(&reports) {
            assert_conformant(framework, report);
        }
    }
}
