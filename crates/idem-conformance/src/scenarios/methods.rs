//! Methods that need no protection.

use super::IDEM;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Stage},
    wire::Request,
};

const IDEMPOTENT: &str = "RFC 9110, section 9.2.2";

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "methods/get",
        "49",
        "A GET with a key passes through untouched, whatever the key is.",
        "RFC 9110, section 9.2.1",
        |stage| Box::pin(get(stage)),
    )
    .needs(&[Need::Effects]),
    Scenario::new(
        "methods/put",
        "49",
        "A PUT with a key runs each time: it is idempotent by itself.",
        IDEMPOTENT,
        |stage| Box::pin(runs_each_time(stage, "put")),
    )
    .needs(&[Need::Probe("put"), Need::MarkerOrEffects("put")]),
    Scenario::new(
        "methods/delete",
        "49",
        "A DELETE with a key runs each time: it is idempotent by itself.",
        IDEMPOTENT,
        |stage| Box::pin(runs_each_time(stage, "delete")),
    )
    .needs(&[Need::Probe("delete"), Need::MarkerOrEffects("delete")]),
    Scenario::new(
        "methods/key-of-another",
        "49",
        "The key of a request that passes through is not taken by it.",
        IDEM,
        |stage| Box::pin(key_of_another(stage)),
    )
    .needs(&[Need::Effects]),
];

/// The list of effects, before and after a call that has one.
async fn get(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let list = list(stage, &call);
    let before = stage.send(&stage.keyed(list.clone(), &key)).await?;
    passed(stage, &before)?;
    stage.original(&call, &key).await?;
    let after = stage.send(&stage.keyed(list.clone(), &key)).await?;
    passed(stage, &after)?;
    if before.body == after.body {
        let problem = "a GET under a key must show what there is now, and shows what there was";
        return Err(Failure::at(&after, problem));
    }
    let malformed = stage
        .send(&stage.with_key_line(list, "\"not, a key"))
        .await?;
    passed(stage, &malformed)
}

fn list(stage: &Stage, call: &crate::stage::Call<'_>) -> Request {
    let effects = stage.profile().effects_of(call.operation());
    let path = effects.map(|effects| call.fill(&effects.path));
    Request::new("GET", path.unwrap_or_default())
}

fn passed(stage: &Stage, answer: &crate::wire::Answer) -> Check {
    if !(200..300).contains(&answer.status) {
        let problem = format!(
            "a GET must pass through, and was answered {}",
            answer.status
        );
        return Err(Failure::at(answer, problem));
    }
    stage.is_unmarked(answer)
}

async fn key_of_another(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let answer = stage.send(&stage.keyed(list(stage, &call), &key)).await?;
    passed(stage, &answer)?;
    let original = stage.original(&call, &key).await?;
    stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await
}

async fn runs_each_time(stage: &Stage, probe: &str) -> Check {
    let call = stage.probe(probe).await?;
    let key = stage.key();
    for _ in 0..2 {
        let answer = stage.send(&stage.keyed(call.request(), &key)).await?;
        stage.fresh(&call, &answer)?;
    }
    let malformed = stage.with_key_line(call.request(), "\"not, a key");
    let answer = stage.send(&malformed).await?;
    stage.fresh(&call, &answer)?;
    stage.effects(&call, 3).await
}
