//! `/docs`: a browser for the API, which loads nothing from anywhere else.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use utoipa_swagger_ui::Config;

use crate::web::answer::{Answer, Page};

/// The page, and the files that it needs.
pub(super) fn pages() -> Vec<Page> {
    let page = Answer::file("text/html; charset=utf-8", include_str!("docs/index.html"));
    let start = Answer::file(SCRIPT, include_str!("docs/start.js"));
    vec![
        Page::new("/docs", page),
        Page::new("/docs/start.js", start),
        part("/docs/swagger-ui-bundle.js", SCRIPT),
        part("/docs/swagger-ui.css", "text/css; charset=utf-8"),
        part("/docs/favicon-32x32.png", "image/png"),
    ]
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of Swagger UI's, which its crate has compiled in.
fn part(path: &'static str, content_type: &'static str) -> Page {
    let name = path.trim_start_matches("/docs/");
    let file = utoipa_swagger_ui::serve(name, Arc::new(Config::default()));
    let file = file.ok().flatten().expect("Swagger UI has this file");
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    Page::new(path, Answer::file(content_type, bytes))
}
