//! Duplicates that come while the original runs.

use futures_util::future::join_all;

use super::{ENFORCEMENT, ERRORS, IDEM};
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Call, Check, Failure, Race, Refused, Stage},
    wire::Answer,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "concurrency/in-progress",
        "28",
        "A duplicate gets \"in progress\" at once; later it gets the original's answer.",
        ERRORS,
        |stage| Box::pin(in_progress(stage)),
    )
    .needs(&[Need::Slow, Need::InProgress])
    .concurrent(),
    Scenario::new(
        "concurrency/retry-after",
        "28",
        "A duplicate learns when to come again, in whole seconds, at least one and at most the lease.",
        "RFC 9110, section 10.2.3",
        |stage| Box::pin(retry_after(stage)),
    )
    .needs(&[Need::Slow, Need::InProgress, Need::RetryAfter])
    .concurrent(),
    Scenario::new(
        "concurrency/one-of-two",
        "28",
        "Of two identical requests at once, one runs.",
        ENFORCEMENT,
        |stage| Box::pin(one_of(stage, 2)),
    )
    .concurrent(),
    Scenario::new(
        "concurrency/one-of-a-hundred",
        "28",
        "Of many identical requests at once, one runs.",
        ENFORCEMENT,
        |stage| Box::pin(one_of(stage, stage.scenery.concurrency)),
    )
    .concurrent(),
    Scenario::new(
        "concurrency/many-while-it-runs",
        "28",
        "Of many identical requests at once to an operation that takes a while, one runs.",
        ENFORCEMENT,
        |stage| Box::pin(many_while_it_runs(stage)),
    )
    .needs(&[Need::Slow])
    .concurrent(),
    Scenario::new(
        "concurrency/mismatch-while-it-runs",
        "23",
        "Another payload is refused as such while the original runs, and does not get \"in progress\".",
        IDEM,
        |stage| Box::pin(mismatch_while_it_runs(stage)),
    )
    .needs(&[Need::Slow, Need::InProgress])
    .concurrent(),
    Scenario::new(
        "concurrency/other-key-meanwhile",
        "25",
        "While one request runs, another with a key of its own runs too.",
        ENFORCEMENT,
        |stage| Box::pin(other_key_meanwhile(stage)),
    )
    .needs(&[Need::Slow, Need::InProgress])
    .concurrent(),
];

async fn in_progress(stage: &Stage) -> Check {
    let Race {
        call,
        key,
        original,
        ..
    } = stage.race().await?;
    let original = original.await?;
    stage.fresh(&call, &original)?;
    let replay = stage.retry(&call, &key, &original).await?;
    stage.is_identical(&original, &replay)?;
    stage.effects(&call, 1).await
}

async fn retry_after(stage: &Stage) -> Check {
    let race = stage.race().await?;
    let most = stage.profile().conventions.refusals.retry_after;
    let value = race.duplicate.text_of("retry-after");
    let seconds = value.as_ref().and_then(|value| value.parse().ok());
    if !seconds.is_some_and(|seconds: u64| (1..=most).contains(&seconds)) {
        let problem = format!(
            "Retry-After must be whole seconds from 1 to {most}, and is {}",
            value.map_or("missing".to_owned(), |value| format!("{value:?}"))
        );
        return Err(Failure::at(&race.duplicate, problem));
    }
    race.end(stage).await.map(drop)
}

async fn one_of(stage: &Stage, number: usize) -> Check {
    at_once(stage, &stage.operation().await?, number).await
}

async fn many_while_it_runs(stage: &Stage) -> Check {
    at_once(stage, &stage.slow().await?, stage.scenery.concurrency).await
}

/// Sends one call many times at once: one answer is the original's, and all others are its
/// replays, or say that it is running.
async fn at_once(stage: &Stage, call: &Call<'_>, number: usize) -> Check {
    let key = stage.key();
    let request = stage.keyed(call.request(), &key);
    let answers = join_all((0..number).map(|_| stage.send(&request))).await;
    let answers: Vec<Answer> = answers.into_iter().collect::<Check<_>>()?;
    let is_told = |answer: &Answer| stage.is_refusal(answer, Refused::InProgress).is_ok();
    let (told, ran): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| is_told(answer));
    let (replays, originals): (Vec<_>, Vec<_>) =
        ran.into_iter().partition(|answer| stage.is_marked(answer));
    let Some(original) = originals.first() else {
        let problem = format!(
            "{number} requests at once, and none ran: {} were told that it is running",
            told.len()
        );
        return Err(Failure::new(problem));
    };
    stage.fresh(call, original)?;
    if stage.profile().marks_replays() && originals.len() > 1 {
        let problem = format!(
            "of {number} identical requests at once {} were executed, or refused for no good reason",
            originals.len()
        );
        return Err(Failure::at(originals[1], problem));
    }
    for replay in replays.iter().chain(&originals[1..]) {
        stage.is_identical(original, replay)?;
    }
    stage.retry(call, &key, original).await?;
    stage.effects(call, 1).await
}

async fn mismatch_while_it_runs(stage: &Stage) -> Check {
    let other = stage.slow().await?;
    let Race {
        call,
        key,
        original,
        ..
    } = stage.race().await?;
    let request = stage.keyed(other.request(), &key);
    let (answer, original) = stage.meanwhile(original, request).await?;
    stage.is_refusal(&answer, Refused::Mismatch)?;
    let original = original.await?;
    stage.fresh(&call, &original)?;
    stage.effects(&call, 1).await?;
    stage.effects(&other, 0).await
}

async fn other_key_meanwhile(stage: &Stage) -> Check {
    let other = stage.operation().await?;
    let Race { call, original, .. } = stage.race().await?;
    let request = stage.keyed(other.request(), &stage.key());
    let (answer, original) = stage.meanwhile(original, request).await?;
    stage.fresh(&other, &answer)?;
    stage.fresh(&call, &original.await?)?;
    stage.effects(&call, 1).await
}
