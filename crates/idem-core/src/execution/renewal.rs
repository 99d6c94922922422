//! A lease is renewed each third of it, in the task of the work that it protects.

use std::{
    any::Any,
    future::{Future, pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    contract::{Fenced, Operation, StoreError},
    events::Event,
    execution::{keyed::KeyedRequest, lease::Settled},
};

/// What a handler threw.
pub(super) type Panic = Box<dyn Any + Send>;

impl KeyedRequest {
    /// Polls the work, and while it is pending the renewal too.
    pub(super) async fn work_under_renewal<T>(
        &self,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, Panic> {
        // Made when the work has to wait: work that is ready at once needs none of it.
        let mut renewal = None;
        poll_fn(|context| {
            // A future that panicked is not polled again, so nobody sees what it left behind.
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
                Ok(Poll::Ready(output)) => return Poll::Ready(Ok(output)),
                Ok(Poll::Pending) => {}
                Err(panic) => return Poll::Ready(Err(panic)),
            }
            let renewal = renewal.get_or_insert_with(|| Box::pin(self.hold_for_ever()));
            renewal.as_mut().poll(context).map(Ok)
        })
        .await
    }

    /// Keeps the lease until it is dropped, or tells that it is lost.
    async fn hold_for_ever<T>(&self) -> T {
        if self.state().term().is_renewed() {
            return self.renew_for_ever().await;
        }
        self.run_out().await;
        self.lose(Operation::Renew);
        pending().await
    }

    /// Waits for the end of a lease that is not renewed; one that has left has none here.
    async fn run_out(&self) {
        loop {
            sleep_until(self.state().deadline()).await;
            match self.state().renewable().await {
                Settled::Elsewhere => return pending().await,
                // Its journey may have put its deadline off.
                Settled::Here if Instant::now() >= self.state().deadline() => return,
                Settled::Here => {}
            }
        }
    }

    /// Renews until it is dropped. Once the lease is lost there is nothing to renew, but the work
    /// goes on: its client is waiting, and its record may still find the key absent.
    async fn renew_for_ever<T>(&self) -> T {
        let period = self.lease().duration() / 3;
        let mut pause = period;
        loop {
            sleep(pause).await;
            let Some(renewed) = self.renew_here().await else {
                return pending().await;
            };
            self.report(&Event::Renewed(renewed.as_ref().copied()));
            pause = match renewed {
                Ok(Fenced::Held) => period,
                Ok(Fenced::Lost) => {
                    self.lose(Operation::Renew);
                    return pending().await;
                }
                Err(_) => {
                    if Instant::now() >= self.state().deadline() {
                        self.lose(Operation::Renew);
                    }
                    period / 4
                }
            };
        }
    }

    /// Renews the lease once, for its own length, when it is here; `None` if it has left.
    async fn renew_here(&self) -> Option<Result<Fenced, StoreError>> {
        loop {
            if self.state().renewable().await == Settled::Elsewhere {
                return None;
            }
            let _turn = self.state().turn_to_renew().await;
            // It may have set out while this waited for its turn.
            if self.state().is_renewable() {
                return Some(self.send_renewal(self.lease().duration()).await);
            }
        }
    }

    /// Renews the lease once, for a duration.
    pub(crate) async fn renew(&self, duration: Duration) -> Result<Fenced, StoreError> {
        let _turn = self.state().turn_to_renew().await;
        self.send_renewal(duration).await
    }

    async fn send_renewal(&self, duration: Duration) -> Result<Fenced, StoreError> {
        let lease = self.lease().lasting(duration);
        let sent = Instant::now();
        let timeout = self.call_timeout();
        let renewed = self.calls().renew(self.record_key(), &lease, timeout).await;
        if let Ok(Fenced::Held) = renewed {
            self.state().runs_until(sent + duration);
        }
        renewed
    }

    /// Reports that the lease is lost, where it is found first and at the execution's end.
    pub(crate) fn lose(&self, operation: Operation) {
        if self.state().lose() || operation != Operation::Renew {
            self.report(&Event::LeaseLost(operation));
        }
    }
}
