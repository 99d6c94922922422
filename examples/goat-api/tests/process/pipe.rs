//! Nobody reads what it prints: its stdout and stderr are pipes that are closed.

use std::process::{Command, Stdio};

use sqlx::Connection;

use crate::operator::{connect, heidi, post, until_status};
use crate::program::{Program, command, list};

/// What is in front of `| head -1` once that has read its line.
fn closed(command: &mut Command) -> Program {
    let mut program = Program::spawn(command.stderr(Stdio::piped()));
    drop(program.child.stderr.take());
    let nothing = Command::new("true").stdout(Stdio::piped()).spawn();
    let mut nothing = nothing.unwrap();
    let empty = std::io::BufReader::new(nothing.stdout.take().unwrap());
    drop(std::mem::replace(&mut program.stdout, empty));
    nothing.wait().unwrap();
    program
}

#[tokio::test]
async fn with_nobody_to_read_its_log_it_answers_and_stops() {
    for format in ["text", "json"] {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("goats.db");
        let mut command = command("127.0.0.1:0", &database);
        let command = command.args(["--log-format", format]);
        let command = command.env("RUST_LOG", "trace,no=such=level");
        let program = closed(command);
        for key in ["a", "b", "a"] {
            let headers = [("idempotency-key", key)];
            let answer = post(&program, "/goats", &headers, &heidi()).await;
            assert_eq!(answer.status(), 201);
        }
        // A failure is logged as an error, with its cause.
        let mut other = connect(&database).await;
        for rename in [
            "ALTER TABLE goats RENAME TO gone",
            "ALTER TABLE gone RENAME TO goats",
        ] {
            let failed = post(&program, "/goats", &[], &heidi()).await;
            assert_eq!(
                failed.status(),
                if rename.contains("TO goats") {
                    500
                } else {
                    201
                }
            );
            sqlx::query(rename).execute(&mut other).await.unwrap();
        }
        other.close().await.unwrap();
        until_status(&program, "/readyz", 200).await;
        assert_eq!(list(&program, "goats").await.len(), 3);
        program.signal("-TERM");
        assert_eq!(program.finish().1.code(), Some(0));
    }
}

#[test]
fn with_nobody_to_read_why_it_does_not_start_it_still_says_so_by_its_exit_code() {
    for (argument, code) in [
        ("--listen=nowhere", 1),
        ("--listn=nowhere", 2),
        ("--help", 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let directory = tempfile::tempdir().unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_goat-api"))
            .env_clear()
            .current_dir(directory.path())
            .arg(argument)
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .status();
        assert_eq!(ended.unwrap().code(), Some(code), "{argument}");
    }
}
