//! The example's processes: this program again, with another part.

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use idem_momento::MomentoStore;
use momento::CredentialProvider;
use momento_emulator::Emulator;

use crate::Result;

pub(crate) const CACHE: &str = "requests";

/// A child that is killed when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(part: &str, emulator: &Emulator, directory: &Path) -> Result<Self> {
        Self::spawn(command(part, emulator, directory)?)
    }

    /// A worker that stops at an order, and holds it until it is killed.
    pub(crate) fn start_holding(order: u32, emulator: &Emulator, directory: &Path) -> Result<Self> {
        let mut command = command("worker", emulator, directory)?;
        command.env("HOLD_AT", order.to_string());
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Result<Self> {
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL: nothing of the process runs any more, and nothing is told to anybody.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(part: &str, emulator: &Emulator, directory: &Path) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command
        .arg(part)
        .env("MOMENTO_ENDPOINT", emulator.endpoint())
        .env("MOMENTO_API_KEY", emulator.api_key())
        .env("SPOOL", directory);
    Ok(command)
}

/// The store that all processes share.
pub(crate) fn store() -> Result<MomentoStore> {
    let endpoint = env::var("MOMENTO_ENDPOINT")?;
    let credentials = CredentialProvider::from_api_key_v2(env::var("MOMENTO_API_KEY")?, &endpoint)?;
    // The stand-in has no TLS.
    let credentials = credentials.insecure_endpoint_override(&endpoint);
    Ok(MomentoStore::with_credentials(credentials, CACHE)?)
}

/// Where the processes leave files for each other.
pub(crate) fn spool() -> Result<PathBuf> {
    Ok(env::var("SPOOL")?.into())
}

/// Leaves a line in a file there, whole.
pub(crate) fn note(directory: &Path, what: &str, line: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .append(true)
        .open(directory.join(what))?;
    file.write_all(format!("{line}\n").as_bytes())
}

/// Waits for a file that another process leaves.
pub(crate) async fn wait_for(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
