//! Databases that the market does not take for its own, and servers that it cannot ask.

use std::process::{Command, Output};

use crate::server::{fresh_database, run};

/// What the program says before it ends, in one line that has no password.
fn refused(url: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_goat-api"));
    program.env_clear().env("RUST_LOG", "info");
    program
        .args(["--listen", "127.0.0.1:0"])
        .env("GOAT_DATABASE", url);
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
    said
}

#[test]
fn a_server_that_cannot_be_reached_is_a_clear_error() {
    let said = refused("postgres://heidi:open-sesame@127.0.0.1:1/goats?sslmode=disable");
    let what =
        "cannot use the database postgres://heidi@127.0.0.1:1/goats: could not open the database: ";
    assert!(
        said.contains(what) && said.contains("Connection refused"),
        "{said}"
    );
    assert!(said.contains("see that the server runs"), "{said}");
}

#[test]
fn a_url_that_cannot_be_read_is_a_clear_error() {
    for (url, problem) in [
        (
            "postgres://heidi:open/sesame@db/goats",
            "its URL cannot be read",
        ),
        (
            "postgres://db/goats?pasword=sesame",
            "its URL has the parameter pasword",
        ),
    ] {
        let said = refused(url);
        assert!(
            said.contains(problem) && said.contains("write it as"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_a_clear_error() {
    let url = fresh_database()
        .await
        .replace("postgres@", "postgres:open-sesame@");
    let said = refused(&url.replace("/goats_", "/no_goats_"));
    assert!(
        said.contains("does not exist") && said.contains("createdb"),
        "{said}"
    );
}

#[tokio::test]
async fn another_programs_database_is_called_that_and_left_alone() {
    let url = fresh_database().await;
    run(&url, "CREATE TABLE orders (number int)").await;
    let said = refused(&url);
    assert!(
        said.contains("it has a table orders of another program"),
        "{said}"
    );
    // Nothing was made.
    run(&url, "CREATE TABLE goats (); CREATE TABLE idem_records ()").await;
}

#[tokio::test]
async fn a_database_of_another_version_is_called_that() {
    let url = fresh_database().await;
    run(
        &url,
        "CREATE TABLE goat_market (version integer); INSERT INTO goat_market VALUES (2)",
    )
    .await;
    let said = refused(&url);
    let what = "its schema has version 2, and this program knows version 1";
    assert!(
        said.contains(what) && said.contains("run the newer version"),
        "{said}"
    );
}
