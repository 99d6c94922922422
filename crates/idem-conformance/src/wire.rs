//! Requests and answers as they cross the socket.

mod answer;
mod client;
mod connect;
mod raw;
mod request;

pub use answer::Answer;
pub use request::Request;

pub(crate) use client::{Client, NoAnswer, Open};
pub(crate) use connect::Connector;
pub(crate) use raw::Framing;
