//! The clients against servers on real ports, and the tower layer on a paused clock.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod bytes;
mod limits;
mod market;
mod observed;
mod providers;
mod redirects;
mod scripted;
mod stub;
mod unnamed;
