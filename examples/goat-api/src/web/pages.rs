//! What is served as it is at a path of its own: pages, and the files that they need.

mod home;

use idem_core::Policy;

use crate::web::answer::Answer;
use crate::web::{docs, openapi};

/// A path, and what `GET` gives there.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) answer: Answer,
}

impl Page {
    pub(super) const fn new(path: &'static str, answer: Answer) -> Self {
        Self { path, answer }
    }
}

/// All of them; every web framework makes a route of each.
pub(super) fn all(policy: &Policy) -> Vec<Page> {
    let mut pages = home::files();
    pages.push(openapi::page(policy));
    pages.extend(docs::pages());
    pages
}
