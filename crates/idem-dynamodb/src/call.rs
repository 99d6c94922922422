//! Calls of the service: each has a time, and is sent again where another transaction was in its way.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError,
    },
};
use idem_core::store::StoreErrorKind;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    clock::Moment,
    failure::{Failure, is_about_the_time, is_conflict},
    item::Item,
    store::Inner,
};

/// The pause after the first conflict; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// What came of a conditional write.
#[derive(Debug)]
pub(crate) enum Written {
    /// It landed.
    Done,
    /// The condition failed on this item; `None` where none is there.
    Refused(Option<Item>),
}

/// The error of an operation that may have a condition.
pub(crate) trait Conditional:
    ProvideErrorMetadata + std::error::Error + Send + Sync + 'static
{
    /// Gives the item on which the condition failed, if that is what happened.
    fn refused(self) -> Option<Item>;
}

macro_rules! conditional {
    ($($error:ident)+) => { $(
        impl Conditional for $error {
            fn refused(self) -> Option<Item> {
                match self {
                    Self::ConditionalCheckFailedException(failed) => failed.item,
                    _ => None,
                }
            }
        }
    )+ };
}

conditional! { PutItemError UpdateItemError DeleteItemError }

impl Inner {
    /// The end of a call that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.call_timeout
    }

    /// Sends a call until it is answered otherwise than by a conflict, which leaves nothing behind.
    pub(crate) async fn send<T, E, F>(
        &self,
        until: Instant,
        request: impl Fn(&Moment) -> F,
    ) -> Result<(Result<T, SdkError<E>>, Moment), Failure>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            let moment = self.clock.moment();
            let answer = timeout_at(until, request(&moment)).await;
            let answer = answer.map_err(|_| Failure::silent())?;
            let code = match &answer {
                Err(SdkError::ServiceError(refusal)) => refusal.err().code().unwrap_or_default(),
                _ => return Ok((answer, moment)),
            };
            let again = is_conflict(code) || (is_about_the_time(code) && moment.was_off());
            let pausing = pause.mul_f64(rand::random_range(0.5..1.0));
            // An attempt that cannot be answered in time would say less than the conflict does.
            if !again || Instant::now() + pausing + self.call_timeout / 4 >= until {
                return Ok((answer, moment));
            }
            sleep(pausing).await;
            pause *= 2;
        }
    }

    /// Sends one of many calls that an operation needs until it is answered otherwise than by throttling: if one of
    /// them failed the operation, all would be sent again.
    pub(crate) async fn insist<T, E, F>(
        &self,
        until: Instant,
        request: impl Fn(&Moment) -> F,
    ) -> Result<(T, Moment), Failure>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            let (answer, moment) = self.send(until, &request).await?;
            let failure = match answer {
                Ok(answer) => return Ok((answer, moment)),
                Err(error) => Failure::from(error),
            };
            let pausing = pause.mul_f64(rand::random_range(0.5..1.0));
            let is_late = Instant::now() + pausing + self.call_timeout / 4 >= until;
            if failure.kind != StoreErrorKind::Full || is_late {
                return Err(failure);
            }
            sleep(pausing).await;
            pause *= 2;
        }
    }

    /// Sends a conditional write.
    pub(crate) async fn write<T, E, F>(
        &self,
        until: Instant,
        request: impl Fn(&Moment) -> F,
    ) -> Result<(Written, Moment), Failure>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: Conditional,
    {
        let (answer, moment) = self.send(until, request).await?;
        let written = match answer {
            Ok(_) => Written::Done,
            Err(SdkError::ServiceError(refusal)) if is_refused(refusal.err()) => {
                Written::Refused(refusal.into_err().refused())
            }
            Err(error) => return Err(error.into()),
        };
        Ok((written, moment))
    }
}

fn is_refused(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}
