//! What is served as it is at a path of its own: pages, and the files that they need.

mod home;

use crate::web::answer::Answer;

/// A path, and what `GET` gives there.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) answer: Answer,
}

/// All of them; every web framework makes a route of each.
pub(super) fn all() -> Vec<Page> {
    home::files()
}
