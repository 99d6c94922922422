//! Answers that say that nothing was done.

use super::IDEM;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Refused, Stage},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "outcomes/redirects",
        "87",
        "A redirect with 307 or 308 is not kept: the key is free for the request at its target.",
        "RFC 9110, sections 15.4.8 and 15.4.9",
        |stage| Box::pin(redirects(stage)),
    )
    .needs(&[Need::Probe("redirect"), Need::Probe("redirected")]),
    Scenario::new(
        "outcomes/inner-refusal",
        "87",
        "A refusal by another layer further inside is not kept: the retry runs.",
        IDEM,
        |stage| Box::pin(inner_refusal(stage)),
    )
    .needs(&[Need::Probe("inner_refusal"), Need::CodeHeader]),
    Scenario::new(
        "outcomes/protected-twice",
        "88",
        "A request that is protected by two layers runs once, and its answer is the result.",
        IDEM,
        |stage| Box::pin(protected_twice(stage)),
    )
    .needs(&[
        Need::Probe("protected_twice"),
        Need::MarkerOrEffects("protected_twice"),
    ]),
];

async fn redirects(stage: &Stage) -> Check {
    let redirected = stage.profile().api.probes.redirected.as_ref();
    let redirected =
        redirected.ok_or_else(|| Failure::new("the profile names no [probes.redirected]"))?;
    for status in [307, 308] {
        let call = stage
            .probe("redirect")
            .await?
            .with("status", &status.to_string());
        let target = call.of(redirected);
        let key = stage.key();
        for _ in 0..2 {
            let answer = stage.send(&stage.keyed(call.request(), &key)).await?;
            if !matches!(answer.status, 307 | 308) {
                let problem = format!(
                    "the operation must redirect with 307 or 308, and answered {}",
                    answer.status
                );
                return Err(Failure::at(&answer, problem));
            }
            if stage.is_marked(&answer) {
                let problem = format!(
                    "a redirect with {} asks for the same request elsewhere and must not be kept; it came \
                     again as a replay",
                    answer.status
                );
                return Err(Failure::at(&answer, problem));
            }
        }
        // The same request elsewhere, as a client sends it that follows redirects.
        let original = stage.original(&target, &key).await?;
        stage.retry(&target, &key, &original).await?;
        stage.effects(&target, 1).await?;
    }
    Ok(())
}

async fn inner_refusal(stage: &Stage) -> Check {
    // One says that the original is running, the other that the store cannot be reached.
    for status in [202, 503] {
        let call = stage
            .probe("inner_refusal")
            .await?
            .with("status", &status.to_string());
        let key = stage.key();
        let refusal = stage.send(&stage.keyed(call.request(), &key)).await?;
        stage.is_unmarked(&refusal)?;
        let code_header = &stage.profile().conventions.refusals.code_header;
        if !refusal.has(code_header) {
            let problem = format!(
                "the operation must pass on a refusal (`{code_header}`) the first time, and answered {}",
                refusal.status
            );
            return Err(Failure::at(&refusal, problem));
        }
        let original = stage.original(&call, &key).await?;
        stage.retry(&call, &key, &original).await?;
    }
    Ok(())
}

async fn protected_twice(stage: &Stage) -> Check {
    let call = stage.probe("protected_twice").await?;
    let another = stage.probe("protected_twice").await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    stage.retry(&call, &key, &original).await?;
    let other = stage.keyed(another.request(), &key);
    stage.refused(&other, Refused::Mismatch).await?;
    stage.effects(&another, 0).await?;
    stage.effects(&call, 1).await
}
