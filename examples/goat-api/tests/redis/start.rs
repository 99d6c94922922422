//! Servers that the market does not take, each with what to change.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;

use test_servers::Redis;

/// What the program says before it ends, in one line that has no password.
fn refused(url: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_goat-api"));
    program.env_clear().env("RUST_LOG", "info");
    program
        .current_dir(directory.path())
        .args(["--listen", "127.0.0.1:0", "--store", "redis"])
        .env("GOAT_REDIS_URL", url);
    let Output {
        status,
        stdout,
        stderr,
    } = program.output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(stdout.is_empty());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("sesame"), "{said}");
    assert!(said.contains("check GOAT_REDIS_URL"), "{said}");
    said
}

fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_server_that_cannot_be_reached() {
    let said = refused("redis://heidi:open-sesame@127.0.0.1:1/2");
    let what =
        "cannot use the idempotency store: cannot keep records in redis://heidi@127.0.0.1:1/2: ";
    assert_says(&said, &[what, "Connection refused"]);
}

#[test]
fn a_url_that_cannot_be_read() {
    let said = refused("redis://heidi:open/sesame@cache");
    assert_says(&said, &["redis://…", "%2F"]);
    let said = refused("redis://:open-sesame@cache:port");
    assert_says(&said, &["its URL cannot be read"]);
}

#[test]
fn a_password_that_is_refused() {
    let server = Redis::start().unwrap();
    server
        .command(&["CONFIG", "SET", "requirepass", "other"])
        .unwrap();
    let said = refused(&format!("redis://:open-sesame@127.0.0.1:{}", server.port()));
    assert_says(&said, &["Password authentication failed"]);
    let said = refused(&server.url());
    assert_says(&said, &["NOAUTH"]);
}

// S82
#[test]
fn a_server_that_evicts() {
    let server = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]).unwrap();
    let said = refused(&server.url());
    assert_says(
        &said,
        &["allkeys-lru", "set maxmemory-policy to noeviction"],
    );
}

#[test]
fn a_replica() {
    let (primary, replica) = (Redis::start().unwrap(), Redis::start().unwrap());
    let port = primary.port().to_string();
    replica.command(&["REPLICAOF", "127.0.0.1", &port]).unwrap();
    let said = refused(&replica.url());
    assert_says(&said, &["is a replica", "connect to its primary"]);
}

#[test]
fn a_server_that_is_too_old() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            drop(answer_as_an_old_server(client.unwrap()));
        }
    });
    let said = refused(&format!("redis://127.0.0.1:{port}"));
    assert_says(&said, &["version 5.0.14", "needs Redis 6.2"]);
}

/// Tells its version when it is asked, and takes everything else for granted.
fn answer_as_an_old_server(mut client: TcpStream) -> std::io::Result<()> {
    const INFO: &str = "redis_version:5.0.14\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n";
    let mut lines = BufReader::new(client.try_clone()?).lines();
    while let Some(line) = lines.next() {
        let Some(words) = line?.strip_prefix('*').and_then(|words| words.parse().ok()) else {
            continue;
        };
        let words: usize = words;
        // A word is a line behind one with its length.
        let words: Result<Vec<_>, _> = lines.by_ref().skip(1).step_by(2).take(words).collect();
        match words?.first().map(String::as_str) {
            Some("INFO") => write!(client, "${}\r\n{INFO}\r\n", INFO.len())?,
            _ => client.write_all(b"+OK\r\n")?,
        }
    }
    Ok(())
}
