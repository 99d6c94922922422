//! Two identical requests at once: one is the original, the other its duplicate.

use std::time::Duration;

use futures_util::future::{self, BoxFuture, Either};

use super::{Call, Check, Failure, Refused, Stage};
use crate::wire::{Answer, Request};

const PAUSE: Duration = Duration::from_millis(20);

/// An original that runs, as its duplicate's answer has shown.
///
/// A client cannot look into a server. Of two identical requests that are sent at once, one gets "in progress":
/// so the other one is the original, and its operation has begun.
pub(crate) struct Race<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) key: String,
    pub(crate) duplicate: Answer,
    /// Dropped, it hangs up.
    pub(crate) original: BoxFuture<'a, Check<Answer>>,
}

impl Race<'_> {
    /// Waits for the original, which must have run.
    pub(crate) async fn end(self, stage: &Stage) -> Check<Answer> {
        let original = self.original.await?;
        stage.fresh(&self.call, &original)?;
        Ok(original)
    }
}

impl Stage {
    /// Starts the slow operation twice under one key, until one of both is told to come again.
    pub(crate) async fn race(&self) -> Check<Race<'_>> {
        let call = self.slow().await?;
        let key = self.key();
        let request = self.keyed(call.request(), &key);
        let one = self.send_later(request.clone());
        let other = self.send_later(request);
        let (first, original) = match future::select(one, other).await {
            Either::Left((answer, other)) | Either::Right((answer, other)) => (answer?, other),
        };
        if let Err(failure) = self.is_refusal(&first, Refused::InProgress) {
            let problem = format!(
                "of two identical requests at once, the duplicate must be answered first, with {}; {}. \
                 Either it was executed too, or it waited for the original, or the operation is over \
                 too soon ([slow] must name one that takes a while)",
                self.status_of(Refused::InProgress),
                failure.problem
            );
            return Err(Failure::at(&first, problem));
        }
        Ok(Race {
            call,
            key,
            duplicate: first,
            original,
        })
    }

    fn send_later(&self, request: Request) -> BoxFuture<'_, Check<Answer>> {
        Box::pin(async move { self.send(&request).await })
    }

    /// Sends a request while the original of a race runs; it must be answered before that.
    pub(crate) async fn meanwhile<'a>(
        &'a self,
        original: BoxFuture<'a, Check<Answer>>,
        request: Request,
    ) -> Check<(Answer, BoxFuture<'a, Check<Answer>>)> {
        match future::select(self.send_later(request), original).await {
            Either::Left((answer, original)) => Ok((answer?, original)),
            Either::Right((original, _)) => Err(Failure::at(
                &original?,
                "the original was answered before another request that came while it ran: that one \
                 waits, or the operation is over too soon ([slow] must name one that takes a while)",
            )),
        }
    }

    /// Leaves the server time between two looks.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(PAUSE).await;
    }

    /// Sends a request again and again, until it is no longer told that the original is running.
    pub(crate) async fn settled(&self, request: &Request) -> Check<Answer> {
        let settled = async {
            loop {
                let answer = self.send(request).await?;
                if self.is_refusal(&answer, Refused::InProgress).is_err() {
                    return Ok(answer);
                }
                self.pause().await;
            }
        };
        let timeout = self.scenery.timeout;
        let Ok(settled) = tokio::time::timeout(timeout, settled).await else {
            let problem = format!(
                "the operation must end, and its retries are told that it is running, for {timeout:?} by now"
            );
            return Err(Failure::new(problem));
        };
        settled
    }
}
