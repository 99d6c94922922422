//! CPU time of processes, user and system, as Linux counts it in `/proc`.

use std::{fs, time::Duration};

/// What `/proc` counts in: Linux's `USER_HZ` is 100 on every architecture that Rust's servers run on.
const TICKS_PER_SECOND: u32 = 100;

/// A process's numbers in `/proc/PID/stat` from the third on: its state, its parent, and so on.
fn fields(process: u32) -> Option<Vec<u64>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second is the name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let numbers = rest.split_whitespace();
    Some(numbers.map(|field| field.parse().unwrap_or(0)).collect())
}

fn time(ticks: u64) -> Duration {
    Duration::from_secs(ticks) / TICKS_PER_SECOND
}

fn own(fields: &[u64]) -> u64 {
    fields.iter().skip(11).take(2).sum()
}

/// What this process has used.
pub(crate) fn of(process: u32) -> Duration {
    time(fields(process).map_or(0, |fields| own(&fields)))
}

/// The process that started this one.
pub(crate) fn parent(process: u32) -> Option<u32> {
    let parent = *fields(process)?.get(1)?;
    parent.try_into().ok()
}

/// This process and those that it has started.
pub(crate) fn family(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = processes.filter(|process| self::parent(*process) == Some(parent));
    std::iter::once(parent).chain(children).collect()
}

/// What a process and its children have used, those that have ended among them.
pub(crate) fn of_family(parent: u32) -> Duration {
    let ended: u64 = fields(parent).map_or(0, |fields| fields.iter().skip(13).take(2).sum());
    let running: Duration = family(parent).into_iter().map(of).sum();
    time(ended) + running
}
