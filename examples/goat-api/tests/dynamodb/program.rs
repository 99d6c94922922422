//! The program on a table in a stand-in for DynamoDB.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running program, killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) base: String,
    /// Open as long as the program may print.
    _stdout: BufReader<ChildStdout>,
}

/// The program that `.ci/serverless` has built, if that runs the test.
pub(crate) fn given() -> Option<PathBuf> {
    std::env::var_os("GOAT_API_SERVERLESS").map(PathBuf::from)
}

/// The name of a table that no other test uses.
pub(crate) fn fresh_table() -> String {
    format!("goats-{}", uuid::Uuid::now_v7())
}

/// The program on a free port; where the table is, the environment says.
pub(crate) fn command(program: &Path, table: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("RUST_LOG", "off")
        .args(["--listen", "127.0.0.1:0", "--dynamodb-table", table]);
    command
}

impl Program {
    pub(crate) fn start(program: &Path, table: &str, flags: &[impl AsRef<OsStr>]) -> Self {
        Self::spawn(command(program, table).args(flags))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let spawned = command.stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("stdout is text");
        let base = line.trim_end().strip_prefix("goat market on ");
        let base = base.expect("the first line has the address").to_owned();
        Self {
            child,
            base,
            _stdout: stdout,
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
