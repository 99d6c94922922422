//! A market as a process, and this program as a market.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use goat_api::cli::Cli;
use goat_api::server;

use crate::Failed;

/// The shortest that the market takes: so long a key is blocked when its market dies.
pub(crate) const LEASE_SECONDS: u64 = 1;

/// The first argument of a process that is to be the market.
const MARKET: &str = "market";

/// Serves the market if this process is to be one.
pub(crate) fn is_wanted() -> Option<impl Future<Output = ExitCode>> {
    let mut arguments: Vec<OsString> = env::args_os().collect();
    if arguments.get(1).is_none_or(|first| first != MARKET) {
        return None;
    }
    arguments.remove(1);
    // Nothing is left behind by a program that was itself killed.
    std::thread::spawn(|| {
        drop(std::io::stdin().read(&mut [0]));
        std::process::exit(0);
    });
    Some(async {
        let served = match Cli::read(arguments) {
            Ok(cli) => server::run(cli).await.map_err(|error| error.in_one_line()),
            Err(error) => Err(error.to_string()),
        };
        match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    })
}

/// How a market is started.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) program: Option<PathBuf>,
    pub(crate) framework: &'static str,
    pub(crate) store: &'static str,
    /// A path or a URL.
    pub(crate) database: OsString,
}

/// A market that runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Market {
    child: Child,
    pub(crate) base: String,
}

impl Recipe {
    /// Starts one, and waits until it serves.
    ///
    /// It blocks its thread.
    pub(crate) fn start(&self) -> Result<Market, Failed> {
        let mut command = match &self.program {
            Some(program) => Command::new(program),
            None => Command::new(env::current_exe()?),
        };
        if self.program.is_none() {
            command.arg(MARKET);
        }
        let lease = format!("{LEASE_SECONDS}s");
        command
            .args(["--listen", "127.0.0.1:0", "--framework", self.framework])
            .args(["--store", self.store, "--lease", &lease])
            // A URL may have a password.
            .env("GOAT_DATABASE", &self.database)
            .env("RUST_LOG", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut lines = child
            .stdout
            .take()
            .map(BufReader::new)
            .into_iter()
            .flat_map(BufRead::lines);
        let base =
            lines.find_map(|line| Some(line.ok()?.strip_prefix("goat market on ")?.to_owned()));
        let Some(base) = base else {
            let mut said = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                stderr.read_to_string(&mut said)?;
            }
            child.wait()?;
            return Err(format!("the market did not start: {}", said.trim()).into());
        };
        // Somebody has to read what else it says.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Market { child, base })
    }
}

impl Drop for Market {
    /// Kills it, with SIGKILL.
    fn drop(&mut self) {
        // It may have ended by itself, which its clients will have noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
