//! The market by each profile of the conformance tool.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use goat_api::database::postgres::PostgresDatabase;
use goat_api::web::GoatMarket;
use idem_conformance::{BUILTIN, Profile, Report, Suite};
use idem_core::Policy;

use crate::server::fresh_database;

#[path = "../api_actix/serve.rs"]
mod actix;
#[path = "../api/serve.rs"]
mod axum;

/// So long that a duplicate finds an order in progress.
const ORDER_DELAY: Duration = Duration::from_secs(2);

async fn start(framework: &str, profile: &str) -> SocketAddr {
    let policy = match profile {
        "reference" => Policy::reference(),
        "ietf" => Policy::ietf(),
        "stripe" => Policy::stripe(),
        other => panic!("there is no policy {other}"),
    };
    let url = fresh_database().await;
    let database = PostgresDatabase::open(&url, Duration::from_secs(30)).await;
    let market = GoatMarket::new(Arc::new(database.unwrap())).order_delay(ORDER_DELAY);
    let (market, idempotency) = market.exactly_once(policy);
    match framework {
        "axum" => axum::serve(market, idempotency).await,
        _ => actix::serve(market, idempotency).await,
    }
}

async fn report(framework: &str, profile: &str) -> Report {
    let address = start(framework, profile).await;
    let profile = Profile::builtin(profile).unwrap();
    let suite = Suite::new(&format!("http://{address}"), profile).unwrap();
    // The machine may be slow, with so many servers at once.
    suite.timeout(Duration::from_secs(60)).run().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_market_passes_in_both_frameworks_by_every_profile() {
    for profile in BUILTIN {
        let frameworks = ["axum", "actix"];
        let reports = join_all(frameworks.map(|framework| report(framework, profile))).await;
        for (framework, report) in frameworks.into_iter().zip(&reports) {
            assert!(report.is_conformant(), "{framework}: {}", report.to_text());
            // What the market has no routes for, and nothing else.
            for (outcome, reason) in report.not_run() {
                let id = outcome.scenario().id();
                assert!(
                    reason.contains("probes") || reason.contains("tenants"),
                    "{id}: {reason}"
                );
            }
        }
    }
}
