//! What is served as it is at a path of its own: pages, and the files that they need.

mod home;

use idem_core::Policy;

use crate::web::answer::Page;
use crate::web::{docs, openapi};

/// All of them; every web framework makes a route of each.
pub(super) fn all(policy: &Policy) -> Vec<Page> {
    let mut pages = home::files();
    pages.push(openapi::page(policy));
    pages.extend(docs::pages());
    pages
}
