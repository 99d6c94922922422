//! Executions that end with a transaction of their handler: effect and record in one commit.

mod begun;
mod cached;
mod client;
mod doubt;
mod dropped;
mod ledger;
mod lost;
mod outcomes;
mod renewals;
mod rollbacks;
mod running;
mod shop;
mod workers;
