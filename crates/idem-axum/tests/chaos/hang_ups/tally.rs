//! What clients went through, to be printed.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use super::client::Moment;
use crate::wire::Answer;

/// Clones share one tally.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    hang_ups: BTreeMap<Moment, u64>,
    answers: BTreeMap<u16, u64>,
    replays: u64,
    closed: u64,
}

impl Tally {
    pub(super) fn hung_up(&self, moment: Moment) {
        *self.counts().hang_ups.entry(moment).or_default() += 1;
    }

    /// A client stayed to the end, and got an answer, or the server closed the connection.
    pub(super) fn stayed(&self, answer: Option<&Answer>) {
        let mut counts = self.counts();
        match answer {
            None => counts.closed += 1,
            Some(answer) => {
                *counts.answers.entry(answer.status).or_default() += 1;
                counts.replays += u64::from(answer.is_replay());
            }
        }
    }

    pub(super) fn closed(&self) -> u64 {
        self.counts().closed
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        let hang_ups: u64 = counts.hang_ups.values().sum();
        let answers: u64 = counts.answers.values().sum();
        let held = counts.answers.get(&201).copied().unwrap_or_default();
        let retries = hang_ups + answers + counts.closed - held;
        write!(
            f,
            "hang-ups {:?}, retries {retries}, answers {:?}, of these replays {}, \
             closed by the server {}",
            counts.hang_ups, counts.answers, counts.replays, counts.closed
        )
    }
}
