//! The market, in each framework and on each store, by each profile of the conformance tool; the
//! table in docs/conformance.md is what came of it.

#![forbid(unsafe_code)]
#![cfg(all(feature = "actix", feature = "axum", feature = "momento"))]
#![allow(clippy::unwrap_used)]

#[path = "api/conformant.rs"]
mod conformant;
#[path = "api_actix/serve.rs"]
mod on_actix;
#[path = "api/serve.rs"]
mod on_axum;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use goat_api::database::sqlite::SqliteFile;
use goat_api::web::GoatMarket;
use idem_conformance::{BUILTIN, Report};
use idem_core::{Idempotency, MemoryStore};
use idem_momento::MomentoStore;
use momento_emulator::Emulator;

use conformant::{ORDER_DELAY, assert_conformant, policy, report};

const LEASE: Duration = Duration::from_secs(30);

const SERVERS: [&str; 6] = [
    "axum, SQLite",
    "axum, memory",
    "axum, Momento stand-in",
    "actix-web, SQLite",
    "actix-web, memory",
    "actix-web, Momento stand-in",
];

/// Starts a server of its own, with a store and a database of its own.
async fn start(server: &str, profile: &str, emulator: &Emulator, directory: &Path) -> SocketAddr {
    let policy = policy(profile);
    let name = format!("{server} {profile}");
    let database = directory.join(format!("{name}.db"));
    let database = SqliteFile::open(&database, LEASE).await.unwrap();
    let market = GoatMarket::new(Arc::new(database)).order_delay(ORDER_DELAY);
    let (market, idempotency) = if server.ends_with("memory") {
        (market, Idempotency::new(MemoryStore::new(), policy))
    } else if server.ends_with("SQLite") {
        market.exactly_once(policy)
    } else {
        emulator.create_cache(&name);
        let client = emulator.client(Duration::from_secs(10));
        let store = MomentoStore::new(client, &name);
        (market, Idempotency::new(store, policy))
    };
    if server.starts_with("axum") {
        on_axum::serve(market, idempotency).await
    } else {
        on_actix::serve(market, idempotency).await
    }
}

async fn tested(server: &str, profile: &str, emulator: &Emulator, directory: &Path) -> Report {
    let address = start(server, profile, emulator, directory).await;
    report(address, profile).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_market_passes_in_every_framework_on_every_store_by_every_profile() {
    let emulator = Emulator::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut results = String::new();
    for profile in BUILTIN {
        let mut reports = Vec::new();
        // All at once, an order would be placed before a slow machine has sent its duplicate.
        for few in SERVERS.chunks(3) {
            let few = few
                .iter()
                .map(|server| tested(server, profile, &emulator, directory.path()));
            reports.extend(join_all(few).await);
        }
        let columns: Vec<_> = SERVERS.into_iter().zip(&reports).collect();
        for (server, report) in &columns {
            assert_conformant(server, report);
        }
        results += &format!("\n### {profile}\n\n{}", Report::table(&columns));
    }
    assert_stands_in_the_docs(&results);
}

/// Compares with what docs/conformance.md shows; with `UPDATE_DOCS` set it is written there.
fn assert_stands_in_the_docs(results: &str) {
    const BEGIN: &str = "<!-- table: begin -->\n";
    const END: &str = "<!-- table: end -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, [before, BEGIN, results, "\n", END, after].concat()).unwrap();
        return;
    }
    assert_eq!(
        shown.trim(),
        results.trim(),
        "the table is another: run this test with UPDATE_DOCS=1"
    );
}
