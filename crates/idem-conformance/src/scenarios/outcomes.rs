//! What is kept of an operation that failed.

use super::IDEM;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Refused, Stage},
};

/// Statuses on both sides of every line that a profile may draw.
const STATUSES: [u16; 12] = [200, 202, 302, 399, 400, 402, 404, 409, 422, 429, 500, 503];

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "outcomes/failure-then-repaired",
        "43",
        "What was refused frees its key: the repaired payload runs under it.",
        IDEM,
        |stage| Box::pin(failure_then_repaired(stage)),
    )
    .needs(&[Need::Failing]),
    Scenario::new(
        "outcomes/statuses",
        "43",
        "A status that the profile keeps is replayed, and with any other the retry runs.",
        IDEM,
        |stage| Box::pin(statuses(stage)),
    )
    .needs(&[Need::Probe("status"), Need::MarkerOrEffects("status")]),
    Scenario::new(
        "outcomes/server-error-repaired",
        "43",
        "After a server's error the repaired payload runs, or is another one where errors are kept.",
        IDEM,
        |stage| Box::pin(server_error_repaired(stage)),
    )
    .needs(&[Need::Probe("broken"), Need::Probe("repaired")]),
    Scenario::new(
        "outcomes/panic",
        "44",
        "A crash of the handler frees its key at once, and the retry runs.",
        IDEM,
        |stage| Box::pin(panic(stage)),
    )
    .needs(&[Need::Probe("panic")]),
];

async fn failure_then_repaired(stage: &Stage) -> Check {
    let good = stage.operation().await?;
    let failing = stage.profile().api.failing.as_ref();
    let failing = failing.ok_or_else(|| Failure::new("the profile names no [failing]"))?;
    // The failing operation's own setup is the good one's: they share their values.
    let bad = good.of(failing);
    let key = stage.key();
    let request = stage.keyed(bad.request(), &key);
    let failure = stage.send(&request).await?;
    stage.fresh(&bad, &failure)?;
    if kept(stage, failure.status) {
        stage.replayed(&request, &failure).await?;
        stage
            .refused(&stage.keyed(good.request(), &key), Refused::Mismatch)
            .await?;
        return stage.effects(&good, 0).await;
    }
    let again = stage.send(&request).await?;
    stage.fresh(&bad, &again)?;
    let original = stage.original(&good, &key).await?;
    stage.retry(&good, &key, &original).await?;
    stage.effects(&good, 1).await
}

fn kept(stage: &Stage, status: u16) -> bool {
    stage.profile().conventions.replay.kept.contains(status)
}

async fn statuses(stage: &Stage) -> Check {
    for status in STATUSES {
        let call = stage
            .probe("status")
            .await?
            .with("status", &status.to_string());
        let request = stage.keyed(call.request(), &stage.key());
        let first = stage.send(&request).await?;
        has_status(&first, status)?;
        stage.is_unmarked(&first)?;
        let second = stage.send(&request).await?;
        if kept(stage, status) {
            stage.is_replay(&first, &second)?;
            stage.effects(&call, 1).await?;
        } else {
            has_status(&second, status)?;
            if stage.is_marked(&second) {
                let problem =
                    format!("an answer of {status} is not kept, and came again as a replay");
                return Err(Failure::at(&second, problem));
            }
            stage.effects(&call, 2).await?;
        }
    }
    Ok(())
}

fn has_status(answer: &crate::wire::Answer, status: u16) -> Check {
    if answer.status == status {
        return Ok(());
    }
    let problem = format!(
        "the operation must answer {status}, and answered {}",
        answer.status
    );
    Err(Failure::at(answer, problem))
}

async fn server_error_repaired(stage: &Stage) -> Check {
    let repaired = stage.profile().api.probes.repaired.as_ref();
    let repaired =
        repaired.ok_or_else(|| Failure::new("the profile names no [probes.repaired]"))?;
    for status in [500, 503] {
        let broken = stage
            .probe("broken")
            .await?
            .with("status", &status.to_string());
        let repaired = broken.of(repaired);
        let key = stage.key();
        let request = stage.keyed(broken.request(), &key);
        let failure = stage.send(&request).await?;
        has_status(&failure, status)?;
        stage.is_unmarked(&failure)?;
        if kept(stage, status) {
            stage.replayed(&request, &failure).await?;
            stage
                .refused(&stage.keyed(repaired.request(), &key), Refused::Mismatch)
                .await?;
        } else {
            let original = stage.original(&repaired, &key).await?;
            stage.retry(&repaired, &key, &original).await?;
        }
        stage
            .effects(&repaired, if kept(stage, status) { 1 } else { 2 })
            .await?;
    }
    Ok(())
}

async fn panic(stage: &Stage) -> Check {
    let call = stage.probe("panic").await?;
    let key = stage.key();
    if let Some(answer) = stage
        .send_unwelcome(&stage.keyed(call.request(), &key))
        .await?
    {
        has_status(&answer, 500)?;
    }
    let original = stage.original(&call, &key).await?;
    stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await
}
