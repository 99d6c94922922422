//! `HEAD`, where no gateway counts the bytes itself.

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};

use crate::home::assert_strict;
use crate::support::{Answer, Server};

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = Server::start().await;
    for path in ["/", "/home/page.js"] {
        let get = server.get(path).await;
        let head = Answer::to(server.request(Method::HEAD, path)).await;
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.headers[CONTENT_TYPE], get.headers[CONTENT_TYPE]);
        assert_eq!(head.headers[CONTENT_LENGTH], get.body.len().to_string());
        assert_strict(&head);
        assert_eq!(head.body, "");
    }
}
