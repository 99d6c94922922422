//! What the application gives us to call may panic: it takes nothing down with it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tracing::{Span, level_filters::LevelFilter};

/// Calls what is the application's, in a destructor perhaps, where a panic would end the process.
///
/// `None` if it panicked, which the panic hook has told by then.
pub(crate) fn shielded<R>(call: impl FnOnce() -> R) -> Option<R> {
    // What it left behind half done is its own, and nothing of ours.
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// A span of a subscriber that may panic, where tracing's own guards would panic in a destructor.
#[derive(Debug)]
pub(crate) struct ShieldedSpan(Option<Span>);

impl ShieldedSpan {
    /// A span for debugging, which is not even made where nobody listens to any.
    pub(crate) fn debug(span: impl FnOnce() -> Span) -> Self {
        if LevelFilter::current() < LevelFilter::DEBUG {
            return Self(None);
        }
        Self::new(span)
    }

    pub(crate) fn new(span: impl FnOnce() -> Span) -> Self {
        // One that nobody records would still ask, at each use, whether to write to the `log` crate.
        let recorded = || Some(span()).filter(|span| !span.is_disabled());
        Self(shielded(recorded).flatten())
    }

    pub(crate) fn record(&self, field: &str, value: &str) {
        if let Some(span) = &self.0 {
            shielded(|| span.record(field, value));
        }
    }

    /// Calls inside the span, or outside if it cannot be entered.
    pub(crate) fn within<R>(&self, call: impl FnOnce() -> R) -> R {
        let entered = self.0.as_ref().map(|span| shielded(|| span.enter()));
        let called = catch_unwind(AssertUnwindSafe(call));
        shielded(|| drop(entered));
        called.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for ShieldedSpan {
    fn drop(&mut self) {
        let span = self.0.take();
        shielded(|| drop(span));
    }
}
