//! System calls, counted by strace.

use std::{
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::AnyError;

/// Attaching and detaching take milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Counts what reaches the disk.
#[derive(Debug)]
pub(crate) struct Strace {
    process: Child,
    folder: TempDir,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    /// `fsync` and `fdatasync`.
    pub(crate) syncs: usize,
    /// `pwrite64`, which is how SQLite and PostgreSQL write to files.
    pub(crate) writes: usize,
}

impl Strace {
    /// Follows these processes with their threads and those that they start. `None` without strace, or
    /// where it may not.
    pub(crate) fn attach(processes: &[u32]) -> Result<Option<Self>, AnyError> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "-qq",
            "-y",
            "-e",
            "trace=fsync,fdatasync,pwrite64",
            "-o",
        ]);
        command.arg(folder.path().join("calls"));
        for process in processes {
            command.args(["-p", &process.to_string()]);
        }
        let started = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = match started {
            Ok(process) => process,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut this = Self { process, folder };
        let begun = Instant::now();
        while !processes.iter().all(|process| is_traced(*process)) {
            if this.process.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                return Ok(None);
            }
            sleep(Duration::from_millis(5));
        }
        Ok(Some(this))
    }

    /// Detaches, and counts.
    pub(crate) fn detach(mut self) -> Result<Calls, AnyError> {
        self.end()?;
        let lines = fs::read_to_string(self.folder.path().join("calls"))?;
        // Where another thread came between, the rest of a call is a line of its own, without `(`. What
        // counts the statements keeps their texts in a file.
        let lines = lines
            .lines()
            .filter(|line| !line.contains("pgss_query_texts"));
        let lines: Vec<&str> = lines.collect();
        let count = |call: &str| lines.iter().filter(|line| line.contains(call)).count();
        Ok(Calls {
            syncs: count(" fsync(") + count(" fdatasync("),
            writes: count(" pwrite64("),
        })
    }

    fn end(&mut self) -> Result<(), AnyError> {
        if self.process.try_wait()?.is_some() {
            return Ok(());
        }
        let process = i32::try_from(self.process.id())?;
        if let Some(process) = Pid::from_raw(process) {
            // It may have ended by now.
            let _ = kill_process(process, Signal::INT);
        }
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        drop(self.end());
    }
}

/// Whether all threads of a process are traced.
fn is_traced(process: u32) -> bool {
    let threads = format!("/proc/{process}/task");
    let threads = fs::read_dir(threads).into_iter().flatten().flatten();
    threads
        .map(|thread| thread.path())
        .all(|thread| has_tracer(&thread))
}

fn has_tracer(thread: &Path) -> bool {
    let status = fs::read_to_string(thread.join("status")).unwrap_or_default();
    let tracer = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}
