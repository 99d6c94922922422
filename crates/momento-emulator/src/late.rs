//! Writes that were answered before they landed.

use std::{fmt, time::Duration};

use crate::{caches::Caches, fault::Landing};

/// A write under way.
pub(crate) struct LateWrite {
    /// On the emulator's clock; `None` until it is told to land.
    due: Option<Duration>,
    land: Land,
}

/// Carries the write out, at the time that the caches show.
pub(crate) type Land = Box<dyn FnOnce(&mut Caches) + Send>;

/// All writes under way, in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct LateWrites(Vec<LateWrite>);

impl LateWrite {
    pub(crate) fn new(
        landing: Landing,
        now: Duration,
        land: impl FnOnce(&mut Caches) + Send + 'static,
    ) -> Self {
        let due = match landing {
            Landing::In(delay) => Some(now.saturating_add(delay)),
            Landing::WhenTold => None,
        };
        let land = Box::new(land);
        Self { due, land }
    }
}

impl LateWrites {
    pub(crate) fn push(&mut self, write: LateWrite) {
        self.0.push(write);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes out what is due by `now`, the earliest first.
    pub(crate) fn take_due(&mut self, now: Duration) -> Vec<(Duration, Land)> {
        let mut due = Vec::new();
        for write in std::mem::take(&mut self.0) {
            match write.due {
                Some(at) if at <= now => due.push((at, write.land)),
                _ => self.0.push(write),
            }
        }
        // Stable: what is due at one instant lands in the order in which it was sent.
        due.sort_by_key(|(at, _)| *at);
        due
    }

    pub(crate) fn take_all(&mut self) -> Vec<Land> {
        let all = std::mem::take(&mut self.0);
        all.into_iter().map(|write| write.land).collect()
    }
}

impl fmt::Debug for LateWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateWrite")
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}
