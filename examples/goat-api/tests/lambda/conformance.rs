//! The market as a function, by each profile of the conformance tool.

use std::time::Duration;

use idem_conformance::{BUILTIN, Profile, Suite};

use crate::market::{Market, Options};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and the market's serverless build: run .ci/serverless"]
async fn the_function_passes_by_every_profile() {
    for profile in BUILTIN {
        let market = Market::start(Options {
            // What duplicates are told to wait is at most the lease that the profiles expect, of 30 seconds.
            timeout: Duration::from_secs(25),
            // So long that a duplicate finds an order in progress.
            flags: vec!["--profile", profile, "--order-delay", "500ms"],
            ..Options::default()
        })
        .await;
        let profile = Profile::builtin(profile).unwrap();
        let suite = Suite::new(&market.base, profile).unwrap();
        let report = suite.timeout(Duration::from_secs(60)).run().await.unwrap();
        assert!(report.is_conformant(), "{}", report.to_text());
    }
}
