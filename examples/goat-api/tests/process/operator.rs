//! What an operator does from outside: asks for metrics, and holds the market's database.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinHandle;

use super::program::Program;

/// How long the machine may take for a thing that happens by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Series by their name and labels, as `name{a="b"}`.
pub(crate) type Series = BTreeMap<String, f64>;

pub(crate) async fn text(program: &Program, path: &str) -> String {
    let answer = reqwest::get(format!("{}{path}", program.base)).await;
    answer.unwrap().text().await.unwrap()
}

pub(crate) async fn scrape(program: &Program) -> Series {
    let text = text(program, "/metrics").await;
    let lines = text.lines();
    let series = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let series = series.map(|line| line.rsplit_once(' ').expect("a value stands last"));
    series
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect()
}

/// Those of one metric, by their labels.
pub(crate) fn of(series: &Series, metric: &str) -> Series {
    let of_it = |name: &str| name.strip_prefix(metric).map(str::to_owned);
    let named = series.iter().filter_map(|(name, value)| {
        let labels = of_it(name).filter(|rest| rest.is_empty() || rest.starts_with('{'))?;
        Some((labels, *value))
    });
    named.collect()
}

/// Waits until the metrics are as they should be.
pub(crate) async fn until(program: &Program, name: &str, value: f64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let series = scrape(program).await;
        if series.get(name) == Some(&value) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{name} never was {value}: {series:#?}"
        );
    }
}

/// Waits until a path answers with this status, and gives the body.
pub(crate) async fn until_status(program: &Program, path: &str, status: u16) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = reqwest::get(format!("{}{path}", program.base)).await;
        let answer = answer.unwrap();
        if answer.status() == status {
            return answer.json().await.unwrap();
        }
        assert!(Instant::now() < deadline, "{path} never answered {status}");
    }
}

/// Keeps all others from writing until it is dropped: an order that is being placed waits.
pub(crate) struct Held(SqliteConnection);

pub(crate) async fn connect(database: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}", database.display());
    SqliteConnection::connect(&url).await.unwrap()
}

impl Held {
    pub(crate) async fn hold(database: &Path) -> Self {
        let mut connection = connect(database).await;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .unwrap();
        Self(connection)
    }

    pub(crate) async fn let_go(self) {
        self.0.close().await.unwrap();
    }
}

pub(crate) fn heidi() -> String {
    json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"}).to_string()
}

pub(crate) fn order_of(goat: &str, item: &str) -> String {
    json!({"items": [{"goatId": goat, "catalogItem": item, "quantity": 1}]}).to_string()
}

/// A POST of JSON with these headers.
pub(crate) async fn post(
    program: &Program,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let mut request = Client::new()
        .request(Method::POST, format!("{}{path}", program.base))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_owned()).send().await.unwrap()
}

/// The same, in a task: it is answered later.
pub(crate) fn post_later(
    program: &Program,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> JoinHandle<u16> {
    let mut request = Client::new()
        .post(format!("{}{path}", program.base))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.to_owned());
    tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
}

/// Sends a POST of JSON whose client can [hang up](hang_up).
pub(crate) fn post_raw(
    program: &Program,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> TcpStream {
    post_bytes(program, path, headers, body, body.len())
}

fn post_bytes(
    program: &Program,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
    length: usize,
) -> TcpStream {
    let mut client = TcpStream::connect(program.base.strip_prefix("http://").unwrap()).unwrap();
    let mut head =
        format!("POST {path} HTTP/1.1\r\nHost: goats\r\nContent-Type: application/json\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    write!(client, "{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
    client
}

/// Begins a POST of JSON whose rest does not come.
pub(crate) fn post_part(program: &Program, path: &str, headers: &[(&str, &str)]) -> TcpStream {
    post_bytes(program, path, headers, "{\"items\":", 9000)
}

/// Closes a connection so that its server sees it at once, where half-closed ones are served too.
pub(crate) fn hang_up(client: TcpStream) {
    let client = socket2::Socket::from(client);
    client.set_linger(Some(Duration::ZERO)).unwrap();
}
