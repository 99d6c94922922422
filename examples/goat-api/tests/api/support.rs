//! A server on a free port with a database of its own; `fresh` says where its records are. It is in this process
//! or, where `.ci/serverless` names a program, that program on a table in a stand-in for DynamoDB.

use std::ops::Deref;
use std::time::Duration;

use goat_api::cli::Profile;
use goat_api::web::GoatMarket;
use goat_api::web::operations::{Metrics, Operations};
use idem_core::{Idempotency, Policy};

pub(crate) use super::customer::Answer;
use super::customer::Customer;
use super::program::{self, Program};
use super::serve::serve;
use super::{FRAMEWORK, routes};
use crate::fresh::{Fresh, fresh};

/// A running server and a customer of it; it ends with the test.
pub(crate) struct Server {
    customer: Customer,
    running: Running,
}

enum Running {
    Inside(Inside),
    Program { _program: Program },
}

/// A server of this process, which ends with the test's runtime.
struct Inside {
    market: GoatMarket,
    idempotency: Idempotency,
    _database: Fresh,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with_profile(Profile::Reference).await
    }

    pub(crate) async fn with_profile(profile: Profile) -> Self {
        let (name, policy) = match profile {
            Profile::Ietf => ("ietf", Policy::ietf()),
            Profile::Stripe => ("stripe", Policy::stripe()),
            _ => ("reference", Policy::reference()),
        };
        match program::given() {
            Some(program) => Self::of_program(&program, name),
            None => Self::with_delay(policy, Duration::ZERO).await,
        }
    }

    /// A server whose inside the test can reach, whatever the others are made of.
    pub(crate) async fn inside() -> Self {
        Self::with_delay(Policy::reference(), Duration::ZERO).await
    }

    /// The whole server, as the program has it, but inside; placing an order takes this long.
    pub(crate) async fn whole(policy: Policy, order_delay: Duration) -> Self {
        let mut server = Self::with_delay(policy, order_delay).await;
        let (market, idempotency) = (server.market().clone(), server.idempotency().clone());
        let address = routes::serve(market, idempotency, server.operations()).await;
        server.customer = Customer::of(format!("http://{address}"));
        server
    }

    pub(crate) fn market(&self) -> &GoatMarket {
        &self.reached().market
    }

    pub(crate) fn idempotency(&self) -> &Idempotency {
        &self.reached().idempotency
    }

    /// What the routes for operators answer from.
    pub(crate) fn operations(&self) -> Operations {
        let metrics = Metrics::install().expect("nobody else counts in this process");
        Operations::new(self.market().clone(), self.idempotency().clone(), metrics)
    }

    fn reached(&self) -> &Inside {
        match &self.running {
            Running::Inside(inside) => inside,
            Running::Program { .. } => panic!("the server is a program"),
        }
    }

    fn of_program(program: &std::path::Path, profile: &str) -> Self {
        let flags = ["--framework", FRAMEWORK, "--profile", profile];
        let program = Program::start(program, &program::fresh_table(), &flags);
        Self {
            customer: Customer::of(program.base.clone()),
            running: Running::Program { _program: program },
        }
    }

    pub(crate) async fn with_delay(policy: Policy, order_delay: Duration) -> Self {
        let database = fresh().await;
        let market = GoatMarket::new(database.database()).order_delay(order_delay);
        let (market, idempotency) = database.protect(market, policy);
        let address = serve(market.clone(), idempotency.clone()).await;
        Self {
            customer: Customer::of(format!("http://{address}")),
            running: Running::Inside(Inside {
                market,
                idempotency,
                _database: database,
            }),
        }
    }
}

impl Deref for Server {
    type Target = Customer;

    fn deref(&self) -> &Customer {
        &self.customer
    }
}
