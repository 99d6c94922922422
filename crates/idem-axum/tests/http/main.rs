//! What a client sees through the layer, over a real socket.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod credentials;
mod duplicates;
mod expiry;
mod faults;
mod fingerprint;
mod key;
mod limits;
mod replay;
mod support;
mod tower_services;
mod vanished;
