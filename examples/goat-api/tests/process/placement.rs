//! Idempotency stands on the routes that need it: what is no such route is answered as without it.

use reqwest::{Client, Method};

use crate::program::{Program, command};

#[tokio::test]
async fn where_keys_are_required_an_unknown_path_is_404_and_a_wrong_method_405() {
    let directory = tempfile::tempdir().unwrap();
    let mut strict = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let program = Program::spawn(strict.args(["--profile", "ietf"]));
    let send = async |method: Method, path: &str, key: Option<&str>| {
        let request = Client::new().request(method, format!("{}{path}", program.base));
        let request = request.header("content-type", "application/json");
        let request = key.into_iter().fold(request, |request, key| {
            request.header("idempotency-key", key)
        });
        request.body("{}").send().await.unwrap()
    };
    // No key, one, and one that is malformed.
    for key in [None, Some("k"), Some("a,b")] {
        for method in [Method::POST, Method::PATCH] {
            for (path, status, allow) in [
                ("/nothing", 404, None),
                ("/orders/", 404, None),
                ("/orders/1/items", 404, None),
                ("/orders/1", 405, Some("GET,HEAD")),
                ("/healthz", 405, Some("GET,HEAD")),
                ("/openapi.json", 405, Some("GET,HEAD")),
            ] {
                let answer = send(method.clone(), path, key).await;
                assert_eq!(answer.status(), status, "{method} {path} {key:?}");
                let headers = answer.headers();
                let allowed = headers.get("allow").map(|allow| allow.to_str().unwrap());
                assert_eq!(allowed, allow, "{method} {path}");
                assert!(!headers.contains_key("idempotency-refusal"), "{path}");
            }
        }
        for path in ["/goats", "/orders"] {
            let answer = send(Method::PATCH, path, key).await;
            assert_eq!(answer.status(), 405, "{path}");
        }
    }
    for path in ["/goats", "/orders"] {
        let answer = send(Method::POST, path, None).await;
        assert_eq!(answer.status(), 400);
        let refusal = &answer.headers()["idempotency-refusal"];
        assert_eq!(refusal, "idempotency-key-missing");
    }
}
