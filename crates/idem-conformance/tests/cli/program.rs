//! The program, run to its end.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program with arguments, and with variables in its environment.
pub(crate) async fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idem-conformance"));
    command.args(arguments).envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) async fn run(arguments: &[&str]) -> Ran {
    run_with(arguments, &[]).await
}

/// A file in a directory that is gone with it.
pub(crate) struct File {
    _directory: TempDir,
    path: PathBuf,
}

impl File {
    pub(crate) fn new(content: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, content).unwrap();
        Self {
            _directory: directory,
            path,
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    pub(crate) fn content(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

/// The profile of the tests' market.
pub(crate) fn market() -> File {
    File::new(include_str!("../market/market.toml"))
}
