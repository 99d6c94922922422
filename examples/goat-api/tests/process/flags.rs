//! Flags that would have no effect, and an environment that is there for others.

use std::path::Path;
use std::process::Command;

use crate::program::{Program, ended};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goat-api"));
    command.env_clear().env("GOAT_FRAMEWORK", crate::FRAMEWORK);
    command
}

/// What it says before it does anything.
fn refused(command: &mut Command) -> String {
    // Where it leaves a database if it starts after all.
    let directory = tempfile::tempdir().unwrap();
    let output = ended(command.current_dir(directory.path()));
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_would_be_ignored_is_refused() {
    let endpoint = ["--momento-endpoint", "http://127.0.0.1:1"];
    let said = refused(program().args(endpoint));
    let expected = "--momento-endpoint would have no effect without --store momento";
    assert!(said.contains(expected), "{said}");
    // What is in the environment is no excuse for a flag.
    let said = refused(program().env("GOAT_STORE", "memory").args(endpoint));
    assert!(said.contains(expected), "{said}");
    let said = refused(program().args(["--lease", "1ns"]));
    assert!(said.contains("from 1s to 1day"), "{said}");
    let said = refused(program().env("GOAT_RETENTION", "1000000000y"));
    assert!(said.contains("from 1s to 100y"), "{said}");
}

#[test]
fn an_environment_for_others_does_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    let others = [
        ("MOMENTO_API_KEY", "k"),
        ("MOMENTO_ENDPOINT", "e"),
        ("GOAT_MOMENTO_CACHE", "c"),
        ("GOAT_MOMENTO_ENDPOINT", "http://127.0.0.1:1"),
        ("GOAT_MOMENTO_SECRET", "s"),
        ("GOAT_LEASE_MARGIN", "1s"),
        ("GOAT_DYNAMODB_TABLE", "goats"),
        ("GOAT_REDIS_URL", "redis://:open-sesame@cache"),
    ];
    let started = |path: &Path| {
        let mut command = program();
        let command = command.args(["--listen", "127.0.0.1:0", "--store", "memory"]);
        drop(Program::spawn(
            command.arg("--database").arg(path).envs(others),
        ));
    };
    let path = directory.path().join("goats.db");
    started(&path);
    assert!(path.exists(), "the flag wins over the variable");
}

#[test]
fn the_help_does_not_show_the_databases_password() {
    let url = "postgres://heidi:open-sesame@localhost/goats";
    let help = program().env("GOAT_DATABASE", url).arg("--help").output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    assert!(
        help.contains("GOAT_DATABASE") && !help.contains("sesame"),
        "{help}"
    );
}
