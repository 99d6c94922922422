//! The API over a real socket and a real SQLite file.

#![forbid(unsafe_code)]

mod catalog;
mod goats;
mod orders;
mod refusals;
mod support;
