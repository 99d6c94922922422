//! The page at `/`, which shows a person what an idempotency key does to an order.
//!
//! It is plain HTML, CSS and JavaScript modules, one job a file, compiled in from the folder `home/`.

use crate::web::answer::{Answer, Page};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The page runs its own files, asks its own server, and nothing else.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         object-src 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    // A market that was built anew must not meet the scripts of the one before.
    ("cache-control", "no-cache"),
];

macro_rules! file {
    ($path:literal, $content_type:ident, $name:literal) => {
        page(
            $path,
            $content_type,
            include_bytes!(concat!("home/", $name)),
        )
    };
}

pub(super) fn files() -> Vec<Page> {
    vec![
        file!("/", HTML, "index.html"),
        file!("/home/page.css", CSS, "page.css"),
        file!("/home/goat.svg", SVG, "goat.svg"),
        file!("/home/page.js", JAVASCRIPT, "page.js"),
        file!("/home/actions.js", JAVASCRIPT, "actions.js"),
        file!("/home/api.js", JAVASCRIPT, "api.js"),
        file!("/home/attempts.js", JAVASCRIPT, "attempts.js"),
        file!("/home/key.js", JAVASCRIPT, "key.js"),
        file!("/home/orders.js", JAVASCRIPT, "orders.js"),
        file!("/home/outcome.js", JAVASCRIPT, "outcome.js"),
        file!("/home/shop.js", JAVASCRIPT, "shop.js"),
        file!("/home/timeline.js", JAVASCRIPT, "timeline.js"),
        file!("/home/words.js", JAVASCRIPT, "words.js"),
    ]
}

fn page(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Page {
    let answer = Answer {
        headers: HEADERS,
        ..Answer::file(content_type, bytes)
    };
    Page::new(path, answer)
}
