//! The program as a child process, and requests to it.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::FRAMEWORK;

/// A running program, killed if its test fails.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) base: String,
}

impl Program {
    pub(crate) fn start(database: &Path) -> Self {
        Self::spawn(&mut command("127.0.0.1:0", database))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("stdout is text");
        let base = line.trim_end().strip_prefix("goat market on ");
        Self {
            base: base.expect("the first line has the address").to_owned(),
            child,
            stdout,
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: the program of that name is not on every machine.
        let kill = format!("kill {name} {}", self.child.id());
        let kill = Command::new("sh").args(["-c", &kill]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// What the program printed after the address until it ended, and how it ended.
    pub(crate) fn finish(mut self) -> (String, ExitStatus) {
        let mut printed = String::new();
        self.stdout
            .read_to_string(&mut printed)
            .expect("stdout is text");
        let status = self.child.wait().expect("the program can be waited for");
        (printed, status)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command(listen: &str, database: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goat-api"));
    command
        .env_clear()
        .env("RUST_LOG", "warn")
        .env("GOAT_FRAMEWORK", FRAMEWORK)
        .args(["--listen", listen, "--database"])
        .arg(database);
    command
}

/// Runs a program that must end by itself, and fails if it goes on serving.
pub(crate) fn ended(command: &mut Command) -> Output {
    const PATIENCE: Duration = Duration::from_secs(60);
    let command = command.stdin(Stdio::null());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let begun = Instant::now();
    while child
        .try_wait()
        .expect("the program can be waited for")
        .is_none()
    {
        if begun.elapsed() > PATIENCE {
            child.kill().expect("the program can be killed");
            let output = child.wait_with_output().expect("its output is read");
            panic!("it must end, and goes on: {output:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("its output is read")
}

/// The program with its records in memory. Whoever holds the file of another one holds up its claims, too.
pub(crate) fn in_memory(database: &Path) -> Command {
    let mut command = command("127.0.0.1:0", database);
    command.args(["--store", "memory"]);
    command
}

pub(crate) async fn list(program: &Program, path: &str) -> Vec<Value> {
    let answer = reqwest::get(format!("{}/{path}", program.base))
        .await
        .expect("it answers");
    let json: Value = answer.json().await.expect("the answer is JSON");
    json["items"].as_array().expect("a list has items").clone()
}

/// Registers a goat whose catalog has milk, and gives its id.
pub(crate) async fn goat_with_milk(program: &Program) -> String {
    let client = reqwest::Client::new();
    let post = |path: String, body: Value| {
        client
            .post(format!("{}/{path}", program.base))
            .json(&body)
            .send()
    };
    let goat = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"});
    let answer = post("goats".to_owned(), goat).await.expect("it answers");
    let goat: Value = answer.json().await.expect("the answer is JSON");
    let goat = goat["id"].as_str().expect("a goat has an id").to_owned();
    let milk = json!({"name": "Milk", "description": "", "price": 1});
    let answer = post(format!("goats/{goat}/catalog"), milk)
        .await
        .expect("it answers");
    assert_eq!(answer.status(), 204);
    goat
}

/// The same order to several programs at once, a hundred times in all; gives the bodies of the
/// answers 201, of which there must be one kind.
pub(crate) async fn a_hundred_orders(programs: &[&Program], goat: &str) -> HashSet<String> {
    let order = json!({"items": [{"goatId": goat, "catalogItem": "Milk", "quantity": 1}]});
    let client = reqwest::Client::new();
    let duplicates = (0..100).map(|number| {
        let program = programs[number % programs.len()];
        let request = client.post(format!("{}/orders", program.base)).json(&order);
        async move {
            request
                .header("idempotency-key", "k")
                .send()
                .await
                .expect("it answers")
        }
    });
    let mut bodies = HashSet::new();
    for answer in futures_util::future::join_all(duplicates).await {
        match answer.status().as_u16() {
            201 => _ = bodies.insert(answer.text().await.expect("the answer arrives whole")),
            other => assert_eq!(other, 202),
        }
    }
    bodies
}
