//! A disk that fills up, and has room again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};

use crate::FRAMEWORK;
use crate::operator::{heidi, post, until_status};
use crate::program::{Program, list};

/// A program whose disk can be filled.
trait Disk {
    fn program(&self) -> &Program;
    fn fill(&self);
    fn free(&self);
}

/// The program, started by a shell that has prepared its surroundings.
fn spawn(shell: &mut Command, script: &str, database: &Path) -> Program {
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--framework",
        FRAMEWORK,
        "--lease",
        "1s",
    ];
    let shell = shell
        .args(["-c", &format!("{script}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_goat-api"))
        .args(arguments)
        .arg("--database")
        .arg(database)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("RUST_LOG", "error");
    Program::spawn(shell)
}

/// A limit on the size of its files, its log included: for anybody, anywhere.
struct Limited {
    program: Program,
    _directory: tempfile::TempDir,
}

impl Limited {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Beyond the limit a write fails, instead of ending the process by a signal.
        let script = "trap '' XFSZ";
        let database = directory.path().join("goats.db");
        let log = File::create(directory.path().join("log")).unwrap();
        let program = spawn(Command::new("sh").stderr(log), script, &database);
        Self {
            program,
            _directory: directory,
        }
    }

    fn limit(&self, limit: &str) {
        let process = self.program.child.id().to_string();
        let limit = format!("--fsize={limit}:unlimited");
        let mut prlimit = Command::new("prlimit");
        let limited = prlimit.args(["--pid", &process, &limit]).status();
        assert!(limited.expect("prlimit runs").success());
    }
}

impl Disk for Limited {
    fn program(&self) -> &Program {
        &self.program
    }

    fn fill(&self) {
        self.limit("0");
    }

    fn free(&self) {
        self.limit("unlimited");
    }
}

/// A file system of its own, of a megabyte.
struct Small(Program);

impl Small {
    /// `None` where nothing may be mounted.
    fn start() -> Option<Self> {
        let mount = "mount -t tmpfs -o size=1m none /mnt";
        let spaces = ["--user", "--map-root-user", "--mount", "sh"];
        let mut tried = Command::new("unshare");
        let tried = tried.args(spaces).args(["-c", mount]).output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            return None;
        }
        let mut shell = Command::new("unshare");
        let shell = shell.args(spaces);
        Some(Self(spawn(shell, mount, Path::new("/mnt/goats.db"))))
    }

    /// As the program sees it.
    fn filler(&self) -> PathBuf {
        let root = format!("/proc/{}/root", self.0.child.id());
        Path::new(&root).join("mnt/filler")
    }
}

impl Disk for Small {
    fn program(&self) -> &Program {
        &self.0
    }

    fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        // The last pieces are small, so that nothing is left.
        for size in [4096, 1] {
            let piece = vec![0; size];
            while filler.write_all(&piece).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

async fn readiness(program: &Program) -> (u16, Value) {
    let answer = reqwest::get(format!("{}/readyz", program.base)).await;
    let answer = answer.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn register(program: &Program, key: &str) -> u16 {
    let headers = [("idempotency-key", key)];
    let answer = post(program, "/goats", &headers, &heidi()).await;
    answer.status().as_u16()
}

/// Asks until the answer is there: a key whose record could not be taken back is free after its lease.
async fn register_at_last(program: &Program, key: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match register(program, key).await {
            201 => return,
            202 => assert!(Instant::now() < deadline, "the key is still taken"),
            other => panic!("{other}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An answer that has not come after so long does not come.
const PATIENCE: Duration = Duration::from_secs(30);

async fn fills_up_and_has_room_again(disk: impl Disk) {
    let program = disk.program();
    let mut registered = 0;
    for round in 0..2 {
        assert_eq!(readiness(program).await, (200, json!({"ready": true})));
        disk.fill();
        // What the file's log has room for already is still written.
        let mut attempts = (0..).map(|number| format!("{round}-{number}"));
        let failed = loop {
            let key = attempts.next().unwrap();
            match register(program, &key).await {
                201 => registered += 1,
                // Without a goat and without a record.
                500 | 503 => break key,
                other => panic!("{other}"),
            }
        };
        let refused = json!({"ready": false, "notReady": ["database"]});
        assert_eq!(readiness(program).await, (503, refused.clone()));
        for _ in 0..4 {
            let status = register(program, &failed).await;
            assert!(matches!(status, 202 | 500 | 503), "{status}");
            let without_a_key = post(program, "/goats", &[], &heidi()).await;
            assert_eq!(without_a_key.status(), 500);
            assert_eq!(readiness(program).await, (503, refused.clone()));
        }

        disk.free();
        // Told by itself: a server that is not ready gets no request that could show it.
        assert_eq!(readiness(program).await, (200, json!({"ready": true})));
        for key in [&failed, &attempts.next().unwrap()] {
            register_at_last(program, key).await;
            registered += 1;
        }
        // Every connection of the pool works.
        let client = Client::builder().timeout(PATIENCE).build().unwrap();
        let all = (0..20).map(|_| {
            let request = client.post(format!("{}/goats", program.base));
            let request = request.header("content-type", "application/json");
            request.body(heidi()).send()
        });
        for answer in futures_util::future::join_all(all).await {
            assert_eq!(answer.unwrap().status(), 201);
            registered += 1;
        }
        assert_eq!(list(program, "goats").await.len(), registered);
    }
    assert_eq!(until_status(program, "/readyz", 200).await["ready"], true);
    program.signal("-TERM");
}

#[tokio::test]
async fn files_that_could_not_be_written_are_written_again_once_they_can() {
    fills_up_and_has_room_again(Limited::start()).await;
}

#[tokio::test]
async fn a_disk_that_was_full_is_written_again_once_it_has_room() {
    match Small::start() {
        Some(disk) => fills_up_and_has_room_again(disk).await,
        // Past the harness, which keeps what passing tests print to itself.
        None => writeln!(io::stderr(), "NOT RUN: nothing may be mounted here").unwrap(),
    }
}
