#![forbid(unsafe_code)]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
//! Drives any HTTP server over a socket and says which idempotency scenarios it passes.
//!
//! A [`Profile`] says what the server promises and which operations there are; a [`Suite`] plays
//! every [`Scenario`] that the profile allows; the [`Report`] says what came of each, and why.
//!
//! ```no_run
//! use idem_conformance::{Profile, Suite};
//!
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let profile = Profile::from_toml(
//!     r#"
//!     extends = "ietf"
//!
//!     [operation]
//!     path = "/payments"
//!     body = '{"reference":"{unique}","amount":100}'
//!
//!     [effects]
//!     path = "/payments?reference={unique}"
//!     needle = "{unique}"
//!     "#,
//! )?;
//! let report = Suite::new("http://127.0.0.1:3000", profile)?.run().await?;
//! assert!(report.is_conformant(), "{}", report.to_text());
//! # Ok(())
//! # }
//! ```
//!
//! The tool sends requests that take effect: point it at a server for tests. It knows nothing of how
//! the server is written, and needs nothing in it.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `cli` (default) | the program `idem-conformance` |
//! | `tls` (default) | base URLs that start with `https://` |
//!
//! As a library, `default-features = false` saves the dependencies of both.
//!
//! # Where next
//! - [`Profile::from_toml`] and the [built-in profiles](BUILTIN): what a server promises, and how it is asked.
//! - [`Report`]: as text, JSON, `JUnit` and Markdown.
//! - The page on testing a server (`docs/conformance.md` in the repository) has every scenario and every option of a
//!   profile.

mod compare;
mod json;
mod need;
mod profile;
mod redact;
mod report;
mod scenario;
mod scenarios;
mod stage;
mod suite;
mod survey;
mod target;
mod template;
mod tokens;
mod wire;

pub use crate::{
    profile::{BUILTIN, InvalidProfile, Profile},
    report::{Outcome, Report, Verdict},
    scenario::Scenario,
    stage::{Exchange, Failure},
    suite::{InvalidHeader, NothingFoundOut, Suite, Unfit, Unreachable},
    target::InvalidTarget,
    wire::{Answer, Request},
};
