//! What the pages say of one another, and of the repository, is so.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod diagrams;
mod evidence;
mod layers;
mod links;
mod packaged;
mod page;
mod reference;
mod release;
mod snippets;
