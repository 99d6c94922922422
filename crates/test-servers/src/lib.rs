#![forbid(unsafe_code)]
//! Servers that tests start for themselves, from the packages of the system.
//!
//! A server is in a temporary folder of its own, listens on a free port of the loopback interface, and ends
//! with the process that started it, however that ends.

mod faulty_proxy;
mod postgres;
mod relay;

pub use crate::{
    faulty_proxy::{Fault, FaultyProxy},
    postgres::{Postgres, StartError},
    relay::{Held, Relay, Sender},
};
