//! The example of an order does what its first lines say.

#![forbid(unsafe_code)]
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use reqwest::{Client, Response, header::CONTENT_TYPE};

const EXAMPLE: &str = "orders";

/// The example as a process, killed if its test fails.
struct Server(Child);

impl Server {
    /// Starts it on a free port, and gives the URL of its orders.
    fn start() -> (Self, String) {
        let mut example = Command::new(example());
        let example = example.arg("127.0.0.1:0").stdout(Stdio::piped());
        let mut child = example.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let server = Self(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let base = line.trim_end().strip_prefix("listening on ").unwrap();
        (server, format!("{base}/orders"))
    }

    /// Stops it as Ctrl-C does, and says whether it ended well.
    fn stop(mut self) -> bool {
        let id = self.0.id().to_string();
        let kill = Command::new("kill").args(["-INT", &id]).status();
        kill.unwrap().success() && self.0.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Cargo names the path of an example to nobody: it is beside the tests.
fn example() -> PathBuf {
    let test = env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap();
    let path = path.join("examples").join(EXAMPLE);
    // It is not there if only some of the package's tests are built.
    if !path.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        let built = cargo.args(["build", "--example", EXAMPLE]).status();
        assert!(built.unwrap().success());
    }
    path
}

async fn order(client: &Client, url: &str, key: &str) -> Response {
    let request = client.post(url).header("idempotency-key", key);
    let request = request.header(CONTENT_TYPE, "application/json");
    let answer = request.body(r#"{"item":"milk"}"#).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer
}

#[tokio::test]
async fn an_order_that_is_sent_twice_is_placed_once() {
    let (server, url) = Server::start();
    let client = Client::new();
    let first = order(&client, &url, "1").await;
    assert!(!first.headers().contains_key("idempotency-replayed"));
    assert_eq!(first.text().await.unwrap(), r#"{"id":1}"#);
    let again = order(&client, &url, "1").await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.text().await.unwrap(), r#"{"id":1}"#);
    let other = order(&client, &url, "2").await;
    assert_eq!(
        other.text().await.unwrap(),
        r#"{"id":2}"#,
        "one came before"
    );
    drop(client);
    assert!(server.stop());
}
