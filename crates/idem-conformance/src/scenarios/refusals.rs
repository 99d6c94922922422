//! What a refusal looks like.

use super::ERRORS;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Refused, Stage},
};

const SHAPE: &str = "RFC 9457, section 3; idem design where the body is a message";

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "refusals/mismatch",
        "14",
        "The body of a mismatch says what is wrong, in the profile's shape.",
        ERRORS,
        |stage| Box::pin(mismatch(stage)),
    )
    .needs(&[Need::Refusals]),
    Scenario::new(
        "refusals/key-invalid",
        "3",
        "The body of a refused key says what is wrong, in the profile's shape.",
        SHAPE,
        |stage| Box::pin(key_invalid(stage)),
    )
    .needs(&[Need::Refusals]),
    Scenario::new(
        "refusals/in-progress",
        "28",
        "The body of a duplicate's answer says that the original is running, in the profile's shape.",
        ERRORS,
        |stage| Box::pin(in_progress(stage)),
    )
    .needs(&[Need::Refusals, Need::Slow, Need::InProgress])
    .concurrent(),
];

async fn mismatch(stage: &Stage) -> Check {
    let (call, other) = (stage.operation().await?, stage.operation().await?);
    let key = stage.key();
    stage.original(&call, &key).await?;
    let request = stage.keyed(other.request(), &key);
    let refusal = stage.refused(&request, Refused::Mismatch).await?;
    stage.is_shaped(&refusal)
}

async fn key_invalid(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let request = stage.with_key_line(call.request(), "");
    let refusal = stage.refused(&request, Refused::KeyInvalid).await?;
    stage.is_shaped(&refusal)?;
    stage.original(&call, &stage.key()).await.map(drop)
}

async fn in_progress(stage: &Stage) -> Check {
    let race = stage.race().await?;
    stage.is_shaped(&race.duplicate)?;
    race.end(stage).await.map(drop)
}
