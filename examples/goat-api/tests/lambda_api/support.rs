//! A function for each test, as the API's tests ask for it.

use std::ops::Deref;

use idem_core::{Policy, Profile};

pub(crate) use crate::client::Answer;
use crate::client::Client;
use crate::market::{Market, Options};

pub(crate) struct Server(Market);

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with_policy(Policy::reference()).await
    }

    /// Only the policy's profile counts: the function has its own otherwise.
    pub(crate) async fn with_policy(policy: Policy) -> Self {
        let profile = match policy.profile() {
            Profile::Reference => "reference",
            Profile::Ietf => "ietf",
            Profile::Stripe => "stripe",
            other => panic!("there is no flag for {other:?}"),
        };
        let options = Options {
            flags: vec!["--profile", profile],
            ..Options::default()
        };
        Self(Market::start(options).await)
    }
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}
