//! Requests that hold their keys for as long as a rule says of each.

use std::time::Duration;

use idem_core::Policy;

use super::profiles;
use crate::{Adapter, Server, send};

async fn leased<A: Adapter>(policy: Policy) -> Server {
    Server::with_layer(A::new(A::store(), policy)).await
}

// S28
pub async fn a_request_holds_its_key_for_as_long_as_the_rule_says<A: Adapter>() {
    for (policy, _, in_progress) in profiles() {
        // Duplicates are told all that is left.
        let server = leased::<A>(policy.retry_after(|_| Duration::MAX)).await;
        for (key, seconds, told) in [("long", Some(900), 31..=900), ("policy's", None, 1..=30)] {
            let post = || {
                let request = server.post("/gated", key, "{}");
                match seconds {
                    Some(seconds) => request.header("x-lease", seconds.to_string()),
                    None => request,
                }
            };
            let runs = server.effects.runs();
            let original = tokio::spawn(send(post()));
            server.effects.wait_for_runs(runs + 1).await;
            let duplicate = send(post()).await;
            assert_eq!(duplicate.status, in_progress);
            let seconds: u64 = duplicate.header("retry-after").unwrap().parse().unwrap();
            assert!(told.contains(&seconds), "{key}: {seconds}");
            server.effects.open_gate(1);
            assert_eq!(original.await.unwrap().status, 201);
            assert!(send(post()).await.is_replay());
        }
    }
}
