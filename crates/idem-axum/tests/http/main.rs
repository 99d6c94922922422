//! What a client sees through the layer, over a real socket.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod bodies;
mod credentials;
mod duplicates;
mod faults;
mod fingerprint;
mod key;
mod leases;
mod limits;
mod market;
mod memory;
mod nested;
mod replay;
mod results;
mod store;
mod streams;
mod support;
mod tower_services;
mod travelling;
mod vanished;
