//! What the pages say of one another, and of the repository, is so.

#![forbid(unsafe_code)]

mod links;
mod page;
mod snippets;
