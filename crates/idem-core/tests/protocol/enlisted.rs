//! Worlds in which a handler's effect and its record are one commit.
//!
//! The handler writes in a database transaction. Once it has returned, the completed record is
//! written in that same transaction by a fenced statement, and COMMIT makes both visible or
//! neither. The statement locks the key's row until the transaction ends, whatever it found there.
//! Another such statement, a takeover and a release wait for that lock and then judge the row as it
//! is, as they do at READ COMMITTED. A duplicate reads the row and does not wait.
//!
//! The network is that of the other worlds: any reply may be lost, and a message may land after its
//! sender gave up or crashed, or never. The database may roll a transaction back at any time before
//! its COMMIT lands, because it noticed that the client is gone, or because a serialization or a
//! deferred constraint failed. What a client was told is part of the state.
//!
//! # What the server does
//! - To keep a response it sends the statement, then COMMIT, then the answer.
//! - If the response is not kept, or the statement failed or found the lease lost, it sends
//!   ROLLBACK, and the release once that has ended. If it never hears that ROLLBACK ended, it
//!   releases nothing.
//! - If COMMIT is in doubt, it sends the release as its question. That waits for the row, so its
//!   answer is final. Without an answer the client gets a 503, and the key is left to its lease.
//! - If the release found nothing of its own, the server looks up what a duplicate gets now. A
//!   record of its own is answered from the store, since another delivery may have made it.
//!
//! Running the work again after a certain rollback needs no step here: it is a handler that runs in
//! a new transaction under the same lease, and its release has not been sent.
//!
//! # Bounds
//! Three requests, as in the other worlds. A claim is asked once, since what follows an owned claim
//! is what is new. One world has a crash and the end of a retention. In another a queue delivers a
//! lease twice, so that two transactions carry one token. An ignored test has all of it at once, and
//! asks each claim twice.
//!
//! # Left out
//! A doubt about a COMMIT is settled or given up before the retention of that record ends.

mod ending;
mod flaws;
mod intact;
mod step;
mod truth;
mod wire;

pub(crate) use self::{
    ending::{Ending, Told, Transaction},
    wire::Wire,
};
