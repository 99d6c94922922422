#![forbid(unsafe_code)]
//! The contract of an [`IdempotencyStore`](idem_core::IdempotencyStore) as a test suite.
//!
//! A store that loses a race, frees somebody else's lease or drops a record early makes an
//! operation run twice, and nobody notices before a customer does. One call of [`store_tests!`]
//! gives your store a named test for every rule of the contract; the tests need no list that you
//! keep, so a rule that a later version adds is tested from then on. [`cases`] says what each of
//! them checks.
//!
//! ```
//! // tests/contract.rs; the only dev-dependency is this crate.
//! # fn main() {}
//! use idem_core::MemoryStore;
//! use idem_store_tests::store_tests;
//!
//! store_tests! {
//!     clock: paused,
//!     store: MemoryStore::new(),
//! }
//! ```
//!
//! The expression after `store:` is evaluated again for each test, inside an async function, so it may
//! `.await`. It returns a store, or a [`Fixture`] if there is more to say:
//!
//! ```
//! # struct Emulator;
//! # impl Emulator {
//! #     async fn start() -> Self { Self }
//! #     async fn connect(&self) -> idem_core::MemoryStore { idem_core::MemoryStore::new() }
//! # }
//! # fn main() {}
//! use std::time::Duration;
//!
//! use idem_store_tests::{Fixture, store_tests};
//!
//! async fn emulated() -> Fixture {
//!     let emulator = Emulator::start().await;
//!     let store = emulator.connect().await;
//!     Fixture::new(store).keep(emulator).crowd(500)
//! }
//!
//! store_tests! {
//!     #[ignore = "starts an emulator"]
//!     clock: real(Duration::from_millis(800)),
//!     store: emulated().await,
//! }
//! ```
//!
//! # Clocks
//! - `paused`: the store measures with tokio's clock and does no I/O. The tests run on a paused
//!   runtime of one thread and turn its clock, to the very instant at which a lease ends.
//! - `real`, or `real(unit)`: the store has a clock that cannot be turned. Leases that are to run
//!   out last one unit, 500 ms unless set, and the tests sleep on a runtime of four threads. The
//!   unit should be 4 times as long as the store's clock is coarse: `real(Duration::from_secs(4))`
//!   for whole seconds. A machine that is too slow to say whether an answer came in time fails no
//!   test: the test is run again with twice the unit.
//! - `real(unit, tolerance)`: the store's clients know the time only to some seconds, so a lease or a result may stand
//!   that much longer than it should. It must not end early.
//!
//! # Transactions
//! A store whose transactions end executions, so that effect and record are one commit, implements
//! [`TransactionalStore`] for the tests, and calls [`ending_tests!`] as well. [`ending_cases`](mod@ending_cases) says what each of
//! those tests checks.
//!
//! # Shared stores
//! Each test draws its keys at random and lists nothing, so tests may run beside
//! each other, and beside anything else, on one server. What they leave there expires within ten
//! minutes.

pub mod cases;
pub mod ending_cases;

mod case;
mod clock;
mod ending_suite;
mod ending_trial;
mod faulty;
mod fixture;
mod model;
mod sample;
mod suite;
mod transactions;
mod trial;

pub use crate::{
    case::{Case, Verdict},
    clock::{Clock, TooSlow},
    ending_suite::ending_cases,
    ending_trial::{EndingCase, EndingTrial},
    faulty::{Fault, FaultyStore},
    fixture::Fixture,
    suite::CASES,
    transactions::{Cut, TransactionError, TransactionalStore},
    trial::Trial,
};
