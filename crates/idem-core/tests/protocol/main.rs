//! The protocol as a model, every reachable state of which is checked.
//!
//! Some requests carry one key to servers that share a store. What the store answers is the
//! contract in `store.rs` of the crate, and what a request does with the answer is the crate's own
//! [`decide`](idem_core::adapter::decide). Between the two there is a network: a message may land at any
//! later time, after its sender gave up or crashed too, or never; a reply may be lost. A lease may
//! run out at any time, whether its owner lives or not.
//!
//! A request is one attempt of one client. A client that lost its answer and asks again is another
//! request, with a token of its own; so is another client, and the model need not tell the two
//! apart. A client that disconnects changes nothing at the server.
//!
//! # Bounds
//! Three requests. A claim is asked twice at most, always with the same token, and a completion is
//! sent twice; one server crashes; one retention ends. Leases run out without a bound of their own.
//! A renewal changes nothing where a lease may run out at any time, so only one world has renewals
//! (one for each execution), and like those with a second fingerprint or a disconnect it sends each
//! completion once. One test, ignored because it takes minutes, has all of it at once. Of states
//! that differ only in which of several alike requests is which, one is visited.
//!
//! In these worlds a handler has its effect before its record is sent. Those in which both are one
//! commit are in [`enlisted`].
//!
//! The search is our own, a page of it: stateright, which would do, brings a web server along.
//!
//! # Left out
//! All asks of one claim together are waited for less long than its lease, counted from the first;
//! [`Flaw::WaitPastLease`](store::Flaw::WaitPastLease) shows why. A process may stop between the
//! answer to its claim and the first line of its handler for longer than its lease: no store can
//! see that, and here the two are one step. A message that is lost is one that never lands, and a
//! handler that fails has had no effect.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod enlisted;
mod explore;
mod flaws;
mod history;
mod intact;
mod memory;
mod model;
mod properties;
mod request;
mod state;
mod step;
mod store;
