//! The life of an execution: its lease, its end, what the store may do to it, and who waits for it.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod admission;
mod caching;
mod endings;
mod ends;
mod events;
mod handing_over;
mod leases;
mod log;
mod operator;
mod own_lease;
mod panics;
mod planted;
mod recalling;
mod results;
mod retry_after;
mod running;
mod settings;
mod store_faults;
mod support;
mod travelling;
mod waiting;
mod waiting_together;
mod wrapped;
