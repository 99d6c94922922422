//! A vanished caller cancels nothing: a future that is dropped while its execution runs goes on
//! in a task.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{runtime::Handle, task::spawn_local};
use tokio_util::task::TaskTracker;
use tracing::Span;

use crate::{
    events::{Event, ShieldedSpan, shielded},
    execution::{KeyedRequest, lease::Stage},
};

/// What a hand-over needs to know of its request.
#[derive(Clone, Debug)]
pub struct Watch(KeyedRequest);

impl Watch {
    pub(crate) const fn new(request: KeyedRequest) -> Self {
        Self(request)
    }
}

/// A future that is not cancelled by being dropped while its request may own its key.
///
/// Dropped before its claim is sent, or while it waits for another request's end, it ends there:
/// nothing has happened. Dropped later, it is handed to a task of the current runtime, inside the
/// same span and the caller's, and [`Idempotency::drain`](crate::Idempotency::drain) waits for it. While nobody drops it there is no task.
/// Where no task can be spawned it is dropped, which is reported ([`Event::ClaimAbandoned`] or
/// [`End::Abandoned`](crate::event::End::Abandoned)): the key then stays taken until its lease runs out.
///
/// `F` is a boxed future, `Send` or not.
#[must_use]
pub struct HandOver<F: Future + Unpin + 'static> {
    running: Option<F>,
    watch: Watch,
    can_spawn: fn() -> bool,
    spawn: fn(&TaskTracker, HandedOver<F>),
}

impl<F: Future + Unpin + Send + 'static> HandOver<F> {
    /// Guards a future that may move to any thread.
    pub fn new(future: F, watch: Watch) -> Self
    where
        F::Output: Send,
    {
        Self {
            running: Some(future),
            watch,
            can_spawn: || Handle::try_current().is_ok(),
            spawn: |tasks, future| drop(tasks.spawn(future)),
        }
    }
}

impl<F: Future + Unpin + 'static> HandOver<F> {
    /// Guards a future that stays on its thread.
    ///
    /// It can be handed over where it is dropped inside a [`tokio::task::LocalSet`], as everything that
    /// runs in a worker of actix-web is, and nowhere else: not under a plain `#[tokio::main]`.
    pub fn local(future: F, watch: Watch) -> Self {
        Self {
            running: Some(future),
            watch,
            can_spawn: can_spawn_local,
            spawn: |tasks, future| drop(tasks.spawn_local(future)),
        }
    }
}

/// Whether there is a `LocalSet` around. Tokio cannot be asked, and panics where there is none; the panic is
/// caught here, where nothing is lost by it.
fn can_spawn_local() -> bool {
    Handle::try_current().is_ok() && shielded(|| drop(spawn_local(async {}))).is_some()
}

impl<F: Future + Unpin + 'static> Future for HandOver<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { running, watch, .. } = &mut *self;
        // Taken out for the time of the poll: a future that panics is gone, and not handed over.
        let mut future = running
            .take()
            .expect("a future is not polled after its end");
        watch.0.span().within(|| {
            let polled = Pin::new(&mut future).poll(context);
            if polled.is_pending() {
                *running = Some(future);
            }
            polled
        })
    }
}

impl<F: Future + Unpin + 'static> Drop for HandOver<F> {
    fn drop(&mut self) {
        let Some(future) = self.running.take() else {
            return;
        };
        let mut handed_over = HandedOver {
            running: Some(future),
            watch: self.watch.clone(),
            caller: ShieldedSpan::new(Span::none),
        };
        let stage = self.watch.0.state().vanish();
        if stage == Stage::Apart {
            return;
        }
        if (self.can_spawn)() {
            if stage == Stage::Executing {
                self.watch.0.report(&Event::HandedOver);
            }
            // What the caller's span says of the request holds for the task, too.
            handed_over.caller = ShieldedSpan::new(Span::current);
            (self.spawn)(&self.watch.0.calls().counters.handed_over, handed_over);
        } else if stage == Stage::Claiming {
            self.watch.0.report(&Event::ClaimAbandoned);
        }
    }
}

/// What goes on without its caller, inside the request's span and the caller's.
struct HandedOver<F> {
    running: Option<F>,
    watch: Watch,
    caller: ShieldedSpan,
}

impl<F: Future + Unpin> Future for HandedOver<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self {
            running,
            watch,
            caller,
        } = &mut *self;
        let Some(future) = running else {
            return Poll::Ready(());
        };
        let poll = || Pin::new(future).poll(context).map(drop);
        caller.within(|| watch.0.span().within(poll))
    }
}

impl<F> Drop for HandedOver<F> {
    fn drop(&mut self) {
        let running = self.running.take();
        let watch = &self.watch;
        self.caller
            .within(|| watch.0.span().within(|| drop(running)));
    }
}

impl<F: Future + Unpin + 'static> fmt::Debug for HandOver<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandOver")
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}
