//! A stand-in for DynamoDB: moto, a package of Python.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    net::{Ipv4Addr, SocketAddrV4},
    process::{Child, Command, Stdio},
};

use crate::StartError;

/// Names another Python than the `python3` of the system.
const PYTHON: &str = "TEST_DYNAMODB_PYTHON";

/// Serves one request after the other, because transactions of moto's threaded server are not atomic. It ends
/// when its input is closed, which the end of the tests' process does.
const SERVER: &str = r#"
import logging, os, sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// A server without tables, which keeps everything in memory.
///
/// It serves one connection at a time: a client that keeps one open keeps the others out. A
/// [`DynamoDbProxy`](crate::DynamoDbProxy) in front of it takes any number of clients, and does some things right
/// that moto does wrong.
#[derive(Debug)]
pub struct DynamoDb {
    server: Child,
    port: u16,
}

impl DynamoDb {
    /// Starts one, which takes two seconds.
    ///
    /// # Errors
    /// Python or moto is not installed, or does not start.
    pub fn start() -> Result<Self, StartError> {
        Self::run(std::env::var_os(PYTHON).unwrap_or_else(|| "python3".into()))
    }

    fn run(python: OsString) -> Result<Self, StartError> {
        let failed = |error: io::Error| no_moto(&format!("{}: {error}", python.to_string_lossy()));
        let mut log = tempfile::tempfile().map_err(failed)?;
        let mut server = Command::new(&python)
            .args(["-c", SERVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        let mut line = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(failed)?;
        }
        match line.trim_end().parse() {
            Ok(port) => Ok(Self { server, port }),
            Err(_) => {
                server.wait().map_err(failed)?;
                Err(no_moto(&last_line(&mut log).map_err(failed)?))
            }
        }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "http://{}",
            SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)
        )
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

fn no_moto(why: &str) -> StartError {
    let why = why.trim_end();
    let advice = "put the folder that `.ci/tools moto` prints first in PATH, or name a Python that has moto[server] in";
    StartError::new("moto did not start", format!("{why}; {advice} {PYTHON}"))
}

/// What Python said last names the error.
fn last_line(log: &mut File) -> io::Result<String> {
    let mut text = String::new();
    log.rewind()?;
    log.read_to_string(&mut text)?;
    Ok(text.lines().last().unwrap_or("it said nothing").to_owned())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpStream, path::Path};

    use super::*;

    #[test]
    #[ignore = "starts moto"]
    fn a_server_answers_and_ends_when_it_is_dropped() {
        let server = DynamoDb::start().unwrap();
        let port = server.port();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
        drop(server);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }

    #[test]
    #[ignore = "starts moto"]
    fn a_server_ends_when_its_input_is_closed() {
        let mut server = DynamoDb::start().unwrap();
        drop(server.server.stdin.take());
        assert!(server.server.wait().unwrap().success());
    }

    #[test]
    fn a_python_that_is_missing_is_named() {
        let error = DynamoDb::run("no-python".into()).unwrap_err().to_string();
        assert!(error.contains("no-python"), "{error}");
        assert!(error.contains(".ci/tools moto"), "{error}");
    }

    #[test]
    fn a_python_without_moto_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join("python");
        write_program(
            &python,
            "#!/bin/sh\necho \"No module named 'moto'\" >&2\nexit 1\n",
        );
        let error = DynamoDb::run(python.into()).unwrap_err().to_string();
        assert!(error.contains("No module named 'moto'"), "{error}");
    }

    fn write_program(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
