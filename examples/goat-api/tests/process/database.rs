//! Files that the market does not take for its own, and those that it takes over.

use std::fs;
use std::path::Path;

use sqlx::{Connection, Executor, SqliteConnection};

use crate::life::assert_refuses_to_start;
use crate::operator::{connect, heidi, post};
use crate::program::{Program, command, ended, list};

/// A file with what a program made in it, closed again.
async fn made(path: &Path, statements: &'static str) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other.execute(statements).await.unwrap();
    other.close().await.unwrap();
}

async fn change(path: &Path, statements: &'static str) {
    let mut other = connect(path).await;
    other.execute(statements).await.unwrap();
    other.close().await.unwrap();
}

async fn stamp(path: &Path) -> (i64, i64) {
    let mut db = connect(path).await;
    let id = sqlx::query_scalar("PRAGMA application_id");
    let id = id.fetch_one(&mut db).await.unwrap();
    let version = sqlx::query_scalar("PRAGMA user_version");
    let version = version.fetch_one(&mut db).await.unwrap();
    db.close().await.unwrap();
    (id, version)
}

const GOAT: i64 = 0x474F_4154;

/// The program starts, registers a goat, and stops; gives how many goats there are then.
async fn a_goat_more(path: &Path) -> usize {
    let program = Program::start(path);
    let answer = post(&program, "/goats", &[], &heidi()).await;
    assert_eq!(answer.status(), 201);
    let goats = list(&program, "goats").await.len();
    program.signal("-TERM");
    assert_eq!(program.finish().1.code(), Some(0));
    goats
}

fn assert_refuses(path: &Path, what: &str, advice: &str) {
    let before = fs::read(path).unwrap();
    let output = ended(&mut command("127.0.0.1:0", path));
    let what = format!("cannot use the database {}: {what}", path.display());
    assert_refuses_to_start(&output, &what, advice);
    assert!(fs::read(path).unwrap() == before, "it is left as it was");
}

#[test]
fn a_file_that_is_no_database_is_called_that_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.txt");
    let long = "Dear Heidi, the goats are well. ".repeat(200);
    for text in ["x", "Dear Heidi", &long] {
        fs::write(&path, text).unwrap();
        assert_refuses(&path, "it is not an SQLite database;", "another file");
    }
}

#[tokio::test]
async fn another_programs_database_is_called_that_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    for (name, made_by_it, reason) in [
        (
            "herd",
            "CREATE TABLE goats (id INTEGER PRIMARY KEY, name TEXT)",
            "it has no table catalog",
        ),
        (
            "songs",
            "CREATE TABLE songs (title TEXT)",
            "it has no table catalog",
        ),
        (
            "stamped",
            "PRAGMA application_id = 1196444487; CREATE TABLE songs (title TEXT)",
            "its application_id is 1196444487",
        ),
        (
            "only-stamped",
            "PRAGMA application_id = 7",
            "its application_id is 7",
        ),
        (
            "versioned",
            "PRAGMA user_version = 3",
            "its user_version is 3",
        ),
        (
            "alike",
            "CREATE TABLE goats (id TEXT); CREATE TABLE catalog (id TEXT); \
             CREATE TABLE orders (id TEXT); CREATE TABLE order_items (id TEXT)",
            "its table catalog is not the market's",
        ),
    ] {
        let path = directory.path().join(name);
        made(&path, made_by_it).await;
        let what = format!("it is another program's database, {reason};");
        assert_refuses(&path, &what, "another file with --database");
    }
}

#[tokio::test]
async fn a_file_of_another_version_is_called_that() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    assert_eq!(a_goat_more(&path).await, 1);
    assert_eq!(stamp(&path).await, (GOAT, 1));
    change(&path, "PRAGMA user_version = 2").await;
    let what = "its schema has version 2, and this program knows version 1;";
    assert_refuses(&path, what, "run the newer version");
    change(&path, "PRAGMA user_version = 0").await;
    let what = "its schema has version 0, and this program knows version 1;";
    assert_refuses(&path, what, "restore it");
    change(&path, "PRAGMA user_version = 1").await;
    assert_eq!(a_goat_more(&path).await, 2);
}

#[tokio::test]
async fn a_file_whose_tables_were_changed_is_called_that() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    assert_eq!(a_goat_more(&path).await, 1);
    change(&path, "ALTER TABLE goats RENAME COLUMN owner TO keeper").await;
    let what = "it was changed by another program: its table goats is not the market's;";
    assert_refuses(&path, what, "restore it");
}

#[tokio::test]
async fn a_file_from_before_the_stamp_is_taken_over_with_its_goats() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    assert_eq!(a_goat_more(&path).await, 1);
    // As it was written before; and what an operator adds does not matter.
    change(&path, "PRAGMA application_id = 0; PRAGMA user_version = 0").await;
    change(
        &path,
        "CREATE INDEX by_owner ON goats (owner); CREATE VIEW v AS SELECT 1",
    )
    .await;
    assert_eq!(stamp(&path).await, (0, 0));
    assert_eq!(a_goat_more(&path).await, 2);
    assert_eq!(stamp(&path).await, (GOAT, 1));
}

#[tokio::test]
async fn a_file_from_before_it_had_records_is_taken_over_with_its_goats() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    assert_eq!(a_goat_more(&path).await, 1);
    change(&path, "DROP TABLE idem_records; DROP TABLE idem_schema").await;
    let key = [("idempotency-key", "k")];
    let mut answers = Vec::new();
    for _ in 0..2 {
        let program = Program::start(&path);
        let answer = post(&program, "/goats", &key, &heidi()).await;
        assert_eq!(answer.status(), 201);
        answers.push(answer.text().await.unwrap());
        assert_eq!(list(&program, "goats").await.len(), 2);
        program.signal("-TERM");
        assert_eq!(program.finish().1.code(), Some(0));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_file_with_records_of_another_version_is_called_that() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    assert_eq!(a_goat_more(&path).await, 1);
    change(&path, "UPDATE idem_schema SET version = 99").await;
    let output = command("127.0.0.1:0", &path).output().unwrap();
    let what = "its idempotency records cannot be used: the tables have schema version 99";
    assert_refuses_to_start(&output, what, "run the version of the market that wrote it");
}

#[tokio::test]
async fn a_file_that_lost_its_middle_is_called_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    assert_eq!(a_goat_more(&path).await, 1);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..4096]).unwrap();
    assert_refuses(&path, "it is damaged: ", "restore it");
}

#[test]
fn an_empty_file_becomes_the_markets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("goats.db");
    fs::write(&path, "").unwrap();
    drop(Program::start(&path));
    assert_ne!(fs::metadata(&path).unwrap().len(), 0);
}

#[test]
fn memory_that_each_connection_has_for_itself_is_no_database() {
    for name in [
        ":memory:",
        "file:goats?mode=memory",
        "file::memory:?cache=shared",
    ] {
        let output = ended(&mut command("127.0.0.1:0", Path::new(name)));
        let what = format!("cannot use the database {name}: it is not a file;");
        assert_refuses_to_start(&output, &what, "name a file");
    }
}
