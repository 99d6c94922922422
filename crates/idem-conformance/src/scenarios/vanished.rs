//! Clients that hang up.

use super::IDEM;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Race, Refused, Stage},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "vanished/while-it-runs",
        "45",
        "A client that hangs up cancels nothing: the operation ends, and the retry gets its answer.",
        IDEM,
        |stage| Box::pin(while_it_runs(stage)),
    )
    .needs(&[Need::Slow, Need::InProgress])
    .concurrent(),
    Scenario::new(
        "vanished/before-it-reads",
        "46",
        "A client that hangs up before it reads its answer finds one later, and nothing runs twice.",
        IDEM,
        |stage| Box::pin(before_it_reads(stage)),
    )
    .concurrent(),
    Scenario::new(
        "vanished/while-it-uploads",
        "45",
        "A client that hangs up while it uploads has begun nothing: its key is free.",
        IDEM,
        |stage| Box::pin(while_it_uploads(stage)),
    )
    .concurrent(),
];

async fn while_it_runs(stage: &Stage) -> Check {
    let Race {
        call,
        key,
        original,
        ..
    } = stage.race().await?;
    drop(original);
    let request = stage.keyed(call.request(), &key);
    let answer = stage.settled(&request).await?;
    let success = &call.operation().success;
    if !success.contains(answer.status) {
        let problem = format!(
            "the retry must be answered {success} once the operation ended, and was answered {}",
            answer.status
        );
        return Err(Failure::at(&answer, problem));
    }
    if stage.profile().marks_replays() && !stage.is_marked(&answer) {
        let problem = "the retry was executed again: the client's hanging up cancelled the operation, or freed its key";
        return Err(Failure::at(&answer, problem));
    }
    let again = stage.send(&request).await?;
    stage.is_identical(&answer, &again)?;
    stage.effects(&call, 1).await
}

async fn before_it_reads(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let request = stage.keyed(call.request(), &stage.key());
    stage.hang_up_after(&request, request.body.len()).await?;
    // The server may have dropped the request unseen, so that this one runs; or it replays it.
    let answer = stage.settled(&request).await?;
    let success = &call.operation().success;
    if !success.contains(answer.status) {
        let problem = format!(
            "the retry must be answered {success}, and was answered {}",
            answer.status
        );
        return Err(Failure::at(&answer, problem));
    }
    let again = stage.replayed(&request, &answer).await?;
    stage.is_identical(&answer, &again)?;
    stage.effects(&call, 1).await
}

async fn while_it_uploads(stage: &Stage) -> Check {
    let (cut, whole) = (stage.operation().await?, stage.operation().await?);
    let key = stage.key();
    let request = stage.keyed(cut.request(), &key);
    stage
        .hang_up_after(&request, request.body.len() / 2)
        .await?;
    // Before the retry, so that the server has a round trip's time to see that the client is gone.
    stage.effects(&cut, 0).await?;
    let answer = stage.send(&stage.keyed(whole.request(), &key)).await?;
    if stage.is_refusal(&answer, Refused::InProgress).is_ok() {
        let problem = "the key is taken by a request whose payload never arrived whole";
        return Err(Failure::at(&answer, problem));
    }
    stage.fresh(&whole, &answer)?;
    stage.effects(&cut, 0).await?;
    stage.effects(&whole, 1).await
}
