//! A function for each test, as the API's tests ask for it.

use std::ops::Deref;

use goat_api::cli::Profile;

pub(crate) use crate::customer::Answer;
use crate::customer::Customer;
use crate::market::{Market, Options};

pub(crate) struct Server(Market);

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with_profile(Profile::Reference).await
    }

    pub(crate) async fn with_profile(profile: Profile) -> Self {
        let profile = match profile {
            Profile::Ietf => "ietf",
            Profile::Stripe => "stripe",
            _ => "reference",
        };
        let options = Options {
            flags: vec!["--profile", profile],
            ..Options::default()
        };
        Self(Market::start(options).await)
    }
}

impl Deref for Server {
    type Target = Customer;

    fn deref(&self) -> &Customer {
        &self.0
    }
}
