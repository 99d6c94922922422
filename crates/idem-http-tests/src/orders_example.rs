//! The example of an order, which each adapter has.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use reqwest::{Client, Response, header::CONTENT_TYPE};

/// Starts a package's example of an order, and sends orders twice.
///
/// # Panics
/// If one is placed twice, or the example does not stop as it should.
pub async fn an_order_that_is_sent_twice_is_placed_once(example: &str) {
    let (server, url) = Server::start(example);
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

/// The example as a process, killed if its test fails.
struct Server(Child);

impl Server {
    /// Starts it on a free port, and gives the URL of its orders.
    fn start(example: &str) -> (Self, String) {
        let mut example = Command::new(path(example));
        let example = example.arg("127.0.0.1:0").stdout(Stdio::piped());
        let mut child = example.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let server = Self(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let base = line.trim_end().strip_prefix("listening on ").unwrap();
        (server, format!("{base}/orders"))
    }

    /// Stops it by the signal of `Ctrl-C`, and says whether it ended well.
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
fn path(example: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap();
    let path = path.join("examples").join(example);
    // It is not there if only some of the package's tests are built.
    if !path.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        let built = cargo.args(["build", "--example", example]).status();
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
