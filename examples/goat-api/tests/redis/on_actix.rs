//! The API in actix-web, over a real socket.

#[path = "../api/catalog.rs"]
mod catalog;
#[path = "../api/customer.rs"]
mod customer;
#[path = "../api/delayed.rs"]
mod delayed;
#[path = "../api/failures.rs"]
mod failures;
#[path = "fresh.rs"]
mod fresh;
#[path = "../api/goats.rs"]
mod goats;
#[path = "../api/idempotency.rs"]
mod idempotency;
#[path = "../api/orders.rs"]
mod orders;
#[path = "../dynamodb/program.rs"]
mod program;
#[path = "../api/refusals.rs"]
mod refusals;
#[expect(dead_code, reason = "nobody operates the market here")]
#[path = "../api_actix/routes.rs"]
mod routes;
#[path = "../api_actix/serve.rs"]
mod serve;
#[expect(dead_code, reason = "nobody operates the market here")]
#[path = "../api/support.rs"]
mod support;

/// What the servers under test serve with.
const FRAMEWORK: &str = "actix";
