//! How long a duplicate is told to wait.

use futures_util::future::{self, Either};

use super::IDEM;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Race, Refused, Stage},
    wire::Answer,
};

pub(super) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "concurrency/retry-after-at-first",
    "28",
    "A duplicate of a request that has just begun gets a short Retry-After, which does not shrink as \
     the original ages.",
    IDEM,
    |stage| Box::pin(at_first(stage)),
)
.needs(&[Need::Slow, Need::InProgress, Need::RetryAfter, Need::FirstRetryAfter])
.concurrent()];

async fn at_first(stage: &Stage) -> Check {
    let Race {
        call,
        key,
        duplicate,
        mut original,
    } = stage.race().await?;
    let refusals = &stage.profile().conventions.refusals;
    let most = refusals.first_retry_after.min(refusals.retry_after);
    let mut least = seconds(&duplicate)?;
    if !(1..=most).contains(&least) {
        let problem = format!(
            "the original has just begun, so Retry-After must be 1 to {most} seconds, and is {least}"
        );
        return Err(Failure::at(&duplicate, problem));
    }
    let request = stage.keyed(call.request(), &key);
    // Until the original ends: nobody knows how long it takes.
    let original = loop {
        let look = Box::pin(stage.send(&request));
        original = match future::select(look, original).await {
            Either::Left((look, original)) => {
                let look = look?;
                if stage.is_refusal(&look, Refused::InProgress).is_ok() {
                    least = no_sooner(&look, least, refusals.retry_after)?;
                }
                original
            }
            Either::Right((original, _)) => break original?,
        };
        stage.pause().await;
    };
    stage.fresh(&call, &original)?;
    stage.effects(&call, 1).await
}

/// What a later duplicate is told, which must not be less than an earlier one was.
fn no_sooner(answer: &Answer, least: u64, lease: u64) -> Check<u64> {
    let seconds = seconds(answer)?;
    if (least..=lease).contains(&seconds) {
        return Ok(seconds);
    }
    let problem = format!(
        "Retry-After was {least} while the original was younger, so it must be {least} to {lease} \
         seconds, and is {seconds}"
    );
    Err(Failure::at(answer, problem))
}

fn seconds(answer: &Answer) -> Check<u64> {
    let value = answer.text_of("retry-after");
    let seconds = value.as_ref().and_then(|value| value.parse().ok());
    seconds.ok_or_else(|| {
        let shown = value.map_or("missing".to_owned(), |value| format!("{value:?}"));
        Failure::at(
            answer,
            format!("Retry-After must be whole seconds, and is {shown}"),
        )
    })
}
