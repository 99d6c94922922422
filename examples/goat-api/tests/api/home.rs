//! The page at `/` and its files; what they do in a browser is tested in `browser/`.

use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use super::support::{Answer, Server};

/// The paths that a page or one of its modules names.
fn files_in(text: &str) -> Vec<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    let path = |name: &str| {
        let module = name.strip_prefix("./").filter(|name| name.ends_with(".js"));
        module.map_or_else(|| name.to_owned(), |module| format!("/home/{module}"))
    };
    let paths = quoted.map(path).filter(|path| path.starts_with("/home/"));
    paths.collect()
}

pub(crate) fn assert_strict(answer: &Answer) {
    let policy = answer.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn the_page_is_html_under_a_strict_policy() {
    let server = Server::start().await;
    let page = server.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    assert_strict(&page);
    assert!(
        page.body.contains("<title>The goat market"),
        "{}",
        page.body
    );
    // The policy would keep them from running, or from being seen.
    for inline in ["<script>", "<style>", " style=", " onclick="] {
        assert!(!page.body.contains(inline), "{inline}");
    }
    for elsewhere in ["http:", "https:", "=\"//"] {
        assert!(!page.body.contains(elsewhere), "{elsewhere}");
    }
}

#[tokio::test]
async fn every_file_that_the_page_names_is_there() {
    let server = Server::start().await;
    let mut paths = files_in(&server.get("/").await.body);
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        let file = server.get(&path).await;
        assert_eq!(file.status, 200, "{path}");
        assert_strict(&file);
        let content_type = match path.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            other => panic!("{path} is {other:?}"),
        };
        assert_eq!(file.headers[CONTENT_TYPE], content_type, "{path}");
        for path in files_in(&file.body) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        next += 1;
    }
    assert!(paths.len() > 10, "{paths:?}");
}

#[tokio::test]
async fn nothing_else_is_allowed_on_a_page() {
    let server = Server::start().await;
    for path in ["/", "/home/page.css"] {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = Answer::to(server.request(method.clone(), path)).await;
            let message = answer.refusal(405);
            assert!(message.starts_with(method.as_str()), "{message}");
            assert_eq!(answer.headers[ALLOW], "GET,HEAD");
        }
    }
    server.get("/home/").await.refusal(404);
    server.get("/home/nothing.js").await.refusal(404);
}
