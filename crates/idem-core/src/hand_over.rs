//! A vanished caller cancels nothing: a future that is dropped while its execution runs goes on
//! in a task.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, field::Empty, instrument::Instrumented};

use crate::{
    engine::Idempotency,
    event::{Answered, Event},
    record_key::RecordKey,
};

/// What is known of a request outside the future that serves it: its name, its span, and whether
/// its key is being claimed or owned.
#[derive(Clone)]
pub struct Watch(Arc<Watched>);

struct Watched {
    idempotency: Idempotency,
    record_key: RecordKey,
    span: Span,
    may_own: AtomicBool,
}

impl Watch {
    /// The route is asked for only if the span is recorded.
    pub(crate) fn new<'r>(
        idempotency: Idempotency,
        record_key: RecordKey,
        route: impl FnOnce() -> Option<Cow<'r, str>>,
    ) -> Self {
        let span = tracing::debug_span!(
            "idempotency",
            key = ?record_key,
            route = route().as_deref(),
            outcome = Empty
        );
        Self(Arc::new(Watched {
            idempotency,
            record_key,
            span,
            may_own: AtomicBool::new(false),
        }))
    }

    pub(crate) fn record_key(&self) -> &RecordKey {
        &self.0.record_key
    }

    /// From when a claim is sent the request may own its key, until the answer says otherwise.
    pub(crate) fn may_own(&self, may_own: bool) {
        self.0.may_own.store(may_own, Ordering::Relaxed);
    }

    pub(crate) fn decided(&self, answered: Answered) {
        self.0.span.record("outcome", answered.as_str());
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("record_key", &self.0.record_key)
            .field("may_own", &self.0.may_own)
            .finish_non_exhaustive()
    }
}

/// A future that is not cancelled by being dropped while its request may own its key.
///
/// Dropped before its claim is sent, or while it waits for another request's end, it ends there:
/// nothing has happened. Dropped later, it is handed to a task of the current runtime, inside the
/// same span and the caller's, and [`Idempotency::drain`] waits for it. While nobody drops it there is no task.
/// Outside a runtime it cannot be handed over; the key then stays taken until the lease runs out.
///
/// `F` is a boxed future, `Send` or not.
#[must_use]
pub struct HandOver<F: Future + Unpin + 'static> {
    running: Option<Instrumented<F>>,
    watch: Watch,
    spawn: fn(&TaskTracker, Instrumented<F>),
}

impl<F: Future + Unpin + Send + 'static> HandOver<F> {
    /// Guards a future that may move to any thread.
    pub fn new(future: F, watch: Watch) -> Self
    where
        F::Output: Send,
    {
        Self::with_spawn(future, watch, |tasks, future| {
            // What the caller's span says of the request holds for the task, too.
            tasks.spawn(ignoring_output(future).in_current_span());
        })
    }
}

impl<F: Future + Unpin + 'static> HandOver<F> {
    /// Guards a future that stays on its thread, which must be in a [`tokio::task::LocalSet`].
    pub fn local(future: F, watch: Watch) -> Self {
        Self::with_spawn(future, watch, |tasks, future| {
            tasks.spawn_local(ignoring_output(future).in_current_span());
        })
    }

    fn with_spawn(future: F, watch: Watch, spawn: fn(&TaskTracker, Instrumented<F>)) -> Self {
        Self {
            running: Some(future.instrument(watch.0.span.clone())),
            watch,
            spawn,
        }
    }
}

async fn ignoring_output(future: impl Future) {
    future.await;
}

impl<F: Future + Unpin + 'static> Future for HandOver<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out for the time of the poll: a future that panics is gone, and not handed over.
        let mut running = self
            .running
            .take()
            .expect("a future is not polled after its end");
        let polled = Pin::new(&mut running).poll(context);
        if polled.is_pending() {
            self.running = Some(running);
        }
        polled
    }
}

impl<F: Future + Unpin + 'static> Drop for HandOver<F> {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        if !self.watch.0.may_own.load(Ordering::Relaxed) {
            return;
        }
        if Handle::try_current().is_ok() {
            let Watched {
                idempotency,
                record_key,
                ..
            } = &*self.watch.0;
            idempotency.calls().report(record_key, &Event::HandedOver);
            (self.spawn)(idempotency.executions(), running);
        }
    }
}

impl<F: Future + Unpin + 'static> fmt::Debug for HandOver<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandOver")
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}
