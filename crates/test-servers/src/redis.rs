//! Redis, as Debian packages it, or any other program that speaks its protocol: Valkey, an older Redis.

use std::{
    ffi::{OsStr, OsString},
    fmt, fs,
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{StartError, lock, port::Port};

/// Names another program than the `redis-server` of the system.
const REDIS: &str = "TEST_REDIS_SERVER";

/// Names another program than the `valkey-server` of the system.
const VALKEY: &str = "TEST_VALKEY_SERVER";

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts the server, and kills it when it is told to or when its input is closed, which the end of the
/// tests' process does. Signals from the terminal reach it too, and must not keep it from that.
const GUARD: &str = r#"trap '' INT TERM HUP; folder=$1; shift
"$@" </dev/null >>"$folder/log" 2>&1 & server=$!
read -r keep; kill -9 "$server"; wait "$server"; [ "$keep" ] || rm -rf "$folder""#;

/// A server without data, without persistence, and without a password.
#[derive(Debug)]
pub struct Redis {
    program: OsString,
    folder: TempDir,
    port: Port,
    settings: Vec<String>,
    guard: Mutex<Option<Child>>,
    process: AtomicU32,
}

impl Redis {
    /// Starts a Redis, which takes some milliseconds.
    ///
    /// # Errors
    /// Redis is not installed, or does not start.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(&[])
    }

    /// Starts a Redis with these settings, such as `["--maxmemory", "4mb"]`.
    ///
    /// # Errors
    /// Redis is not installed, or does not start.
    pub fn start_with(settings: &[&str]) -> Result<Self, StartError> {
        Self::run(named(REDIS, "redis-server"), settings)
    }

    /// Starts a Valkey.
    ///
    /// # Errors
    /// Valkey is not installed, or does not start.
    pub fn start_valkey() -> Result<Self, StartError> {
        Self::start_valkey_with(&[])
    }

    /// Starts a Valkey with these settings.
    ///
    /// # Errors
    /// Valkey is not installed, or does not start.
    pub fn start_valkey_with(settings: &[&str]) -> Result<Self, StartError> {
        Self::run(named(VALKEY, "valkey-server"), settings)
    }

    /// Starts another program that speaks the protocol and takes the same settings.
    ///
    /// # Errors
    /// It is not there, or does not start.
    pub fn start_program(program: impl Into<OsString>) -> Result<Self, StartError> {
        Self::run(program.into(), &[])
    }

    fn run(program: OsString, settings: &[&str]) -> Result<Self, StartError> {
        let failed = |error: io::Error| failed("start", error);
        let asked = Command::new(&program).arg("--version").output();
        asked.map_err(|error| not_there(&program, &error))?;
        let folder = tempfile::Builder::new().prefix("idem-redis-").tempdir();
        let server = Self {
            program,
            folder: folder.map_err(failed)?,
            port: Port::reserve().map_err(failed)?,
            settings: settings.iter().copied().map(String::from).collect(),
            guard: Mutex::default(),
            process: AtomicU32::new(0),
        };
        server.start_again()?;
        Ok(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// The URL of its database 0.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// Ends the server by SIGKILL; its port stays its own.
    pub fn kill(&self) {
        self.end(b"keep\n");
    }

    /// Lets the server stand still, its connections open, until it may [go on](Self::go_on).
    ///
    /// # Errors
    /// It does not run.
    pub fn stand_still(&self) -> io::Result<()> {
        self.signal("-STOP")
    }

    /// Lets the server go on.
    ///
    /// # Errors
    /// It does not run.
    pub fn go_on(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let process = self.process.load(Ordering::SeqCst).to_string();
        let sent = Command::new("kill").args([signal, &process]).status()?;
        match sent.success() {
            true => Ok(()),
            false => Err(io::Error::other("there is no such process")),
        }
    }

    /// Starts the server again after it was killed, and waits until it answers.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_again(&self) -> Result<(), StartError> {
        let mut command = Command::new("sh");
        command
            .args(["-c", GUARD, "guard"])
            .arg(self.folder.path())
            .arg(&self.program)
            .args(["--port", &self.port().to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let guard = command.spawn().map_err(|error| failed("start", error))?;
        *lock(&self.guard) = Some(guard);
        self.wait_until("answer", || {
            Ok(matches!(self.command(&["PING"]), Ok(answer) if answer == "PONG"))
        })?;
        let failed = |error: io::Error| failed("tell its process", error);
        let info = self.command(&["INFO", "server"]).map_err(failed)?;
        let mut lines = info.lines();
        let process = lines.find_map(|line| line.strip_prefix("process_id:")?.parse().ok());
        self.process
            .store(process.unwrap_or_default(), Ordering::SeqCst);
        Ok(())
    }

    /// Sends a command on a connection of its own, and gives the answer as text: a string, or a number.
    ///
    /// # Errors
    /// The connection fails, or the server answers with an error.
    pub fn command(&self, words: &[&str]) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut message = format!("*{}\r\n", words.len());
        for word in words {
            message += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(message.as_bytes())?;
        answer(&mut BufReader::new(stream))
    }

    pub(crate) fn wait_until(
        &self,
        what: &str,
        condition: impl Fn() -> io::Result<bool>,
    ) -> Result<(), StartError> {
        let begun = Instant::now();
        while !condition().map_err(|error| failed(what, error))? {
            if begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.path().join("log"));
                return Err(failed(what, log.unwrap_or_default()));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn end(&self, word: &[u8]) {
        if let Some(mut guard) = lock(&self.guard).take() {
            // Without a word, closing its input is the sign.
            if let Some(mut input) = guard.stdin.take() {
                input.write_all(word).ok();
            }
            guard.wait().ok();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.end(b"");
    }
}

fn named(variable: &str, program: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| program.into())
}

fn not_there(program: &OsStr, error: &io::Error) -> StartError {
    let said = format!(
        "{}: {error}; install Debian's package redis-server, or name a program in {REDIS} or {VALKEY}",
        program.to_string_lossy()
    );
    failed("start", said)
}

fn answer(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.trim_end();
    match line.split_at_checked(1) {
        Some(("+" | ":", text)) => Ok(text.into()),
        Some(("$", length)) => {
            let length = length.parse().unwrap_or_default();
            let mut text = vec![0; length];
            stream.read_exact(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        _ => Err(io::Error::other(line.to_owned())),
    }
}

pub(crate) fn failed(doing: &str, said: impl fmt::Display) -> StartError {
    StartError::new(format!("the server did not {doing}"), said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "starts Redis"]
    fn a_server_is_killed_runs_again_and_leaves_nothing() {
        let server = Redis::start().unwrap();
        server.command(&["SET", "k", "v"]).unwrap();
        assert_eq!(server.command(&["GET", "k"]).unwrap(), "v");
        server.kill();
        assert!(server.command(&["PING"]).is_err());
        server.start_again().unwrap();
        assert_eq!(server.command(&["EXISTS", "k"]).unwrap(), "0");
        let (port, folder) = (server.port(), server.folder.path().to_owned());
        drop(server);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(!folder.exists());
    }

    #[test]
    #[ignore = "starts Redis"]
    fn a_program_that_is_missing_is_told() {
        let missing = Redis::run("no-redis-server".into(), &[]);
        assert!(missing.is_err());
    }
}
