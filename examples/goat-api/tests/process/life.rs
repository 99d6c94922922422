//! How it starts, what it prints and how it stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::program::{Program, a_hundred_orders, command, ended, goat_with_milk, list};

/// Waits until the program takes no more connections: it has seen the signal.
fn wait_until_closed(address: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
        sleep(Duration::from_millis(5));
    }
}

/// Sends what a line of the greeting tells curl to send. The machine need not have curl.
async fn send(line: &str) -> reqwest::Response {
    let quoted: Vec<&str> = line.split('\'').collect();
    let [curl, content_type, _, key, _, body, ""] = quoted[..] else {
        panic!("three quoted arguments: {line}");
    };
    let url = curl
        .strip_prefix("curl -i ")
        .and_then(|rest| rest.strip_suffix(" -H "));
    let mut request = reqwest::Client::new().post(url.expect("the line begins with the URL"));
    for header in [content_type, key] {
        let (name, value) = header.split_once(": ").expect("a header has a colon");
        request = request.header(name, value);
    }
    request
        .body(body.to_owned())
        .send()
        .await
        .expect("it answers")
}

pub(crate) fn assert_refuses_to_start(output: &Output, what: &str, advice: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(what) && stderr.contains(advice), "{stderr}");
    assert!(output.stdout.is_empty());
}

#[tokio::test]
async fn it_greets_with_three_requests_that_show_the_outcomes() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = Program::start(&directory.path().join("goats.db"));
    let mut answers = Vec::new();
    while answers.len() < 3 {
        let mut line = String::new();
        let length = program.stdout.read_line(&mut line).unwrap();
        assert_ne!(length, 0, "the greeting is too short");
        if line.starts_with("curl ") {
            let response = send(line.trim_end()).await;
            let replayed = response.headers().contains_key("idempotency-replayed");
            answers.push((
                response.status().as_u16(),
                replayed,
                response.text().await.unwrap(),
            ));
        }
    }
    let (original, replay, refused) = (&answers[0], &answers[1], &answers[2]);
    assert_eq!((original.0, original.1), (201, false));
    assert_eq!((replay.0, replay.1, &replay.2), (201, true, &original.2));
    assert_eq!((refused.0, refused.1), (400, false));
    assert_eq!(list(&program, "goats").await.len(), 1);
    program.signal("-TERM");
    assert_eq!(program.finish().1.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_concurrent_duplicates_one_order_is_placed() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(&directory.path().join("goats.db"));
    let goat = goat_with_milk(&program).await;
    let bodies = a_hundred_orders(&[&program], &goat).await;
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(list(&program, "orders").await.len(), 1);
}

#[tokio::test]
async fn it_stops_cleanly_and_its_data_survives() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    for (already, signal) in [(0, "-TERM"), (1, "-INT"), (2, "-TERM")] {
        let program = Program::start(&database);
        assert_eq!(list(&program, "goats").await.len(), already);
        let goat = r#"{"name":"Heidi","owner":"Peter","breed":"Nubian"}"#;
        let request = reqwest::Client::new().post(format!("{}/goats", program.base));
        let request = request
            .header("content-type", "application/json")
            .body(goat);
        assert_eq!(request.send().await.unwrap().status(), 201);
        program.signal(signal);
        let (printed, status) = program.finish();
        assert_eq!(status.code(), Some(0), "{printed}");
        // The last connection to close takes the write-ahead log back into the file.
        assert!(!directory.path().join("goats.db-wal").exists());
    }
}

#[test]
fn a_request_that_is_running_is_still_answered() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(&directory.path().join("goats.db"));
    let address = program.base.strip_prefix("http://").unwrap();
    let goat = r#"{"name":"Heidi","owner":"Peter","breed":"Nubian"}"#;
    let mut client = TcpStream::connect(address).unwrap();
    let head = "POST /goats HTTP/1.1\r\nHost: goats\r\nContent-Type: application/json";
    write!(client, "{head}\r\nContent-Length: {}\r\n", goat.len()).unwrap();
    write!(client, "Expect: 100-continue\r\n\r\n").unwrap();
    let mut interim = [0; 25];
    client.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

    program.signal("-TERM");
    wait_until_closed(address);
    client.write_all(goat.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert_eq!(program.finish().1.code(), Some(0));
}

