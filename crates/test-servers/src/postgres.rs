//! PostgreSQL, as Debian packages it.

use std::{
    fmt, fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
};

use tempfile::TempDir;

use crate::{StartError, lock, port::Port};

/// Names the folder of another version's programs.
const PROGRAMS: &str = "TEST_POSTGRES_BIN";

/// Who runs the server when the tests run as root, which PostgreSQL refuses.
const UNPRIVILEGED: &str = "postgres";

/// Stops the server when the pipe on its input is closed, which the end of the tests' process does.
/// Signals from the terminal reach it too, and must not keep it from that.
const GUARD: &str = r#"trap '' INT TERM HUP; folder=$1; shift; read -r _; "$@"; rm -rf "$folder""#;

/// A server with an empty database, `postgres`, whose superuser `postgres` needs no password.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: Port,
    as_root: bool,
    settings: Vec<String>,
    guard: Mutex<Option<Child>>,
}

impl Postgres {
    /// Starts one, which takes some seconds.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(&[])
    }

    /// Starts one with these settings, such as `wal_level=replica`.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn start_with(settings: &[&str]) -> Result<Self, StartError> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("idem-postgres-").tempdir();
        let folder = folder.map_err(|error| failed("make a folder", error))?;
        let owner =
            fs::metadata(folder.path()).map_err(|error| failed("look at the folder", error))?;
        let server = Self {
            as_root: owner.uid() == 0,
            port: Port::reserve().map_err(|error| failed("reserve a port", error))?,
            programs,
            folder,
            settings: settings.iter().copied().map(String::from).collect(),
            guard: Mutex::default(),
        };
        server.hand_over_the_folder()?;
        let data = server.data();
        server.run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
            ],
        )?;
        server.guard_it()?;
        server.start_again()?;
        Ok(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable",
            self.port()
        )
    }

    /// Ends the server as a crash would: nothing is flushed, and its log is replayed at the next start.
    ///
    /// # Errors
    /// It does not run.
    pub fn stop_immediately(&self) -> Result<(), StartError> {
        let data = self.data();
        self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"])
    }

    /// Starts the server again after it was stopped.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_again(&self) -> Result<(), StartError> {
        let data = self.data();
        let mut options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=200",
            self.port(),
            self.folder.path().display()
        );
        for setting in &self.settings {
            options += " -c ";
            options += setting;
        }
        let log = self.folder.path().join("log").display().to_string();
        let started = self.run(
            "pg_ctl",
            &["-D", &data, "-l", &log, "-o", &options, "-w", "start"],
        );
        started.map_err(|mut error| {
            error.said += "\n";
            error.said += &fs::read_to_string(&log).unwrap_or_default();
            error
        })
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Lets the server's user write to the folder.
    fn hand_over_the_folder(&self) -> Result<(), StartError> {
        if !self.as_root {
            return Ok(());
        }
        let path = self.folder.path();
        let readable = fs::set_permissions(path, fs::Permissions::from_mode(0o755));
        readable.map_err(|error| failed("open the folder", error))?;
        let mut command = Command::new("chown");
        finished("chown", command.arg(UNPRIVILEGED).arg(path).output())
    }

    /// Leaves a process behind that stops the server when this one has ended.
    fn guard_it(&self) -> Result<(), StartError> {
        let data = self.data();
        let stop = self.command("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]);
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(self.folder.path())
            .arg(stop.get_program())
            .args(stop.get_args())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let guard = guard.map_err(|error| failed("start its guard", error))?;
        *lock(&self.guard) = Some(guard);
        Ok(())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), StartError> {
        finished(program, self.command(program, arguments).output())
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.programs.join(program);
        let mut command = if self.as_root {
            let mut command = Command::new("runuser");
            command.args(["-u", UNPRIVILEGED, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut guard) = lock(&self.guard).take() {
            // Closing its input is the sign.
            drop(guard.stdin.take());
            drop(guard.wait());
        }
    }
}

/// The folder of the programs of the newest version that is installed.
fn programs() -> Result<PathBuf, StartError> {
    if let Some(folder) = std::env::var_os(PROGRAMS) {
        return Ok(folder.into());
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    let version = |folder: &PathBuf| {
        let version = folder.parent()?.file_name()?.to_str()?;
        version.parse::<u32>().ok()
    };
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max_by_key(version)
        .ok_or_else(|| {
            let advice =
                format!("install Debian's package postgresql, or name their folder in {PROGRAMS}");
            failed("find its programs", advice)
        })
}

fn finished(program: &str, output: io::Result<Output>) -> Result<(), StartError> {
    let output = output.map_err(|error| failed(program, error))?;
    if output.status.success() {
        return Ok(());
    }
    let ended = format!("{program} ended with {}", output.status);
    Err(failed(&ended, String::from_utf8_lossy(&output.stderr)))
}

fn failed(doing: &str, said: impl fmt::Display) -> StartError {
    StartError::new(format!("PostgreSQL did not start: {doing}"), said)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    #[ignore = "starts PostgreSQL"]
    fn a_server_runs_crashes_and_leaves_nothing() {
        let server = Postgres::start().unwrap();
        let reachable = || TcpStream::connect(("127.0.0.1", server.port())).is_ok();
        assert!(reachable());
        server.stop_immediately().unwrap();
        assert!(!reachable());
        server.start_again().unwrap();
        assert!(reachable());
        let (port, folder) = (server.port(), server.folder.path().to_owned());
        drop(server);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(!folder.exists());
    }
}
