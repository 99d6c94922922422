//! The records in Redis or Valkey.

mod url;

use std::time::Duration;

use idem_redis::RedisStore;

use super::{Cli, Idempotency, StoreError, policy};

pub(super) async fn start(cli: &Cli) -> Result<Idempotency, StoreError> {
    let given = cli.redis_url.reveal();
    let refused = |source| StoreError::Redis {
        url: url::shown(given),
        source,
    };
    let address = url::parse(given).map_err(|error| refused(error.into()))?;
    let builder = RedisStore::builder(address).call_timeout(call_timeout(cli.lease));
    let store = builder.connect().await;
    let store = store.map_err(|error| refused(error.into()))?;
    Ok(Idempotency::new(store, policy(cli)))
}

/// A little less than the policy gives a call: a third of the lease, and one second at most.
fn call_timeout(lease: Duration) -> Duration {
    (lease / 4).min(Duration::from_millis(900))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_over_before_the_policy_gives_it_up() {
        let policy_gives = |lease: Duration| (lease / 3).min(Duration::from_secs(1));
        for lease in [1, 2, 3, 4, 30, 86_400].map(Duration::from_secs) {
            assert!(call_timeout(lease) < policy_gives(lease), "{lease:?}");
        }
    }
}
