//! What a person at a terminal sees while the scenarios are played.

use idem_conformance::{Outcome, Verdict};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar on the standard error; it is drawn only if that is a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn start(scenarios: usize) -> Self {
        let bar = ProgressBar::new(scenarios as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
        Self(bar.with_style(style.expect("the template is a valid one")))
    }

    pub(crate) fn show(&self, outcome: &Outcome) {
        if matches!(outcome.verdict(), Verdict::Failed(_)) {
            self.0
                .println(format!("FAILED {}", outcome.scenario().id()));
        }
        self.0.set_message(outcome.scenario().id());
        self.0.inc(1);
    }

    pub(crate) fn end(self) {
        self.0.finish_and_clear();
    }
}
