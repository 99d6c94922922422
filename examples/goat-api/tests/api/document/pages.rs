//! `/docs` shows the document with nothing from elsewhere.

use std::time::Duration;

use idem_core::Policy;

use crate::support::Server;

/// What an attribute of this name is set to, wherever it is.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let values = page.split(attribute).skip(1);
    values
        .filter_map(|rest| rest.strip_prefix("=\"")?.split('"').next())
        .collect()
}

#[tokio::test]
async fn the_browser_of_the_api_loads_what_this_server_has_and_nothing_else() {
    let server = Server::whole(Policy::reference(), Duration::ZERO).await;
    let page = server.get("/docs").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let start = server.get("/docs/start.js").await;
    assert!(
        start.body.contains("fetch(\"/openapi.json\")"),
        "{}",
        start.body
    );
    assert!(start.body.contains("validatorUrl: null"), "{}", start.body);
    for text in [&page.body, &start.body] {
        assert!(!text.contains("://"), "{text}");
    }
    let policy = values(&page.body, "content")
        .into_iter()
        .find(|value| value.starts_with("default-src"));
    assert!(
        policy.unwrap().starts_with("default-src 'self';"),
        "{policy:?}"
    );
    let files = [values(&page.body, "src"), values(&page.body, "href")].concat();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert!(file.starts_with('/') && !file.starts_with("//"), "{file}");
        let answer = server.get(file).await;
        assert_eq!(answer.status, 200, "{file}");
    }
    let style = server.get("/docs/swagger-ui.css").await.body;
    for address in style.split("url(").skip(1) {
        assert!(
            address.trim_start_matches(['"', '\'']).starts_with("data:"),
            "{:.60}",
            address
        );
    }
    assert!(!style.contains("@import"));
}