#[tokio::test]
async fn an_order_whose_client_hung_up_is_placed_before_it_stops() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let mut delayed = command("127.0.0.1:0", &database);
    delayed
        .args(["--order-delay", "1s"])
        .env("RUST_LOG", "idem_core=debug");
    let mut program = Program::spawn(delayed.stderr(Stdio::piped()));
    let goat = goat_with_milk(&program).await;

    let order =
        json!({"items": [{"goatId": goat, "catalogItem": "Milk", "quantity": 1}]}).to_string();
    let mut client = TcpStream::connect(program.base.strip_prefix("http://").unwrap()).unwrap();
    let head = "POST /orders HTTP/1.1\r\nHost: goats\r\nContent-Type: application/json";
    let length = order.len();
    write!(
        client,
        "{head}\r\nIdempotency-Key: k\r\nContent-Length: {length}\r\n\r\n{order}"
    )
    .unwrap();
    let log = BufReader::new(program.child.stderr.take().unwrap());
    let runs = |line: &std::io::Result<String>| {
        line.as_ref()
            .is_ok_and(|line| line.contains("outcome=\"execute\""))
    };
    let mut log = log.lines();
    assert!(log.any(|line| runs(&line)), "the order is being placed");
    drop(client);
    program.signal("-TERM");
    assert!(
        log.all(|line| line.is_ok()),
        "the log goes on to the program's end"
    );
    assert_eq!(program.finish().1.code(), Some(0));

    let program = Program::start(&database);
    assert_eq!(list(&program, "orders").await.len(), 1);
}

#[test]
fn a_second_signal_stops_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(&directory.path().join("goats.db"));
    let address = program.base.strip_prefix("http://").unwrap().to_owned();
    let mut hanging = TcpStream::connect(&address).unwrap();
    write!(
        hanging,
        "POST /goats HTTP/1.1\r\nHost: goats\r\nContent-Length: 9\r\n"
    )
    .unwrap();
    write!(
        hanging,
        "Content-Type: text/json+json\r\nExpect: 100-continue\r\n\r\n"
    )
    .unwrap();
    hanging.read_exact(&mut [0; 25]).unwrap();
    program.signal("-INT");
    wait_until_closed(&address);
    program.signal("-INT");
    assert_eq!(program.finish().1.code(), Some(0));
}

#[test]
fn a_taken_port_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = ended(&mut command(&address, &directory.path().join("goats.db")));
    let what = format!("cannot listen on {address}: Address already in use");
    assert_refuses_to_start(&output, &what, "--listen");
}

#[test]
fn a_database_that_cannot_be_used_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    for path in [&directory.path().join("missing/goats.db"), directory.path()] {
        let output = ended(&mut command("127.0.0.1:0", path));
        let what = format!("cannot use the database {}: could not ", path.display());
        assert_refuses_to_start(&output, &what, "--database");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr.matches("(code: ").count(), 1, "{stderr}");
    }
}

#[cfg(not(all(feature = "actix", feature = "axum")))]
#[test]
fn a_framework_that_was_not_built_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let missing = if cfg!(feature = "axum") {
        "actix"
    } else {
        "axum"
    };
    let output = ended(command.args(["--framework", missing]));
    let advice = format!("--features {missing}");
    assert_refuses_to_start(&output, "this build has no", &advice);
}

#[cfg(not(feature = "momento"))]
#[test]
fn a_store_that_was_not_built_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let output = ended(command.args(["--store", "momento"]));
    assert_refuses_to_start(&output, "this build has no Momento", "--features momento");
}

#[cfg(not(feature = "dynamodb"))]
#[test]
fn a_database_that_was_not_built_is_a_clear_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goat-api"));
    let command = command.env_clear();
    let output = ended(command.args(["--listen", "127.0.0.1:0", "--dynamodb-table", "goats"]));
    let advice = "build with `--features dynamodb`";
    assert_refuses_to_start(&output, "this build has no DynamoDB", advice);
}

#[test]
fn the_environment_stands_behind_the_flags() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goat-api"));
    let command = command.env_clear();
    let output = ended(command.env("GOAT_LISTEN", "127.0.0.1:not-a-port"));
    assert_refuses_to_start(&output, "cannot listen on 127.0.0.1:not-a-port", "--listen");
}

#[cfg(not(feature = "lambda"))]
#[test]
fn an_instance_of_a_lambda_function_without_lambda_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("127.0.0.1:0", &directory.path().join("goats.db"));
    let command = command.env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001");
    let output = ended(command);
    assert_refuses_to_start(&output, "this build has no Lambda", "--features lambda");
}
